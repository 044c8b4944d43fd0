"""What is asked about records: a volunteer disputes, who was there objects, who recorded and the centres answer."""

from __future__ import annotations

from collections.abc import Sequence

from bot.desk import standing
from bot.desk.subject import Subject
from bot.domain.anomalies import SAMPLE
from bot.domain.matters import (
    REASONS,
    About,
    Answered,
    Matter,
    NoSuchMatter,
    Open,
    Opened,
    Said,
    Shown,
    State,
    Word,
    answers,
    step,
)
from bot.domain.people import masked
from bot.domain.records import Record
from bot.domain.roles import Deed, Post, Role, may
from storage import attendance, audit, matters, people


class Matters(Subject):
    """Mine, and those that I have to answer."""

    # --- To ask ---

    async def dispute(self, number: int, reason: str, words: str) -> Opened | Open | NoSuchMatter:
        """Say that a record of mine is wrong; who recorded has to answer within the clock."""
        record = await attendance.one_record(self.unit, number)
        if record is None or record.person != self.me.id or reason not in REASONS:
            return NoSuchMatter()
        before = [one for one in await matters.of_record(self.unit, number) if one.kind == About.DISPUTE]
        if before and before[0].state != State.SETTLED:
            return Open(before[0].id)
        return await self._open(About.DISPUTE, f"dispute:{number}:{len(before)}", record, None, words, {"why": reason})

    async def open_dispute(self, number: int) -> Open | None:
        """My dispute about a record, while it is open."""
        asked = await self.of(number)
        return next((Open(one.id) for one in asked if one.kind == About.DISPUTE and one.state != State.SETTLED), None)

    async def object(self, number: int, words: str) -> Opened | Open | NoSuchMatter:
        """Say that a record on public notice is not true; the centre above who recorded looks."""
        on_notice = {one.id: one for one in await self.on_notice()}
        if number not in on_notice:
            return NoSuchMatter()
        record = on_notice[number]
        node = await standing.above(self.unit, self.city, record.organisation, None, record.person)
        return await self._open(About.OBJECTION, f"objection:{number}:{self.me.id}", record, node, words, None)

    async def _open(
        self, kind: About, mark: str, record: Record, node: int | None, words: str, facts: dict[str, str] | None
    ) -> Opened | Open:
        until = standing.due(self.city, record, self.now)
        number = await matters.open_one(
            self.unit, kind, mark, record.id, record.person, record.organisation, node, self.now, until, facts=facts
        )
        if number is None:
            return Open(0)
        about = await matters.one(self.unit, number)
        assert about is not None
        word = await matters.say(self.unit, about, Said.OPENED, self.now, self.me.id, words=words)
        await audit.log(self.unit, self.now, self.me.id, kind, f"record:{record.id}", None, f"matter:{number}")
        await standing.tell(
            self.unit, about, record, word, "asked", standing.those_who_answer(about, node), self.now
        )
        return Opened(number, until)

    async def on_notice(self) -> list[Record]:
        """Records on public notice that I may object to: of where I was, or of my organisations; never my own."""
        mine = [post.organisation for post in await self._posts() if post.organisation is not None]
        return await attendance.on_notice(self.unit, self.me.id, mine, self.now)

    async def names(self, records: Sequence[Record]) -> dict[int, str]:
        """Whose records these are, masked: public notice shows no whole name."""
        known = await people.personal(self.unit, self.city.secrecy, list({one.person for one in records}))
        return {id_: masked(name) for id_, (name, _phone) in known.items()}

    # --- To answer ---

    async def waiting(self) -> list[tuple[Matter, Record]]:
        """What waits for my word: of my organisations, and of the places that I look after."""
        return await self._with_records(await self._waiting())

    async def _waiting(self) -> list[Matter]:
        posts = await self._posts()
        mine = [one.organisation for one in posts if one.role == Role.ORGANISER and one.organisation is not None]
        found = await matters.standing_with(self.unit, mine, standing.looked_after(posts, self.city))
        return [one for one in found if one.person != self.me.id]

    async def sample(self) -> list[tuple[Matter, Record]]:
        """Entries without evidence that were drawn for the audit and wait for my look, the oldest first."""
        waiting = await self._waiting()
        drawn = [one for one in waiting if one.facts.get("rule") == SAMPLE and one.node is not None]
        return await self._with_records(drawn)

    async def mine(self) -> list[tuple[Matter, Record]]:
        """What I asked about my own records and is not settled."""
        return await self._with_records(await matters.of_person(self.unit, self.me.id))

    async def _with_records(self, found: Sequence[Matter]) -> list[tuple[Matter, Record]]:
        known = await attendance.records_by_number(self.unit, [one.record for one in found])
        return [(one, known[one.record]) for one in found]

    async def of(self, record: int) -> list[Matter]:
        """What is asked about a record of mine, newest first. A review is nobody's accusation, and not shown."""
        found = await matters.of_record(self.unit, record)
        return [one for one in found if one.person == self.me.id and one.kind in (About.DISPUTE, About.OVERLAP)]

    async def shown(self, number: int) -> Shown | NoSuchMatter:
        """A matter that is mine or that I may answer, with all that was said."""
        about = await matters.one(self.unit, number)
        record = await attendance.one_record(self.unit, about.record) if about else None
        if about is None or record is None:
            return NoSuchMatter()
        other = await attendance.one_record(self.unit, about.other) if about.other else None
        mine = about.person == self.me.id and about.kind in (About.DISPUTE, About.OVERLAP)
        if about.person == self.me.id and not mine:
            return NoSuchMatter()  # what somebody says of my minutes is not mine to read, whatever my post
        side = await self._side(about, other)
        said = await matters.words(self.unit, number)
        if not mine and side is None and not await self._spoke(said):
            return NoSuchMatter()
        name = (await people.personal(self.unit, self.city.secrecy, [about.person])).get(about.person, ("", ""))[0]
        whole = mine or (side is not None and side[0] == record.organisation)
        return Shown(
            about, record, other, said, self.called(name, whole), mine, await self._answers(about, side),
        )  # fmt: skip

    async def _spoke(self, said: Sequence[Word]) -> bool:
        """Was something said for a place that I look after? A centre that asked who recorded follows what they do."""
        posts = await self._posts()
        return any(one.node is not None and self._may(posts, Deed.DECIDE, None, one.node) for one in said)

    async def _answers(self, about: Matter, side: tuple[int | None, int | None] | None) -> frozenset[Said]:
        """What I may say; `side`: the organisation, or the centre's place, that I speak for."""
        recorder, centre = (side[0] is not None, side[1] is not None) if side else (False, False)
        last = await standing.above(self.unit, self.city, about.organisation, about.node, about.person) is None
        return answers(about, about.person == self.me.id, recorder, centre, last)

    async def _side(self, about: Matter, other: Record | None) -> tuple[int | None, int | None] | None:
        """Whom I speak for in a matter: (organisation, None) or (None, place); None: for nobody."""
        posts = await self._posts()
        # What the centre looks at by itself is not shown to who recorded before they are asked.
        asked = about.node is None or about.kind in (About.DISPUTE, About.OVERLAP)
        for organisation in (about.organisation, other.organisation if other else None):
            if organisation and asked and self._may(posts, Deed.ANSWER, organisation, None):
                return organisation, None
        node = about.node
        return (None, node) if node is not None and self._may(posts, Deed.DECIDE, None, node) else None

    def _may(self, posts: Sequence[Post], deed: Deed, organisation: int | None, place: int | None) -> bool:
        return may(posts, deed, organisation=organisation, place=place, within=self.city.within)

    async def _posts(self) -> list[Post]:
        return await people.posts(self.unit, self.me.id)

    async def answer(self, number: int, said: Said, words: str = "") -> Answered | NoSuchMatter:
        """Say something in a matter: reject, look and find it fine, ask for a correction, whose the minutes are, or
        take it to the next level. Corrections answer by themselves."""
        about = await matters.one(self.unit, number, lock=True)
        record = await attendance.one_record(self.unit, about.record) if about else None
        if about is None or record is None:
            return NoSuchMatter()
        other = await attendance.one_record(self.unit, about.other) if about.other else None
        side = await self._side(about, other)
        if said == Said.CORRECTED or said not in await self._answers(about, side):
            return NoSuchMatter()
        organisation, node = side or (None, None)
        word = await matters.say(self.unit, about, said, self.now, self.me.id, organisation, node, words)
        await audit.log(self.unit, self.now, self.me.id, said, f"matter:{number}", about.state, None)
        if about.kind == About.OVERLAP:
            verdict = await standing.settle_overlap(self.unit, self.city, about, self.now, over=False)
            return Answered(State.SETTLED if verdict else State.OPEN, verdict)
        above = await standing.above(self.unit, self.city, about.organisation, about.node, about.person)
        after = step(about, said, above)
        await standing.go_on(self.unit, self.city, about, record, after, word, self.now)
        return Answered(after.state, after.verdict)
