"""The leader's roll: who is there and who has left, said in a chat or ticked on the leader's page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.desk.city import City
from bot.desk.organising import Organising
from bot.desk.presences import Presences, Seat
from bot.desk.subject import Subject
from bot.domain.activities import Activity, NotAllowed
from bot.domain.attendance import CHECKOUT_CLOSES, OPENS
from bot.domain.enrolment import COMING, Stand
from bot.domain.evidence import BY_THE_ORGANISER, Evidence, Part, Proof, standing
from bot.domain.people import Person
from bot.domain.roles import Deed
from bot.domain.roll import AlreadySo, Call, Mark, Marked, NotMarked, Outcome, Rolled, Tick, chosen
from storage import evidence, people, roll
from storage.database import Database, Unit

NOBODY = NotMarked("unknown")


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one line of a call."""

    number: int
    name: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Called:
    """A call was answered, line by line."""

    activity: Activity
    answers: Sequence[Answer]


PAGE_OPENS = timedelta(hours=12)
PAGE_CLOSES = timedelta(hours=24)
"""How long before the start and after the end a leader's page works: a phone may find its network late."""

LISTED = COMING | {Stand.ABSENT, Stand.ARRIVED, Stand.LEFT, Stand.COMPLETED}
"""Who stands on the page."""


@dataclass(frozen=True, slots=True)
class RollPage:
    """The roll of an activity, for one leader."""

    activity: Activity
    lines: Sequence[Rolled]
    names: Mapping[int, str]
    leader: Person


class Rolls(Subject):
    """The rolls that I may take."""

    async def on_now(self, at: datetime) -> list[Activity]:
        """Activities of mine whose roll can be taken at this moment."""
        mine = await self._organising.activities(since=at - CHECKOUT_CLOSES)
        on = [one for one in mine if one.starts - OPENS <= at < one.ends + CHECKOUT_CLOSES and one.state == "open"]
        return [one for one in on if await self._organising.allowed(one.id, Deed.ROLL)]

    async def call(self, activity: int, calls: Sequence[Call], at: datetime) -> Called | NotAllowed:
        """Take the roll as of a moment. The same call again changes nothing."""
        card = await self._organising.allowed(activity, Deed.ROLL)
        if card is None:
            return NotAllowed()
        said: list[tuple[int, Rolled | None, Outcome]] = []
        for one in calls:
            lines = await roll.roll(self.unit, activity)  # anew: the call before may have moved them
            for number, line in chosen(one, lines):
                done = await self.mark(line, one.mark, at) if line else NOBODY
                said.append((number, line, done))
        names = await self.names(card, [line for _number, line, _done in said if line])
        return Called(card, [Answer(number, names.get(line.person, "") if line else "", done)
                             for number, line, done in said])  # fmt: skip

    async def names(self, card: Activity, lines: Sequence[Rolled]) -> dict[int, str]:
        """What the people on these lines are called."""
        return await self.named(card, [line.person for line in lines])

    async def named(self, card: Activity, ids: Sequence[int]) -> dict[int, str]:
        """What people are called: whole for the activity's own organisation, masked for everybody else."""
        posts = await people.posts(self.unit, self.me.id)
        whole = any(post.organisation == card.organisation for post in posts)
        kept = await people.personal(self.unit, self.city.secrecy, ids)
        return {who: self.called(name, whole) for who, (name, _phone) in kept.items()}

    async def mark(
        self, line: Rolled, mark: Mark, at: datetime, kind: Proof = Proof.ROLL, nonce: str | None = None
    ) -> Outcome:
        """Say of one line that they are here, that they have left, or that what was said last does not hold."""
        if line.person == self.me.id and kind != Proof.SHOWN:
            return NotMarked("self")
        if at > self.now:
            return NotMarked("future")
        if at < line.starts - OPENS:
            return NotMarked("early")
        match mark:
            case Mark.HERE:
                return await self._here(line, at, kind, nonce)
            case Mark.LEFT:
                return await self._left(line, at, nonce)
            case Mark.BACK:
                return await self._back(line, at, nonce)
            case Mark.STILL:
                return await self._still(line, at)
            case Mark.NEVER:
                return await self._never(line, at)

    async def _here(self, line: Rolled, at: datetime, kind: Proof, nonce: str | None) -> Outcome:
        piece = self._said.piece(kind, Part.ARRIVAL, at, nonce=nonce)
        if line.arrived and line.stand in (Stand.ARRIVED, Stand.LEFT, Stand.COMPLETED):
            # A tick is kept in any case: sent again after it was taken back, it must be known.
            if nonce or not await self._vouched(line):
                await self._said.add(_seat(line), piece)
            return AlreadySo(Mark.HERE, line.arrived)
        if line.stand not in COMING | {Stand.ABSENT}:
            return NotMarked("seat")
        if at >= line.ends:
            return NotMarked("over")
        done = await self._said.arrive(_seat(line), at, piece)
        return Marked(Mark.HERE, at) if done else AlreadySo(Mark.HERE, at)

    async def _vouched(self, line: Rolled) -> bool:
        """Has the organiser's side said so already?"""
        return any(one.kind in BY_THE_ORGANISER for one in standing(await evidence.of(self.unit, line.enrolment)))

    async def _left(self, line: Rolled, at: datetime, nonce: str | None) -> Outcome:
        piece = self._said.piece(Proof.ROLL, Part.DEPARTURE, at, nonce=nonce)
        if line.arrived is None or line.stand not in (Stand.ARRIVED, Stand.LEFT, Stand.COMPLETED):
            return NotMarked("absent")
        if line.left and not (line.stand == Stand.COMPLETED and line.left_by == "rule"):
            if nonce:
                await self._said.add(_seat(line), piece)
            return AlreadySo(Mark.LEFT, line.left)
        if not line.arrived <= at < line.ends + CHECKOUT_CLOSES:
            return NotMarked("over")
        return await self._leave(line, at, piece)

    async def _leave(self, line: Rolled, at: datetime, piece: Evidence) -> Outcome:
        if line.stand == Stand.COMPLETED:
            # The leader's word came late, from a phone without network: what was closed by rule is counted after all.
            await self._said.count(_seat(line), at, piece)
            return Marked(Mark.LEFT, at)
        done = await self._said.leave(_seat(line), at, piece)
        return Marked(Mark.LEFT, at) if done else AlreadySo(Mark.LEFT, at)

    async def _back(self, line: Rolled, at: datetime, nonce: str | None) -> Outcome:
        if line.stand not in (Stand.ARRIVED, Stand.LEFT):
            return NotMarked("absent")
        part = Part.DEPARTURE if line.stand == Stand.LEFT else Part.ARRIVAL
        done = await self._said.take_back(_seat(line), part, nonce)
        return Marked(Mark.BACK, at) if done else NotMarked("absent")

    async def _still(self, line: Rolled, at: datetime) -> Outcome:
        if line.arrived is None or line.stand not in (Stand.ARRIVED, Stand.LEFT):
            return NotMarked("absent")
        if line.stand == Stand.ARRIVED:
            return AlreadySo(Mark.HERE, line.arrived)
        done = await self._said.take_back(_seat(line), Part.DEPARTURE)
        return Marked(Mark.STILL, line.arrived) if done else NotMarked("asked")

    async def _never(self, line: Rolled, at: datetime) -> Outcome:
        if line.stand not in (Stand.ARRIVED, Stand.LEFT):
            return NotMarked("absent")
        if line.stand == Stand.LEFT and not await self._said.take_back(_seat(line), Part.DEPARTURE):
            return NotMarked("asked")
        done = await self._said.take_back(_seat(replace(line, stand=Stand.ARRIVED)), Part.ARRIVAL)
        return Marked(Mark.NEVER, at) if done else NotMarked("absent")

    async def page(self, activity: int) -> str | NotAllowed:
        """The path of my own page for an activity's roll, which works without network too."""
        if await self._organising.allowed(activity, Deed.ROLL) is None:
            return NotAllowed()
        key = self.city.secrecy.signature(_signed(activity, self.me.number))
        return f"/roll/{activity}?v={self.me.number}&k={key}"

    async def lines(self, activity: int) -> RollPage | None:
        """The roll as its page shows it. None: it is not mine, or not its time."""
        card = await self._organising.allowed(activity, Deed.ROLL)
        if card is None or card.state != "open":
            return None
        if not card.starts - PAGE_OPENS <= self.now < card.ends + PAGE_CLOSES:
            return None
        lines = [one for one in await roll.roll(self.unit, activity) if one.stand in LISTED]
        return RollPage(card, lines, await self.names(card, lines), self.me)

    async def take(self, activity: int, ticks: Sequence[Tick]) -> dict[str, Outcome] | None:
        """Take the ticks of my page, in their order, each once however often it comes. None: as in `lines`."""
        if await self.lines(activity) is None:
            return None
        known = await evidence.known_nonces(self.unit, [one.nonce for one in ticks])
        done: dict[str, Outcome] = {}
        for one in ticks:
            if one.nonce in known:
                done[one.nonce] = AlreadySo(one.mark, one.at)
            elif one.nonce not in done:
                lines = {line.enrolment: line for line in await roll.roll(self.unit, activity)}  # anew, as in `call`
                line = lines.get(one.enrolment)
                done[one.nonce] = await self.mark(line, one.mark, one.at, nonce=one.nonce) if line else NOBODY
        return done

    @property
    def _organising(self) -> Organising:
        return self.beside(Organising)

    @property
    def _said(self) -> Presences:
        return self.beside(Presences)


