"""Which campaigns fail too often: of each the last messages, counted in memory by the one who sends them."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable

from bot.domain.reach import LOOKED_BACK, fails_too_often
from storage.outbox import Result
from storage.tables.delivery import State

FAILED = frozenset({State.FAILED, State.DEAD, State.UNCERTAIN})
FINISHED = FAILED | {State.SENT}

CAMPAIGNS = 100
"""Remembered at once: those that spoke last."""


class Failing:
    """Looks at results; a new holder of the slot begins anew, which costs a campaign some failures more at most."""

    def __init__(self) -> None:
        self._lately: OrderedDict[int, deque[bool]] = OrderedDict()

    def after(self, results: Iterable[Result]) -> dict[int, int]:
        """Campaigns that must rest after these results, and how many of their last messages failed."""
        too_often: dict[int, int] = {}
        for one in results:
            if not one.campaign or one.state not in FINISHED:
                continue
            lately = self._lately.setdefault(one.campaign, deque(maxlen=LOOKED_BACK))
            self._lately.move_to_end(one.campaign)
            lately.append(one.state in FAILED)
            if fails_too_often(lately):
                too_often[one.campaign] = sum(lately)
                # Whoever lets it go on has looked: what failed before does not count against it any more.
                del self._lately[one.campaign]
        while len(self._lately) > CAMPAIGNS:
            self._lately.popitem(last=False)
        return too_often
