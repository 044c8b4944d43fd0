"""What organisers, leaders and centres do: publish, call off, move, read the roster, open the wall."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.desk.flagging import flagged
from bot.desk.offers import hand_on, renew
from bot.desk.subject import Subject
from bot.domain.activities import Activity, NotAllowed, Plan, Published, Shift, Unfit, check
from bot.domain.agreements import Terms
from bot.domain.attendance import new_secret
from bot.domain.enrolment import HELD, Stand, move
from bot.domain.flags import Flag
from bot.domain.kinds import kind
from bot.domain.roles import Deed, Role, may
from bot.domain.rulesets import NOT_SERVICE, SERVICE
from bot.domain.search import tokens
from storage import (
    activities,
    admission,
    agreements,
    audit,
    enrolment,
    fanouts,
    guardians,
    organisations,
    people,
    publishing,
    roll,
    wishes,
)
from storage.admission import Answers
from storage.tables.delivery import Lane

TOLD = HELD | {Stand.ARRIVED}
"""Who is told of a change: also whoever is there already."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a roster. Names are whole only for the activity's own organiser."""

    name: str
    phone: str
    stand: Stand
    arrived: datetime | None
    queue: int
    admitted: bool = True
    """False: the organiser has not decided about them."""
    role: tuple[str, str] = ("", "")
    answers: Answers = ()
    """To the organiser's own questions; only for the activity's own organiser."""
    reason: str = ""
    """Why they could not come, where they said so."""
    guardian: str = ""
    """Whom to call about somebody under age: name and phone."""
    accompanied: bool = False
    """Their guardian comes along."""
    number: int = 0
    """On the roll: for ever theirs at this activity."""
    why: tuple[Flag, ...] = ()
    """Why their presence is worth a look."""


@dataclass(frozen=True, slots=True)
class Roster:
    """Who has a seat, who waits, who is there."""

    activity: Activity
    people: Sequence[Listed]
    whole: bool
    """Names and phones are shown in full."""


@dataclass(frozen=True, slots=True)
class Told:
    """A change was made; this many people are told."""

    activity: Activity
    people: int


@dataclass(frozen=True, slots=True)
class Seats:
    """A shift has so many seats now; so many of them went to the queue."""

    activity: Activity
    capacity: int
    handed: int