def _seat(line: Rolled) -> Seat:
    return Seat(line.enrolment, line.person, line.stand, line.starts, line.ends)


def _signed(activity: int, number: str) -> str:
    return f"roll:{activity}:{number}"


async def _leader(unit: Unit, city: City, activity: int, number: str, key: str, now: datetime) -> Rolls | None:
    """Whoever holds the signed address, with the rights that they have at this moment."""
    if not city.secrecy.signed(_signed(activity, number), key):
        return None
    id_ = await people.by_number(unit, number)
    me = await people.find(unit, id_) if id_ is not None else None
    return Rolls(unit, me, now, city) if me and me.erasing is None else None


async def roll_of(
    database: Database, city: City, activity: int, number: str, key: str, now: datetime
) -> RollPage | None:
    """A leader's page, or None: no such activity, not its signature, not theirs (any more), or not its time."""
    async with database.read() as unit:
        leader = await _leader(unit, city, activity, number, key, now)
        return await leader.lines(activity) if leader else None


async def take_ticks(
    database: Database, city: City, activity: int, number: str, key: str, now: datetime, ticks: Sequence[Tick]
) -> tuple[dict[str, Outcome], RollPage] | None:
    """Take a leader's ticks in one transaction; the roll as it is then comes back with what became of each."""
    async with database.write() as unit:
        leader = await _leader(unit, city, activity, number, key, now)
        done = await leader.take(activity, ticks) if leader else None
        page = await leader.lines(activity) if leader else None
    return None if done is None or page is None else (done, page)
