"""What a message becomes after its call: sent, tried again, by another door, failed, uncertain, dead."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime

from bot.delivery.decisions import Ready
from bot.domain.reach import (
    ATTEMPTS,
    PLAIN,
    REPEATED_ONCE,
    ByAddress,
    Hold,
    Offers,
    Reachable,
    Reason,
    Way,
    route,
    wait_after,
)
from bot.talk.door import Delivered, NotSent, Outcome, Refused, Uncertain
from storage.outbox import Refuses, Result, Unused
from storage.tables.delivery import Lane, State
from storage.tables.kinds import to_milliseconds
from storage.waiting import Waiting


class Results:
    """From one account's outcomes. `chance`, from 0 to 1, spreads what is tried again."""

    def __init__(
        self, account: str, doors: Collection[str], chance: Callable[[], float], offers: Offers = PLAIN
    ) -> None:
        self._account = account
        self._offers = offers
        self._doors = doors
        self._chance = chance

    def of(self, one: Ready, epoch: int, attempt: int, outcome: Outcome, now: datetime) -> Result:
        """What the row becomes, for the claim of this epoch and attempt."""
        if isinstance(outcome, Delivered):
            return self._arrived(one, epoch, attempt, outcome)
        waiting = one.waiting
        moment = to_milliseconds(now)
        plain = Result(
            waiting.id,
            epoch,
            attempt,
            waiting.person,
            State.PENDING,
            self._account,
            waiting.due,
            reason=_reason(one, outcome.reason),
            repeated=bool(waiting.repeated),
            page=waiting.page,
            answered=now,
            route=one.way.value,
            campaign=_campaign(waiting),
        )
        unused = _unused(one)
        match outcome:
            case NotSent(halts="account" | "api"):
                return plain._replace(tried=attempt - 1, gives_back=unused)
            case NotSent(after=after):
                if attempt >= ATTEMPTS:
                    return plain._replace(state=State.DEAD, gives_back=unused)
                wait = max(after, wait_after(attempt, self._chance()))
                return plain._replace(due=moment + round(wait * 1000), gives_back=unused)
            case Refused(closes=closes, window=window) if closes or window:
                return self._turned_away(one, plain._replace(due=moment), closes, now)
            case Refused(declines=True) if one.form is not None:
                # Not this kind of notice to them; the next look finds another way, or lets it wait.
                refuses = Refuses(one.external, one.form.template, one.form.consented)
                return plain._replace(due=moment, tried=attempt - 1, refuses=refuses)
            case Refused():
                return plain._replace(state=State.FAILED)
            case Uncertain() if one.is_keyed and attempt < ATTEMPTS:
                wait = wait_after(attempt, self._chance())
                return plain._replace(keyed=True, due=moment + round(wait * 1000))
            case Uncertain():
                if waiting.kind in REPEATED_ONCE and not waiting.repeated:
                    wait = wait_after(attempt, self._chance())
                    return plain._replace(repeated=True, due=moment + round(wait * 1000))
                return plain._replace(state=State.UNCERTAIN)

    def _arrived(self, one: Ready, epoch: int, attempt: int, outcome: Delivered) -> Result:
        """The next page is a call of its own: written ahead, paced, fenced, with attempts of its own."""
        waiting, is_last = one.waiting, one.is_last
        return Result(
            waiting.id,
            epoch,
            attempt,
            waiting.person,
            State.SENT if is_last else State.PENDING,
            self._account,
            waiting.due,
            reason=one.route.because.value,
            receipt=outcome.receipt or None,
            repeated=bool(waiting.repeated),
            tried=None if is_last else 0,
            page=waiting.page,
            arrived=waiting.page + 1,
            campaign=_campaign(waiting),
            shown=one.shown if is_last else None,
            route=one.way.value,
        )

    def _turned_away(self, one: Ready, plain: Result, closes: bool, now: datetime) -> Result:
        """This address is gone, or closed until they write: another one of theirs, or wait, or it failed."""
        address = (self._account, one.external)
        plain = plain._replace(closes=address) if closes else plain._replace(window_closes=address)
        others: list[Reachable] = [
            other
            for other in one.due.addresses
            if other.door in self._doors and (other.door, other.external) != address
        ]
        if not closes and one.address is not None:
            others.append(replace(one.address, window_left=0, action_left=0))
        match route(others, now, one.due.notice.kind, self._offers):
            case ByAddress(door, _):
                return plain._replace(account=door)
            case Hold(reason) if not closes or reason is Reason.NO_WINDOW:
                return plain._replace(account="", reason=Reason.NO_WINDOW.value)
        return plain._replace(state=State.FAILED)


def _campaign(waiting: Waiting) -> int:
    return waiting.fanout if waiting.lane == Lane.CAMPAIGN else 0


def _unused(one: Ready) -> Unused | None:
    """What the write-ahead counted, as it stood before: given back only where nothing has begun anew since."""
    address = one.address
    if address is None or one.way not in (Way.WINDOW, Way.GRANT):
        return None
    template = one.form.template if one.form is not None else ""
    return Unused(address.door, address.external, address.window_until, address.action_until, template)


def _reason(one: Ready, reason: str) -> str:
    """Which page it was, where there are several."""
    return f"page {one.waiting.page + 1} of {len(one.pages)}: {reason}" if len(one.pages) > 1 else reason
