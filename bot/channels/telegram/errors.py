"""What a failed call means: the Bot API's errors as outcomes, in one place."""

from __future__ import annotations

from dataclasses import dataclass

from bot.talk.door import NotSent, Outcome, Refused, Uncertain

UNTRUSTED_WAIT = 60.0
"""Seconds before a token that the platform does not know is tried again: an operator must act first."""
PATIENCE = 1.0
"""Seconds to wait where the platform names none."""

GONE = (
    "chat not found",
    "user not found",
    "user is deactivated",
    "peer_id_invalid",
    "bot was blocked",
    "bot was kicked",
    "group chat was deleted",
)
"""Of a 400's descriptions: this address reaches nobody any more. Seen in public threads; the API's page lists none."""


@dataclass(frozen=True, slots=True)
class Done:
    """The call was made; `result` is raw JSON, or None if the answer could not be read."""

    result: object = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The call was not made, or nobody knows."""

    status: int
    """HTTP status; 0: there was no answer."""
    reason: str
    """The platform's description or the kind of fault, never an address: that holds the token."""
    after: float = 0.0
    """Seconds that the platform asks for."""
    moved_to: int = 0
    """The chat's new number: a group became a supergroup."""
    reached: bool = True
    """False: there was no connection, so nothing can have been done."""

    @property
    def told(self) -> str:
        """Status and reason for logs and reports."""
        return f"{self.status} {self.reason}" if self.status else self.reason


Answer = Done | Failed


def outcome(failed: Failed, *, crowded: bool = False) -> Outcome:
    """What became of a message whose call failed. `crowded`: the limit that was hit is this chat's, not the account's.

    A limit's two kinds look the same on the wire, so the account waits unless the door knows better.
    """
    told, status, said = failed.told, failed.status, failed.reason.lower()
    if not status:
        return Uncertain(told) if failed.reached else NotSent(told, reached=False)
    if status == 429:
        return NotSent(told, after=max(failed.after, PATIENCE), halts="" if crowded else "account")
    if status == 403 or (status == 400 and any(one in said for one in GONE)):
        return Refused(told, closes=True)
    if status in (401, 404) or 300 <= status < 400:
        # Not about this person: the token was taken back, or the address leads somewhere else.
        return NotSent(told, after=UNTRUSTED_WAIT, halts="account")
    if status == 409:
        return NotSent(told, after=PATIENCE)
    if status < 500:
        return Refused(told)
    return Uncertain(told)


def lacks_method(failed: Failed) -> bool:
    """A server that does not have this method (a smaller Bot API server may not)."""
    return failed.status in (404, 405, 501)


def refuses_content(failed: Failed) -> bool:
    """The person can be reached, but not with this: say it more plainly."""
    answer = outcome(failed)
    return lacks_method(failed) or (isinstance(answer, Refused) and not answer.closes)
