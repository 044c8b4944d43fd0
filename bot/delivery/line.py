"""The line to a platform: after a few calls in a row that got no answer nobody is called for a while, longer each time.

So an outage costs the messages that wait none of their attempts, and leaves hardly any in doubt. After the rest one
call is the probe: an answer of any kind, a refusal too, and all goes on as before.
"""

from __future__ import annotations

from bot.talk.door import NotSent, Outcome, Uncertain

IN_A_ROW = 5
"""Calls without an answer after which the line is thought dead: one or two are ordinary weather."""
SHORTEST, FIRST, LONGEST = 1.0, 5.0, 60.0
"""Seconds of rest: the first is longer than giving up a connection takes, the longest short enough for a reminder."""


def is_unanswered(outcome: Outcome) -> bool:
    """Did nothing come back?"""
    return isinstance(outcome, Uncertain) or (isinstance(outcome, NotSent) and not outcome.reached)


class Line:
    """Counts; the account's own silence is kept by its lease."""

    def __init__(self) -> None:
        self._unanswered = 0
        self._rests = 0

    @property
    def is_dead(self) -> bool:
        """Has nothing come back for long enough? Then one call at a time tells whether it lives again."""
        return self._unanswered >= IN_A_ROW

    def rest_after(self, outcome: Outcome, *, resting: bool) -> float:
        """Seconds of rest after a call, 0: none. `resting`: the account is silent already, the call began before."""
        if not is_unanswered(outcome):
            self._unanswered = self._rests = 0
            return 0.0
        self._unanswered += 1
        if not self.is_dead:
            return 0.0
        if resting:
            return SHORTEST
        self._rests += 1
        return min(LONGEST, FIRST * 2.0 ** (self._rests - 1))
