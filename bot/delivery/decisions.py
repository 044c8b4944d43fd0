"""What is to become of messages whose time has come: which may leave now, in words, and what the others wait for."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta, tzinfo
from typing import Any

import structlog

from bot.delivery.ledger import Ledger
from bot.delivery.pace import ChatGaps
from bot.domain.notices import Notice
from bot.domain.quotas import Limit
from bot.domain.reach import (
    BY_WINDOW,
    KEY_KEEPS,
    PLAIN,
    Because,
    ByAddress,
    Dropped,
    Hold,
    Offers,
    Postponed,
    Reachable,
    Reason,
    Way,
    decide,
)
from bot.talk.door import Door, Form
from bot.talk.render import render
from bot.talk.view import Page, View
from bot.talk.wording import Wording, Words
from storage import outbox
from storage.database import Unit
from storage.tables.kinds import to_milliseconds
from storage.truths import Due
from storage.waiting import Waiting

Word = Callable[[Notice], View]

Fields = Callable[[Notice], Mapping[str, Words | datetime]]
"""What a notice says in the fields of a form; nothing where it makes no sense in one."""

UNDIVIDED = 1 << 20
"""Length of a text that is not to be divided: longer than any."""

Said = dict[tuple[object, ...], tuple[tuple[Page, ...], list[dict[str, Any]] | None]]
"""Pages and what their numbers mean, by all that the words depend on."""

log = structlog.get_logger("menkou.sender")


@dataclass(frozen=True, slots=True)
class City:
    """What every message of this city has in common."""

    zone: tzinfo
    language: str = "zh_CN"
    quiet: tuple[int, int] | None = (21 * 60, 8 * 60)
    """Minutes after midnight, in the city's zone."""
    public_url: str = ""
    offers: Offers = PLAIN
    """What its accounts can do beside plain messages."""
    limits: Mapping[Way, Limit] = field(default_factory=dict)
    """What WeChat lets its account call, by way."""


@dataclass(frozen=True, slots=True)
class Unkeyed:
    """Perhaps sent, and nobody can ask any more."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A message that may leave: put into words, with its address."""

    due: Due
    external: str
    pages: tuple[Page, ...]
    """All of them; those before `waiting.page` have arrived. Of a form: none."""
    shown: list[dict[str, Any]] | None
    route: ByAddress
    form: Form | None = None

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
    def way(self) -> Way:
        return self.route.way

    @property
    def address(self) -> Reachable | None:
        """As it stood when this was decided."""
        return next((one for one in self.due.addresses if one.external == self.external), None)

    @property
    def is_keyed(self) -> bool:
        """Can it be asked for again under the platform's key? A template message's holds for one address; with a second
        one of the same door nobody would know which it was."""
        if self.way is Way.MASS:
            return True
        return self.way is Way.TEMPLATE and sum(one.door == self.route.door for one in self.due.addresses) == 1


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
    unkeyed: list[int] = field(default_factory=list)
    """Perhaps sent, and their key is worth nothing any more."""

    @property
    def settled(self) -> int:
        """How many are to be written down."""
        decisions = (self.dropped, self.postponed, self.rerouted, self.held, self.dead)
        return len(self.unkeyed) + sum(len(ids) for decision in decisions for ids in decision.values())

    async def write(self, unit: Unit, account: str, epoch: int, now: datetime) -> None:
        """Write down what is to become of those that do not leave now."""
        await outbox.settle(
            unit, account, epoch, now,
            dropped=self.dropped, postponed=self.postponed, rerouted=self.rerouted, held=self.held, dead=self.dead,
        )  # fmt: skip
        if self.unkeyed:
            await outbox.forget_keys(unit, account, epoch, now, self.unkeyed)


