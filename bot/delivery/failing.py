"""Which campaigns fail too often: of each the last messages, counted in memory by the one who sends them."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field

from bot.domain.reach import LOOKED_BACK, fails_too_often
from storage.outbox import Result
from storage.tables.delivery import State

FAILED = frozenset({State.FAILED, State.DEAD, State.UNCERTAIN})
FINISHED = FAILED | {State.SENT}

CAMPAIGNS = 100
"""Remembered at once: those that spoke last."""


@dataclass(slots=True)
class _Lately:
    """The last messages of one campaign: which failed, and how many that is."""

    failed: deque[bool] = field(default_factory=lambda: deque(maxlen=LOOKED_BACK))
    count: int = 0

    def add(self, failed: bool) -> None:
        """One more; the oldest is forgotten."""
        self.count += failed - (self.failed[0] if len(self.failed) == LOOKED_BACK else False)
        self.failed.append(failed)


class Failing:
    """Looks at results; a new holder of the slot begins anew, which costs a campaign some failures more at most."""

    def __init__(self) -> None:
        self._lately: OrderedDict[int, _Lately] = OrderedDict()

    def after(self, one: Result) -> dict[int, int]:
        """The campaign if it must rest after this result, and how many of its last messages failed."""
        if not one.campaign or one.state not in FINISHED:
            return {}
        lately = self._lately.get(one.campaign)
        if lately is None:
            lately = self._lately[one.campaign] = _Lately()
        self._lately.move_to_end(one.campaign)
        while len(self._lately) > CAMPAIGNS:
            self._lately.popitem(last=False)
        lately.add(one.state in FAILED)
        if not fails_too_often(lately.count):
            return {}
        # Whoever lets it go on has looked: what failed before does not count against it any more.
        del self._lately[one.campaign]
        return {one.campaign: lately.count}
