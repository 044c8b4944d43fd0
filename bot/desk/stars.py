"""Stars: what I have and may apply for, what my place's centre decides, what everybody may object to; small steps."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.desk.city import City
from bot.desk.subject import Subject
from bot.domain import stars as rules
from bot.domain.matters import next_level
from bot.domain.roles import MAY, Deed, may
from bot.domain.stars import MOVES, Application, Applied, Standing, StarRules, TooFew, UnderWay, Way
from storage import attendance, audit, fanouts, matters, people, stars
from storage.database import Database, Unit
from storage.tables.delivery import Lane

TELL_WITHIN = timedelta(days=30)

LOOK_BACK = timedelta(days=1)
"""How long the tick that thanks for small steps looks back: longer than a process is away."""

OBJECTED = "objected"

TO_THE_CENTRE = 1
"""Tells what those who decide are told of an application from what its volunteer is."""


class Stars(Subject):
    """My stars, and those that I decide about."""

    async def standing(self) -> Standing:
        """What I have, what is under way, what is missing."""
        whole, asked = await attendance.final(self.unit, self.me.id, self.now)
        minutes = whole - asked
        provisional = (await attendance.total(self.unit, self.me.id))[0] - minutes
        mine = await stars.of_person(self.unit, self.me.id)
        set_ = rules.rules_on(self.now.astimezone(self.city.zone).date())
        granted = max((one.level for one in mine if one.way == Way.GRANTED), default=0)
        open_one = next((one for one in mine if one.way in stars.OPEN), None)
        level, missing = rules.next_star(minutes, granted, set_)
        refused = mine[0] if mine and mine[0].way == Way.REFUSED else None
        return Standing(minutes, provisional, set_, granted, open_one, 0 if open_one else level, missing, refused)

    async def apply(self) -> Applied | TooFew | UnderWay:
        """Apply for the highest star that my hours are enough for."""
        stand = await self.standing()
        if stand.open is not None:
            return UnderWay(stand.open)
        if not stand.may:
            return TooFew(stand.missing)
        place = self.me.district or self.city.places.city.code
        number = await stars.apply(
            self.unit, self.me.id, stand.may, stand.rules.name, stand.minutes, place, self.now
        )  # fmt: skip
        await self._log(number, None, Way.APPLIED)
        await self._ask_the_centre(number, Way.APPLIED)
        return Applied(stand.may)

    # --- The centre's side -------------------------------------------------------------------------------------------

    async def to_decide(self) -> list[Application]:
        """What waits for me: applications of my place, and notices against which somebody spoke."""
        posts = await people.posts(self.unit, self.me.id)
        if not any(Deed.STAR in MAY[post.role] for post in posts):
            return []
        waiting = await stars.in_state(self.unit, *stars.OPEN)
        return [one for one in waiting if (one.way == Way.APPLIED or one.objections) and await self._mine(one)]

    async def case(self, number: int) -> tuple[Application, list[str]] | None:
        """One that I decide about, with what was said against it; None says nothing about why."""
        found = await stars.find(self.unit, number)
        if found is None or found.way not in stars.OPEN or not await self._mine(found):
            return None
        return found, await stars.objections(self.unit, number)

    async def _mine(self, one: Application) -> bool:
        """Nobody decides about their own star; the highest are the city's, whatever its office's people are called."""
        if one.person == self.me.id:
            return False
        posts = await people.posts(self.unit, self.me.id)
        if one.rules.is_the_citys(one.level):
            posts = [post for post in posts if post.place == self.city.places.city.code]
        return may(posts, Deed.STAR, organisation=None, place=one.place, within=self.city.within)

    async def approve(self, number: int) -> Application | None:
        """Open the notice; or, where somebody spoke against it, find nothing in that. None: not mine, or not there."""
        found = await self.case(number)
        if found is None:
            return None
        one, _against = found
        if one.way == Way.NOTICE:
            await stars.dismiss(self.unit, number, self.now)
            await self._log(number, OBJECTED, "dismissed")
            return await stars.find(self.unit, number)
        whole, asked = await attendance.final(self.unit, one.person, self.now)
        if whole - asked < one.rules.needs(one.level):
            return None  # hours were corrected since, or are asked about: it can wait, or be refused
        return await self._moved(one, Way.NOTICE, until=self.now + one.rules.notice)

    async def refuse(self, number: int, reason: str) -> Application | None:
        """Refuse it, with a reason that its volunteer reads."""
        found = await self.case(number)
        if found is None or reason not in await self.grounds(found[0]):
            return None
        return await self._moved(found[0], Way.REFUSED, reason=reason)

    async def grounds(self, one: Application) -> list[str]:
        """What it can be refused for: nobody is told that their hours are not enough while they are."""
        whole, _asked = await attendance.final(self.unit, one.person, self.now)
        enough = whole >= one.rules.needs(one.level)
        return [code for code in rules.REFUSALS if not (enough and code == rules.TOO_FEW_HOURS)]

    async def _moved(
        self, one: Application, after: Way, until: datetime | None = None, reason: str = ""
    ) -> Application | None:
        if after not in MOVES[one.way]:
            return None
        if not await stars.move(self.unit, one.id, one.way, after, self.now, until, reason):
            return None
        await self._log(one.id, one.way, after)
        moved = await stars.find(self.unit, one.id)
        if moved is not None:
            await tell(self.unit, moved, self.now)
        return moved

    # --- The public's side -------------------------------------------------------------------------------------------

    async def notices(self) -> list[Application]:
        """Stars in public notice: numbers and masked names."""
        found = await stars.in_state(self.unit, Way.NOTICE)
        return [one for one in found if one.until is not None and one.until > self.now]

    async def notice(self, number: int) -> Application | None:
        """One of them."""
        return next((one for one in await self.notices() if one.id == number), None)

    async def object_to(self, number: int, reason: str) -> bool:
        """Speak against one in its notice. False: it is over, my own, or I did already."""
        one = await self.notice(number)
        if one is None or one.person == self.me.id or reason not in rules.OBJECTIONS:
            return False
        if not await stars.object_to(self.unit, number, self.me.id, reason, self.now):
            return False
        await self._log(number, Way.NOTICE, OBJECTED)
        if len(await stars.objections(self.unit, number)) == 1:
            await self._ask_the_centre(number, OBJECTED, self.me.id)
        return True

    async def _ask_the_centre(self, number: int, why: str, once_for: int = 0) -> None:
        """Whoever decides about it hears that it waits: the nearest centre with somebody in it, of high ones the
        city's."""
        one = await stars.find(self.unit, number)
        assert one is not None
        path = [one.place, *(node.code for node in self.city.places.ancestors(one.place))]
        path = [self.city.places.city.code] if one.rules.is_the_citys(one.level) else path
        node = next_level(None, path, await matters.staffed(self.unit, path, one.person))
        await fanouts.plan(
            self.unit,
            kind="star",
            source=number,
            revision=once_for,
            offset=TO_THE_CENTRE,
            lane=Lane.PERSONAL,
            segment={"centre": node, "but": one.person},
            not_before=self.now,
            expires=self.now + TELL_WITHIN,
            words={"way": why, "level": str(one.level), "reason": "", "until": ""},
        )

    async def step(self) -> int:
        """The small step that I have just reached, in hours; 0: none, or it was thanked before."""
        minutes = (await attendance.total(self.unit, self.me.id))[0]
        new = await stars.take_steps(self.unit, self.me.id, rules.steps(minutes), self.now)
        return rules.worth_saying(new, minutes, rules.rules_on(self.now.astimezone(self.city.zone).date()))

    async def _log(self, number: int, before: str | None, after: str) -> None:
        await audit.log(self.unit, self.now, self.me.id, "star", f"star:{number}", before, after)