class Decisions:
    """Decides for one account, by the rules of `bot.domain.reach` and one message a second in a chat."""

    def __init__(
        self,
        door: Door,
        word: Word,
        city: City,
        gaps: ChatGaps,
        doors: Collection[str],
        ledger: Ledger,
        fields: Fields | None = None,
    ) -> None:
        """`doors`: all that this city can send through; others are no route."""
        self._account = door.name
        self._ledger = ledger
        self._fields = fields
        # More pages may follow each other when we speak first than in one passive reply.
        self._capabilities = replace(door.capabilities, replies_per_message=10)
        # A mass message is one of four a month: it is never two. What does not fit, the door makes shorter.
        self._undivided = replace(door.capabilities, text_length=UNDIVIDED)
        self._word = word
        self._city = city
        self._gaps = gaps
        self._doors = doors

    def decide(self, dues: Sequence[Due], now: datetime, busy: Collection[str]) -> Decided:
        """`busy`: addresses with a call under way; what goes there is left for the next look."""
        decided = Decided()
        taken = set(busy)
        said: Said = {}
        queued: Counter[str] = Counter()
        for due in dues:
            id_ = due.waiting.id
            match self._decision(due, now):
                case Unkeyed():
                    decided.unkeyed.append(id_)
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
                case ByAddress(_, external) as found:
                    wait = self._gaps.reserve(external)
                    if wait:
                        # One a second in a chat: the others stand behind each other instead of before everybody else.
                        later = now + timedelta(seconds=wait + self._gaps.gap(external) * queued[external])
                        queued[external] += 1
                        decided.postponed[to_milliseconds(later), "one message a second in a chat"].append(id_)
                    elif external not in taken and self._ledger.take(found.way):
                        taken.add(external)
                        worded = self._put_into_words(due, found, said, now)
                        if worded is None:
                            decided.dead["could not be put into words"].append(id_)
                        else:
                            if worded.page is not None:
                                self._gaps.stretch(external, self._capabilities.length(worded.page.text))
                            decided.ready.append(worded)
        return decided

    def _decision(self, due: Due, now: datetime) -> ByAddress | Hold | Dropped | Postponed | Unkeyed:
        theirs = [one for one in due.addresses if one.door in self._doors]
        quiet, offers = due.quiet or self._city.quiet, self._city.offers
        if due.waiting.page:
            offers = replace(offers, templates={}, notices={})  # the rest of what has begun in a chat belongs there
        closed = self._ledger.closed(now)
        decision = decide(due.notice, due.truth, theirs, now, self._city.zone, quiet, offers, closed)
        if due.tag is not None and isinstance(decision, Hold):
            if Way.MASS in closed:
                return Postponed(closed[Way.MASS], Reason.QUOTA)
            return ByAddress(self._account, str(due.tag), Way.MASS, because=Because.MASS)
        if due.waiting.keyed is None or not isinstance(decision, ByAddress | Hold):
            return decision
        if to_milliseconds(now - KEY_KEEPS) >= due.waiting.keyed:
            return Unkeyed()
        # It may have been sent as a notice: by no other way, or it would be said twice.
        here = next((one for one in theirs if one.door in BY_WINDOW and one.open), None)
        template = offers.templates.get(due.notice.kind, "")
        if here is None or not template:
            return Unkeyed()
        if Way.TEMPLATE in closed:
            return Postponed(closed[Way.TEMPLATE], Reason.QUOTA)
        return ByAddress(here.door, here.external, Way.TEMPLATE, template, Because.TEMPLATE)

    def _put_into_words(self, due: Due, found: ByAddress, said: Said, now: datetime) -> Ready | None:
        """In the reader's language, from what is true now; None if our own words are broken.

        `said`: what others were told in this look; to the many of a campaign it is the same words.
        """
        if found.template:
            return self._put_into_form(due, found)
        if due.pages:
            return Ready(due, found.external, tuple(Page.from_json(page) for page in due.pages), None, found)
        notice, language = due.notice, due.language or self._city.language
        alike = (
            due.waiting.fanout, notice.enrolment, notice.stand, notice.repeated, language, due.elder, due.tag is None,
        )  # fmt: skip
        if alike not in said:
            said[alike] = self._worded(due, language, now)
        pages, shown = said[alike]
        return Ready(due, found.external, pages, shown, found) if pages else None

    def _worded(self, due: Due, language: str, now: datetime) -> tuple[tuple[Page, ...], list[dict[str, Any]] | None]:
        """Its pages and what their numbers mean; no pages where it cannot be said."""
        wording = Wording(language, self._city.zone, due.elder)
        notice = replace(due.notice, eve=self._is_eve(due.notice, now))
        shape = self._capabilities if due.tag is None else self._undivided
        try:
            rendered = render([self._word(notice)], shape, wording, public_url=self._city.public_url)
        except Exception as error:  # noqa: BLE001 - one message that cannot be worded is set apart, the others leave
            log.error("sender.not_worded", message=due.waiting.id, kind=due.waiting.kind, error=type(error).__name__)
            return (), None
        if not any(page.text for page in rendered.pages):
            return (), None
        return rendered.pages, [asdict(entry) for entry in rendered.shown] or None

    def _is_eve(self, notice: Notice, now: datetime) -> bool:
        """Does what it speaks of begin tomorrow, by the city's days?"""
        if notice.event is None:
            return False
        begins, today = notice.event.starts.astimezone(self._city.zone), now.astimezone(self._city.zone)
        return begins.date() == today.date() + timedelta(days=1)

    def _put_into_form(self, due: Due, found: ByAddress) -> Ready | None:
        """What the fields of a form may say, in the reader's language."""
        wording = Wording(due.language or self._city.language, self._city.zone, due.elder)
        values = {name: self._written(words, wording) for name, words in (self._fields or _nothing)(due.notice).items()}
        if not any(values.values()):
            return None
        form = Form(found.template, values, consented=found.way is Way.GRANT)
        return Ready(due, found.external, (), None, found, form)

    def _written(self, words: Words | datetime, wording: Wording) -> str:
        """A moment as WeChat wants it in its fields, whatever the language; everything else as it is said."""
        if isinstance(words, datetime):
            local = words.astimezone(self._city.zone)
            return f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}"
        return wording(words)


def _nothing(_notice: Notice) -> Mapping[str, Words | datetime]:
    return {}
