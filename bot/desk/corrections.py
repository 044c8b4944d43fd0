"""Correcting records: other facts with a reason, a second person beyond the limits, and the owner told."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bot.desk import counting, standing
from bot.desk.proofs import records_changed
from bot.desk.standing import looked_after
from bot.desk.subject import Subject
from bot.domain.activities import Activity, NotAllowed
from bot.domain.attendance import Zero
from bot.domain.corrections import (
    Corrected,
    Correction,
    NeedsSecond,
    NothingChanged,
    Values,
    may_agree,
    needs_second,
)
from bot.domain.matters import Said, State, Step
from bot.domain.records import Counted, Record
from bot.domain.roles import Deed, may
from bot.domain.rulesets import final_from
from storage import activities, attendance, audit, corrections, fanouts, matters, people
from storage.tables.delivery import Lane

LOOK_BACK = timedelta(days=90)
"""How long after its end an activity is offered for corrections; its records can be corrected for ever."""


class Corrections(Subject):
    """What my posts let me correct, and what waits for my agreement."""

    async def _allowed(self, record: Record, deed: Deed) -> bool:
        posts = await people.posts(self.unit, self.me.id)
        place = await matters.place_of(self.unit, record.organisation)
        return may(posts, deed, organisation=record.organisation, place=place, within=self.city.within)

    async def activities(self) -> list[Activity]:
        """Activities of my organisations that began lately, newest first."""
        posts = await people.posts(self.unit, self.me.id)
        mine = [post.organisation for post in posts if post.organisation is not None]
        found = await activities.by_organisations(self.unit, mine, self.now - LOOK_BACK) if mine else []
        return sorted((one for one in found if one.starts <= self.now), key=lambda one: one.starts, reverse=True)

    async def records(self, activity: int) -> list[tuple[Record, str]] | NotAllowed:
        """Every record of an activity with whose it is; names whole only for who recorded."""
        found = await attendance.records_of(self.unit, activity)
        if not found or not await self._allowed(found[0], Deed.RECORDS):
            return NotAllowed()
        posts = await people.posts(self.unit, self.me.id)
        whole = any(post.organisation == found[0].organisation for post in posts)
        names = await people.personal(self.unit, self.city.secrecy, [one.person for one in found])
        shown = {id_: self.called(name, whole) for id_, (name, _phone) in names.items()}
        return [(one, shown.get(one.person, "")) for one in found]

    async def record(self, number: int, deed: Deed = Deed.AMEND) -> Record | NotAllowed:
        """A record that I may correct (or see, or agree about)."""
        found = await attendance.one_record(self.unit, number)
        return found if found is not None and await self._allowed(found, deed) else NotAllowed()

    async def correct(
        self, number: int, starts: datetime | None, ends: datetime | None, words: str, matter: int | None = None
    ) -> Corrected | NeedsSecond | NothingChanged | NotAllowed:
        """They were there from then to then, or (None) not at all. Beyond the limits it waits for a second person."""
        record = await self.record(number)
        if isinstance(record, NotAllowed):
            return record
        await people.lock(self.unit, record.person)
        counted = await self._worth(record, starts, ends)
        before = Values(record.starts, record.ends or record.starts, record.minutes, record.why)
        after = Values(counted.starts, counted.ends, counted.minutes, counted.why)
        if replace(after, why=None) == replace(before, why=None):
            return NothingChanged()
        rules = self.city.rules.named(record.rules)
        others = await attendance.minutes_on(self.unit, record.person, *self._day(record)) - record.minutes
        second = needs_second(before.minutes, after.minutes, others, record.person == self.me.id, rules)
        state = "waiting" if second else "done"
        made = await corrections.keep(
            self.unit, record.id, self.me.id, before, after, words, state, self.now, matter or None
        )
        await audit.log(self.unit, self.now, self.me.id, "correct", f"record:{record.id}", None, f"correction:{made}")
        if second:
            return NeedsSecond(made, after)
        return await self._apply(made, record, counted, matter)

    async def _worth(self, record: Record, starts: datetime | None, ends: datetime | None) -> Counted:
        if starts is None or ends is None:
            return Counted(0, record.starts, record.starts, Zero("absent"))
        return await counting.would_be(self.unit, self.city, record, starts, ends)

    def _day(self, record: Record) -> tuple[datetime, datetime]:
        start = record.starts.astimezone(self.city.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        return start, start + timedelta(days=1)

    async def _apply(self, made: int, record: Record, counted: Counted, matter: int | None) -> Corrected:
        """The record says it from now on; what stands beside it is counted again; its notice begins anew."""
        settles = final_from(self.now.astimezone(self.city.zone), self.city.rules.named(record.rules))
        await attendance.set_worth(self.unit, record.id, counted, settles)
        values = str(record.minutes), str(counted.minutes)
        await audit.log(self.unit, self.now, self.me.id, "corrected", f"record:{record.id}", *values)
        changed = await counting.again(self.unit, self.city, record.person, record.starts, self.now)
        await records_changed(self.unit, record.person, {record.id, *changed}, self.now, self.me.id)
        await self._tell(made, record, counted)
        if matter:
            await self._answers(matter, record)
        before = Values(record.starts, record.ends or record.starts, record.minutes, record.why)
        return Corrected(record, before, Values(counted.starts, counted.ends, counted.minutes, counted.why))

    async def _answers(self, number: int, record: Record) -> None:
        """A correction answers the question that it was made for, and every other that stands with who recorded."""
        about = await matters.one(self.unit, number, lock=True)
        if about is None or about.record != record.id or about.state == State.SETTLED:
            return
        word = await matters.say(self.unit, about, Said.CORRECTED, self.now, self.me.id)
        settled = Step(State.SETTLED, "corrected")
        await standing.go_on(self.unit, self.city, about, record, settled, word, self.now)

    async def _tell(self, made: int, record: Record, counted: Counted) -> None:
        await fanouts.plan(
            self.unit,
            kind="corrected",
            source=made,
            lane=Lane.PERSONAL,
            segment={"person": record.person},
            not_before=self.now,
            expires=self.now + standing.WORTH_TELLING,
            words={
                "record": str(record.id),
                "title": record.title,
                "english": record.english,
                "day": record.starts.isoformat(),
                "before": str(record.minutes),
                "after": str(counted.minutes),
            },
        )

    # --- The second person ---

    async def waiting(self) -> list[tuple[Correction, Record]]:
        """Corrections that I may agree to or refuse."""
        posts = await people.posts(self.unit, self.me.id)
        mine = [one.organisation for one in posts if one.organisation is not None]
        found = []
        for one in await corrections.waiting(self.unit, mine, looked_after(posts, self.city)):
            record = await attendance.one_record(self.unit, one.record)
            if record and may_agree(one, record.person, self.me.id) and await self._allowed(record, Deed.SECOND):
                found.append((one, record))
        return found

    async def to_agree(self, number: int) -> tuple[Correction, Record] | NotAllowed:
        """One of them."""
        return next((pair for pair in await self.waiting() if pair[0].id == number), NotAllowed())

    async def agree(self, number: int, yes: bool) -> Corrected | Correction | NotAllowed:
        """The second person has spoken; a correction that was refused changes nothing and stays in the history."""
        found = await self.to_agree(number)
        if isinstance(found, NotAllowed):
            return found
        one, record = found
        await people.lock(self.unit, record.person)
        absent = one.after.why is not None and one.after.why.rule == "absent"
        counted = await self._worth(record, *((None, None) if absent else (one.after.starts, one.after.ends)))
        after = Values(counted.starts, counted.ends, counted.minutes, counted.why)
        if not await corrections.decide(self.unit, number, "done" if yes else "refused", self.me.id, after, self.now):
            return NotAllowed()
        deed = "agree" if yes else "refuse"
        await audit.log(self.unit, self.now, self.me.id, deed, f"correction:{number}", "waiting", None)
        return await self._apply(number, record, counted, one.matter) if yes else one

    async def history(self, record: int) -> list[Correction]:
        """What a record of mine, or one that I may see, said before; nothing is ever deleted."""
        found = await attendance.one_record(self.unit, record)
        if found is None or not (found.person == self.me.id or await self._allowed(found, Deed.RECORDS)):
            return []
        return await corrections.of_record(self.unit, record)
