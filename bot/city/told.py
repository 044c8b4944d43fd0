"""What the demonstration's people asked and answered before a visitor came: said to the desk itself, as it was then.

So that a visitor sees every grade, a dispute that waits, and a guardian who is asked, with all that belongs to them:
evidence, log of moves, clocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.city.maker import Held
from bot.desk.city import City
from bot.desk.desk import Desk
from bot.desk.vouching import Entry
from bot.domain.guardians import Answer, Taken, Ward
from storage import people
from storage.database import Unit

CLAIMED = timedelta(hours=2)
"""What lin says of the activity at which nobody checked anybody in."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Who spoke, and what about."""

    lin: int
    zhao: int
    parent: int
    child: int
    claimed: Held
    """Lin's seat there was closed as absent."""
    entered: Held
    """Lin was there without a seat, and zhao enters it by hand."""
    disputed: Held
    """Lin's minutes there were counted, too few of them."""
    agreed: Held
    """The parent has let the child come."""
    asked: Held
    """The child wishes to come, and the parent has not answered."""


async def tell(unit: Unit, city: City, now: datetime, cast: Cast) -> None:
    """All of it, in the order in which it was said."""
    told = _Told(unit, city, now, cast)
    await told.claim()
    await told.enter()
    await told.dispute()
    await told.guard()


class _Told:
    def __init__(self, unit: Unit, city: City, now: datetime, cast: Cast) -> None:
        self.unit, self.city, self.now, self.cast = unit, city, now, cast

    async def desk(self, who: int, at: datetime) -> Desk:
        me = await people.find(self.unit, who)
        assert me is not None
        me.door = "web"
        return Desk(self.unit, me, at, self.city)

    async def claim(self) -> None:
        """Grade C: lin's own account, which zhao approved."""
        held = self.cast.claimed
        lin = await self.desk(self.cast.lin, held.ends + timedelta(hours=20))
        number = next(one.enrolment for one in await lin.vouching.missing() if one.shift == held.id)
        ends = min(held.starts + CLAIMED, held.ends)
        made = await lin.vouching.claim(number, held.starts, ends, "我到得早，屏幕还没开，就直接帮忙摆桌椅了。", "")
        assert made is not None
        zhao = await self.desk(self.cast.zhao, held.ends + timedelta(hours=26))
        await zhao.vouching.decide(made.claim, approve=True)

    async def enter(self) -> None:
        """Grade D: entered by hand, with nothing that shows it."""
        held = self.cast.entered
        zhao = await self.desk(self.cast.zhao, held.ends + timedelta(hours=21))
        lin = await people.find(self.unit, self.cast.lin)
        assert lin is not None
        await zhao.vouching.enter(held.id, [Entry(lin.number, held.starts, held.ends)])

    async def dispute(self) -> None:
        """A question about minutes that waits for zhao's answer."""
        lin = await self.desk(self.cast.lin, self.now - timedelta(hours=18))
        record = next(one for one in await lin.records.latest(1_000) if one.activity == self.cast.disputed.id)
        await lin.matters.dispute(record.id, "hours", "我一直帮到收摊，签退晚了才补，最后半小时没有算上。")

    async def guard(self) -> None:
        """A parent, a child of fifteen, one yes and one question."""
        at = self.now - timedelta(days=2)
        child = await self.desk(self.cast.child, at)
        code = await child.guardians.show_code(self.cast.agreed.id)
        parent = await self.desk(self.cast.parent, at + timedelta(minutes=20))
        ward = await parent.guardians.look(code)
        assert isinstance(ward, Ward)
        taken = await parent.guardians.take(code, ward.born, "")
        assert isinstance(taken, Taken)
        await parent.guardians.answer(taken.waiting[0].id, Answer.AGREED)
        child = await self.desk(self.cast.child, self.now - timedelta(hours=3))
        await child.enrolment.join(self.cast.asked.id)
