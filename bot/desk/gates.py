"""What stands between somebody and a seat: each gate looks at one thing and lets pass or names the reason."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from bot.desk.led import led
from bot.desk.permitted import permitted
from bot.desk.subject import Subject
from bot.domain.agreements import NeedsAgreement, conditions
from bot.domain.enrolment import AlreadyIn, Booking, Clashed, Closed, Stand, TooYoung, clash, old_enough
from bot.domain.guardians import Band, GuardianAsked, GuardianRefused, band
from bot.domain.skills import NeedsSkill, missing
from bot.domain.squads import NoLead
from storage import enrolment, skills
from storage.wishes import Wish

Refusal = (
    Closed | TooYoung | NeedsSkill | AlreadyIn | NeedsAgreement | Clashed | NoLead | GuardianAsked | GuardianRefused
)

Gate = Callable[[Subject, Wish], Awaitable[Refusal | None]]


async def still_open(asker: Subject, wish: Wish) -> Refusal | None:
    """Open to the city, and not begun."""
    return None if wish.state == "open" and wish.starts > asker.now else Closed()


async def of_age(asker: Subject, wish: Wish) -> Refusal | None:
    """As old as the activity and the shift ask for."""
    return None if old_enough(asker.me.born, wish.minimum_age, asker.now) else TooYoung(wish.minimum_age)


async def skilled(asker: Subject, wish: Wish) -> Refusal | None:
    """What the role asks for is proven for that day."""
    if not wish.needs:
        return None
    day = wish.starts.astimezone(asker.city.zone).date()
    codes = missing(wish.needs, await skills.of(asker.unit, asker.me.id), day)
    return NeedsSkill(codes) if codes else None


async def not_in_yet(asker: Subject, wish: Wish) -> Refusal | None:
    """Not twice in one shift."""
    return None if wish.mine in (None, Stand.CANCELLED) else AlreadyIn(wish.mine)


async def agreed(asker: Subject, wish: Wish) -> Refusal | None:
    """Where an agreement is due, it was accepted; for whoever is under age by their guardian."""
    due = conditions(wish.kind, wish.activity_starts, wish.activity_ends, wish.capacity, wish.conditions)
    accepted = wish.accepted if band(asker.me.born, asker.now) is Band.ADULT else wish.accepted_for_them
    return NeedsAgreement(due) if due and not accepted else None


async def free_then(asker: Subject, wish: Wish) -> Refusal | None:
    """Nowhere else at these hours."""
    other = await overlapping(asker, wish.starts, wish.ends, wish.shift) if wish.busy else None
    return Clashed(other) if other else None


async def overlapping(asker: Subject, starts: datetime, ends: datetime, shift: int) -> Booking | None:
    """My sign-up that overlaps with these hours."""
    return clash(starts, ends, await enrolment.bookings(asker.unit, asker.me.id, asker.now), shift)


GATES: tuple[Gate, ...] = (still_open, of_age, skilled, not_in_yet, free_then, led, permitted, agreed)
"""In the order in which they are asked; the first that does not let pass answers."""