class Organising(Subject):
    """What my posts allow."""

    async def organisations(self) -> dict[int, tuple[str, str, int]]:
        """Organisations that I may publish for: number → (Chinese, English, place)."""
        posts = await people.posts(self.unit, self.me.id)
        ids = [post.organisation for post in posts if post.role == Role.ORGANISER and post.organisation is not None]
        return await organisations.names(self.unit, ids)

    async def activities(self, since: datetime | None = None) -> list[Activity]:
        """What I look after and what did not end before `since`: my organisations' activities, or those of the place
        that I am the centre of."""
        since = since or self.now
        posts = await people.posts(self.unit, self.me.id)
        mine = [post.organisation for post in posts if post.organisation is not None]
        nodes = [post.place for post in posts if post.organisation is None and post.place is not None]
        found = await activities.by_organisations(self.unit, mine, since) if mine else []
        if nodes:
            seen = {one.id for one in found}
            codes = {code for node in nodes for code in self._below(node)}
            near = await activities.by_places(self.unit, sorted(codes), since)
            found += [one for one in near if one.id not in seen]
        return sorted(found, key=lambda one: (one.starts, one.id))

    def _below(self, node: int) -> list[int]:
        place = self.city.place(node)
        if place is not None and place.level == "city":
            return [one.code for one in self.city.places.districts]
        return [node]

    async def allowed(self, activity: int, deed: Deed) -> Activity | None:
        """The activity, if the role table lets me do this to it. None says nothing about why."""
        card = await activities.card(self.unit, activity)
        if card is None:
            return None
        posts = await people.posts(self.unit, self.me.id)
        place = card.street or card.district
        within = self.city.within
        return card if may(posts, deed, organisation=card.organisation, place=place, within=within) else None

    async def is_own(self, card: Activity) -> bool:
        """Is it an activity of my own organisation? Only then names, phones and answers are whole."""
        return any(post.organisation == card.organisation for post in await people.posts(self.unit, self.me.id))

    async def publish(
        self, organisation: int, plan: Plan, state: str = "open"
    ) -> Published | NotAllowed | Unfit:
        """Open an activity to the city, or keep it as a draft."""
        posts = await people.posts(self.unit, self.me.id)
        place = plan.street or plan.district
        if not may(posts, Deed.PUBLISH, organisation=organisation, place=place, within=self.city.within):
            return NotAllowed()
        unfit = check(plan, self.now)
        if unfit:
            return unfit
        service = kind(plan.kind)
        text = " ".join((plan.title, service.chinese, service.english, plan.address, plan.about))
        words = " ".join(["", *dict.fromkeys(tokens(text)), ""])
        id_, shift = await publishing.publish(
            self.unit,
            self.city.secrecy,
            plan,
            organisation,
            self.me.id,
            words,
            service.minimum_age,
            service.risk,
            new_secret(),
            self.now,
            state,
        )
        if plan.insurance or plan.risks:
            await agreements.state(self.unit, id_, Terms(plan.insurance, plan.risks), self.me.id, self.now)
        await audit.log(self.unit, self.now, self.me.id, "publish", f"activity:{id_}", None, state)
        return Published(id_, shift)

    async def call_off(self, activity: int) -> Told | NotAllowed:
        """Cancel an activity; everybody with a seat or a place in the queue is told."""
        card = await self.allowed(activity, Deed.CHANGE)
        if card is None:
            return NotAllowed()
        for shift in card.shifts:
            await enrolment.lock_shift(self.unit, shift.id)
        told = await enrolment.joined_people(self.unit, activity, TOLD)
        if not await publishing.cancel(self.unit, activity, self.now):
            return NotAllowed()
        await self._tell(card, "cancellation", card.ends)
        await audit.log(self.unit, self.now, self.me.id, "cancel", f"activity:{activity}", "open", "cancelled")
        return Told(card, told)

    async def reschedule(self, activity: int, starts: datetime, ends: datetime) -> Told | NotAllowed | Unfit:
        """Move an activity; everybody who joined is told, and asked whether they still come."""
        card = await self.allowed(activity, Deed.CHANGE)
        if card is None:
            return NotAllowed()
        stated = await agreements.of(self.unit, activity)
        plan = Plan(
            card.title, card.kind, starts, ends, card.district, card.address, 1, card.about,
            insurance=stated.insurance, risks=stated.risks,
        )  # fmt: skip
        unfit = check(plan, self.now)
        if unfit:
            return unfit
        for shift in card.shifts:
            await enrolment.lock_shift(self.unit, shift.id)
        await publishing.reschedule(self.unit, activity, starts, ends, self.now)
        return await self._moved(card, "reschedule")

    async def relocate(self, activity: int, district: int, address: str) -> Told | NotAllowed:
        """Hold an activity somewhere else; everybody who joined is told, and asked whether they still come."""
        card = await self.allowed(activity, Deed.CHANGE)
        if card is None or card.state != "open" or card.starts <= self.now:
            return NotAllowed()
        for shift in card.shifts:
            await enrolment.lock_shift(self.unit, shift.id)
        point = next((one.landmark for one in self.city.places.match(address) if one.landmark), None)
        at = (point.latitude, point.longitude) if point else (None, None)
        await publishing.relocate(self.unit, activity, district, address, at, self.now)
        return await self._moved(card, "relocate")

    async def _moved(self, card: Activity, deed: str) -> Told:
        """Another time or place: who had said yes is asked anew, what was on offer is offered anew, all are told."""
        told = await enrolment.joined_people(self.unit, card.id, TOLD)
        for one in await enrolment.ask_again(self.unit, card.id, self.now):
            after = move(Stand.CONFIRMED, Stand.JOINED)
            await audit.log(self.unit, self.now, self.me.id, deed, f"enrolment:{one}", Stand.CONFIRMED, after)
        moved = await activities.card(self.unit, card.id) or card
        for shift in moved.shifts:
            await renew(self.unit, self.city, shift.id, shift.starts, self.now)
        await self._tell(moved, "change", moved.starts)
        await audit.log(self.unit, self.now, self.me.id, deed, f"activity:{card.id}", None, "open")
        return Told(moved, told)

    async def set_seats(self, shift: int, capacity: int) -> Seats | NotAllowed:
        """More seats go to the queue, one after another; fewer, but never fewer than are taken."""
        wish = await wishes.wish(self.unit, shift, self.me.id, self.now)
        card = await self.allowed(wish.activity, Deed.CHANGE) if wish else None
        if wish is None or card is None or card.state != "open" or wish.starts <= self.now:
            return NotAllowed()
        await enrolment.lock_shift(self.unit, shift)
        before = next(one for one in (await activities.card(self.unit, card.id) or card).shifts if one.id == shift)
        left = max(capacity, before.taken)
        await publishing.set_capacity(self.unit, shift, left)
        await audit.log(self.unit, self.now, self.me.id, "seats", f"shift:{shift}", str(before.capacity), str(left))
        handed = await hand_on(self.unit, self.city, shift, wish.starts, self.now)
        return Seats(card, left, handed)

    async def lift(self, shift: Shift) -> None:
        """One seat more for somebody who is there: a full shift gets it only on purpose, which is in the log."""
        more = shift.capacity + 1
        await publishing.set_capacity(self.unit, shift.id, more)
        await audit.log(
            self.unit, self.now, self.me.id, "lift seats", f"shift:{shift.id}", str(shift.capacity), str(more)
        )

    async def _tell(self, card: Activity, what: str, until: datetime) -> None:
        for shift in card.shifts:
            await fanouts.plan(
                self.unit,
                kind=what,
                source=shift.id,
                revision=await publishing.revision(self.unit, card.id),
                lane=Lane.CHANGE,
                segment={"shift": shift.id, "states": sorted(TOLD)},
                not_before=self.now,
                expires=until,
                created_by=self.me.id,
            )

    async def counts_as(self, activity: int, sort: str, way: int | None) -> bool | NotAllowed:
        """Say what an activity's time counts as, before it begins. `way`: minutes there and back that are covered."""
        card = await self.allowed(activity, Deed.CHANGE)
        if card is None or card.starts <= self.now or sort not in (SERVICE, *NOT_SERVICE):
            return NotAllowed()
        before = await publishing.count_as(self.unit, activity, sort, way)
        await audit.log(self.unit, self.now, self.me.id, "counts as", f"activity:{activity}", before, sort)
        return True

    async def roster(self, activity: int) -> Roster | NotAllowed:
        """Who has a seat and who waits; names whole only for the activity's own organiser."""
        card = await self.allowed(activity, Deed.ROSTER)
        if card is None:
            return NotAllowed()
        whole = await self.is_own(card)
        rows = await enrolment.roster(self.unit, activity)
        names = await people.personal(self.unit, self.city.secrecy, [row.person for row in rows])
        numbers = {one.enrolment: one.number for one in await roll.roll(self.unit, activity)}
        why = await flagged(self.unit, self.city, card, {row.id: row.person for row in rows})
        minors = await guardians.under_age(self.unit, [row.person for row in rows], self.now)
        minded = await self._minded(minors) if whole else {}
        along = await guardians.accompanied(self.unit, [shift.id for shift in card.shifts]) if minors else set()
        listed = []
        for row in rows:
            name, phone = names.get(row.person, ("", ""))
            answers = admission.opened(self.unit, row.id, row.answers) if whole else ()
            listed.append(
                Listed(
                    self.called(name, whole),
                    self.phone(phone, whole),
                    Stand(row.state),
                    row.arrived,
                    row.queue,
                    admitted=row.admitted,
                    role=(row.role, row.role_english),
                    answers=answers,
                    reason=row.reason or "",
                    guardian=minded.get(row.person, ""),
                    accompanied=(row.person, row.shift) in along,
                    number=numbers[row.id],
                    why=why.get(row.id, ()),
                )
            )
        return Roster(card, listed, whole)

    async def _minded(self, minors: Collection[int]) -> dict[int, str]:
        """Name and phone of the first guardian of each."""
        deciding = await guardians.guardians_of(self.unit, sorted(minors)) if minors else {}
        known = await people.personal(self.unit, self.city.secrecy, [one[0] for one in deciding.values()])
        minding = {child: known.get(one[0], ("", "")) for child, one in deciding.items()}
        return {child: f"{self.called(name)} {self.phone(phone)}" for child, (name, phone) in minding.items()}

    async def wall(self, activity: int) -> str | NotAllowed:
        """The path of the activity's check-in wall, for its projector."""
        card = await self.allowed(activity, Deed.WALL)
        if card is None:
            return NotAllowed()
        return f"/wall/{activity}?k={self.city.secrecy.signature(f'wall:{activity}')}"