async def tell(unit: Unit, one: Application, now: datetime) -> None:
    """The volunteer hears of each step of their application."""
    await fanouts.plan(
        unit,
        kind="star",
        source=one.id,
        revision=list(Way).index(one.way),
        lane=Lane.PERSONAL,
        segment={"person": one.person},
        not_before=now,
        expires=now + TELL_WITHIN,
        words={
            "way": one.way,
            "level": str(one.level),
            "reason": one.reason,
            "until": one.until.isoformat() if one.until else "",
        },
    )


async def tick(database: Database, city: City, now: datetime) -> int:
    """Grant what was in notice long enough without an objection, and thank for small steps. Returns how many grants."""
    async with database.write() as unit:
        ripe = rules.due(await stars.in_state(unit, Way.NOTICE), now)
        for one in ripe:
            # Hours that were corrected meanwhile grant nothing; those that are asked about grant nothing yet.
            whole, asked = await attendance.final(unit, one.person, now)
            needed = one.rules.needs(one.level)
            if whole - asked < needed <= whole:
                continue
            after, reason = (Way.GRANTED, "") if whole >= needed else (Way.REFUSED, rules.TOO_FEW_HOURS)
            if await stars.move(unit, one.id, Way.NOTICE, after, now, reason=reason):
                await audit.log(unit, now, None, "star", f"star:{one.id}", Way.NOTICE, after)
                settled = await stars.find(unit, one.id)
                if settled is not None:
                    await tell(unit, settled, now)
        await thank(unit, rules.rules_on(now.astimezone(city.zone).date()), now)
    return len(ripe)


async def thank(unit: Unit, set_: StarRules, now: datetime) -> None:
    """Whoever reached a small step by what others entered hears of it too, once."""
    totals = await stars.lately_counted(unit, now - LOOK_BACK)
    known = await stars.steps_of(unit, sorted(totals))
    for id_, minutes in totals.items():
        new = [hours for hours in rules.steps(minutes) if (id_, hours) not in known]
        taken = await stars.take_steps(unit, id_, new, now)
        if (hours := rules.worth_saying(taken, minutes, set_)):
            await fanouts.plan(
                unit,
                kind="step",
                source=id_,
                revision=hours,
                lane=Lane.PERSONAL,
                segment={"person": id_},
                not_before=now,
                expires=now + timedelta(days=7),
                words={"hours": str(hours)},
            )
