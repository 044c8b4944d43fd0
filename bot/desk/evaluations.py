"""Saying how an activity was, and, for its organiser, reading it once enough have."""

from __future__ import annotations

from bot.desk.organising import Organising
from bot.desk.subject import Subject
from bot.domain.activities import NotAllowed
from bot.domain.enrolment import Booking
from bot.domain.evaluations import BEEN, STARS, Evaluated, TooFew, summed
from bot.domain.roles import Deed
from storage import audit, enrolment, evaluations


class Evaluations(Subject):
    """What I say, and what was said of mine."""

    async def of_mine(self, number: int) -> Booking | None:
        """A sign-up of mine about which I may say something: I was there."""
        booking = await enrolment.booking(self.unit, number, self.me.id)
        return booking if booking is not None and booking.stand in BEEN else None

    async def give(self, number: int, stars: int, words: str) -> bool:
        """Say how it was. False: I was not there."""
        if await self.of_mine(number) is None or stars not in STARS:
            return False
        await evaluations.keep(self.unit, number, self.me.id, stars, words, self.now)
        await audit.log(self.unit, self.now, self.me.id, "evaluate", f"enrolment:{number}", None, "said")
        return True

    async def of_activity(self, activity: int) -> Evaluated | TooFew | NotAllowed:
        """What was said of an activity of my own organisation; a centre sees the figure and no words."""
        organising = self.beside(Organising)
        card = await organising.allowed(activity, Deed.ROSTER)
        if card is None:
            return NotAllowed()
        found = summed(await evaluations.of_activity(self.unit, activity))
        whole = isinstance(found, TooFew) or await organising.is_own(card)
        return found if whole or isinstance(found, TooFew) else Evaluated(found.count, found.mean, ())
