"""What is to become of messages whose time has come: which may leave now, in words, and what the others wait for."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta, tzinfo
from typing import Any

import structlog

from bot.delivery.pace import ChatGaps
from bot.domain.notices import Notice
from bot.domain.reach import ByAddress, Dropped, Hold, Postponed, Reason, decide
from bot.talk.door import Door
from bot.talk.render import render
from bot.talk.view import Page, View
from bot.talk.wording import Wording
from storage import outbox
from storage.database import Unit
from storage.tables.kinds import to_milliseconds
from storage.truths import Due
from storage.waiting import Waiting

Word = Callable[[Notice], View]

log = structlog.get_logger("menkou.sender")


@dataclass(frozen=True, slots=True)
class City:
    """What every message of this city has in common."""

    zone: tzinfo
    language: str = "zh_CN"
    quiet: tuple[int, int] | None = (21 * 60, 8 * 60)
    """Minutes after midnight, in the city's zone."""
    public_url: str = ""


@dataclass(frozen=True, slots=True)
class Ready:
    """A message that may leave: put into words, with its address."""

    due: Due
    external: str
    pages: tuple[Page, ...]
    """All of them; those before `waiting.page` have arrived."""
    shown: list[dict[str, Any]] | None

    @property
    def waiting(self) -> Waiting:
        return self.due.waiting

    @property
    def page(self) -> Page | None:
        """The page that leaves now; None: its words became fewer, and all of them have arrived."""
        number = self.waiting.page
        return self.pages[number] if number < len(self.pages) else None

    @property
    def is_last(self) -> bool:
        """Has all of it arrived with this page?"""
        return self.waiting.page + 1 >= len(self.pages)

    @property
    def is_counted(self) -> bool:
        """Does this address count what we say first?"""
        return any(one.external == self.external and one.window_left is not None for one in self.due.addresses)


def _lists() -> defaultdict[Any, list[int]]:
    return defaultdict(list)


@dataclass(frozen=True, slots=True)
class Decided:
    """Those that may leave now; the others by number, under what is to be written down of them."""

    ready: list[Ready] = field(default_factory=list)
    dropped: dict[str, list[int]] = field(default_factory=_lists)
    postponed: dict[tuple[int, str], list[int]] = field(default_factory=_lists)
    """By moment and reason."""
    rerouted: dict[str, list[int]] = field(default_factory=_lists)
    """By the door that they go out by."""
    held: dict[str, list[int]] = field(default_factory=_lists)
    dead: dict[str, list[int]] = field(default_factory=_lists)

    @property
    def settled(self) -> int:
        """How many are to be written down."""
        decisions = (self.dropped, self.postponed, self.rerouted, self.held, self.dead)
        return sum(len(ids) for decision in decisions for ids in decision.values())

    async def write(self, unit: Unit, account: str, epoch: int, now: datetime) -> None:
        """Write down what is to become of those that do not leave now."""
        await outbox.settle(
            unit, account, epoch, now,
            dropped=self.dropped, postponed=self.postponed, rerouted=self.rerouted, held=self.held, dead=self.dead,
        )  # fmt: skip


class Decisions:
    """Decides for one account, by the rules of `bot.domain.reach` and one message a second in a chat."""

    def __init__(self, door: Door, word: Word, city: City, gaps: ChatGaps, doors: Collection[str]) -> None:
        """`doors`: all that this city can send through; others are no route."""
        self._account = door.name
        # More pages may follow each other when we speak first than in one passive reply.
        self._capabilities = replace(door.capabilities, replies_per_message=10)
        self._word = word
        self._city = city
        self._gaps = gaps
        self._doors = doors

    def decide(self, dues: Sequence[Due], now: datetime, busy: Collection[str]) -> Decided:
        """`busy`: addresses with a call under way; what goes there is left for the next look."""
        decided = Decided()
        taken = set(busy)
        queued: Counter[str] = Counter()
        for due in dues:
            id_ = due.waiting.id
            theirs = [one for one in due.addresses if one.door in self._doors]
            decision = decide(due.notice, due.truth, theirs, now, self._city.zone, due.quiet or self._city.quiet)
            match decision:
                case Dropped(reason):
                    decided.dropped[reason].append(id_)
                case Hold(Reason.NO_ADDRESS) if due.waiting.kind == "reply":
                    decided.dropped[Reason.NO_ADDRESS].append(id_)
                case Hold(reason):
                    decided.held[reason].append(id_)
                case Postponed(until, reason):
                    decided.postponed[to_milliseconds(until), reason].append(id_)
                case ByAddress(door, _) if door != self._account:
                    decided.rerouted[door].append(id_)
                case ByAddress(_, external):
                    wait = self._gaps.reserve(external)
                    if wait:
                        # One a second in a chat: the others stand behind each other instead of before everybody else.
                        later = now + timedelta(seconds=wait + self._gaps.gap(external) * queued[external])
                        queued[external] += 1
                        decided.postponed[to_milliseconds(later), "one message a second in a chat"].append(id_)
                    elif external not in taken:
                        taken.add(external)
                        worded = self._put_into_words(due, external)
                        if worded is None:
                            decided.dead["could not be put into words"].append(id_)
                        else:
                            if worded.page is not None:
                                self._gaps.stretch(external, self._capabilities.length(worded.page.text))
                            decided.ready.append(worded)
        return decided

    def _put_into_words(self, due: Due, external: str) -> Ready | None:
        """In the reader's language, from what is true now; None if our own words are broken."""
        if due.pages:
            return Ready(due, external, tuple(Page.from_json(page) for page in due.pages), None)
        wording = Wording(due.language or self._city.language, self._city.zone, due.elder)
        try:
            rendered = render([self._word(due.notice)], self._capabilities, wording, public_url=self._city.public_url)
        except Exception as error:  # noqa: BLE001 - one message that cannot be worded is set apart, the others leave
            log.error("sender.not_worded", message=due.waiting.id, kind=due.waiting.kind, error=type(error).__name__)
            return None
        if not any(page.text for page in rendered.pages):
            return None
        return Ready(due, external, rendered.pages, [asdict(entry) for entry in rendered.shown] or None)
