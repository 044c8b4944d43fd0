"""One turn, one transaction: the message, what it changed, the conversation and the reply are on disk
together, or not at all.

The same message again finds its reply kept and gets it again. No network call happens inside a turn.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog
from sqlalchemy.exc import DBAPIError

from bot.desk.city import City
from bot.desk.desk import Desk
from bot.talk.capabilities import Capabilities
from bot.talk.door import Overloaded
from bot.talk.incoming import Address, Incoming, Intent
from bot.talk.order import Order
from bot.talk.render import render
from bot.talk.router import Answered, Router
from bot.talk.view import Link, Page, Reply, View
from bot.talk.wording import LANGUAGES, Wording, _, catalogue
from storage import erasing, fanouts, inbox, outbox, people, turns
from storage.database import Database, Unit, is_away
from storage.inbox import Kept, Message
from storage.people import Met

log = structlog.get_logger("turn")

WAITING_LIMIT = 2_000
"""Turns that may wait at once; beyond, the platform is asked to come again (Telegram honours 503, WeChat repeats)."""

GREETING = "start"
"""The script that says hello by itself."""

LEFT = "gone"
"""What a platform tells when somebody blocked or unfollowed us."""

FAREWELL = ("erasing", "keep", LEFT, "returned", "whereabouts")
"""The scripts that are left to somebody who asked to be erased; the first of them answers whatever they say."""

BRINGING = timedelta(seconds=10)
"""In which a replica brings a reply, hands it to the sender, and has written so down; or it is gone."""

ATTEMPTS = 3
"""PostgreSQL may ask to begin again when two turns wanted the same rows in another order; and where another replica
answered the same message meanwhile, its answer is what this one finds."""

_BEGIN_AGAIN = frozenset({"40001", "40P01"})


def _is_to_begin_again(error: DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", None) in _BEGIN_AGAIN or inbox.was_answered_meanwhile(error)


class Observer(Protocol):
    """Hears how each turn went, for the meters."""

    def __call__(self, door: str, script: str, seconds: float, outcome: str) -> None:
        """One turn: `outcome` is answered, replayed, broken, or away where the database was."""


@dataclass(frozen=True, slots=True)
class _Taken:
    """What a turn came to."""

    reply: Reply
    script: str = ""
    told: Mapping[str, Any] = field(default_factory=dict)
    """What the log says of it, once it is kept; nothing of one that was taken before."""


class Turns:
    """Answers messages. One object for all doors of a process."""

    def __init__(
        self,
        database: Database,
        router: Router,
        city: City,
        doors: Mapping[str, Capabilities],
        clock: Callable[[], datetime],
        observe: Observer | None = None,
        first_words: Callable[[], View] | None = None,
    ) -> None:
        """`first_words` come before the answer to somebody who never wrote before and did not begin with hello."""
        self.database = database
        self.router = router
        self.farewell = _farewell(router)
        self.city = city
        self.doors = doors
        self.clock = clock
        self.observe = observe
        self.first_words = first_words
        self.planned: Callable[[str], object] = lambda door: None
        """Called when something waits for this door's sender."""
        # Read now, from files, what the first turn would have to wait for.
        for language in LANGUAGES:
            catalogue(language)
        self.places = city.places
        self._waiting: dict[object, float] = {}
        self._order = Order()
        self._idle = asyncio.Event()
        self._idle.set()

    async def take(self, incoming: Incoming) -> Reply:
        """Answer one message; see `Listener.take`."""
        if self.in_flight >= WAITING_LIMIT:
            raise Overloaded
        ticket = object()
        self._waiting[ticket] = time.perf_counter()
        self._idle.clear()
        try:
            # One person's messages one after another, as they came; different people beside each other.
            async with self._order.of(incoming.address):
                return await self._taken(incoming)
        finally:
            del self._waiting[ticket]
            if not self._waiting:
                self._idle.set()

    async def _taken(self, incoming: Incoming) -> Reply:
        began = time.perf_counter()
        script, outcome = "", "broken"
        try:
            try:
                reply, script = await self._answered(incoming)
            except Exception as broken:
                if is_away(broken):
                    raise
                # A script that breaks must not stop this person for ever, nor anybody else: keep the message apart.
                log.error("turn broke", door=incoming.address.door, error=type(broken).__name__, where=place_of(broken))
                return await self._apologise(incoming, broken)
            outcome = "replayed" if reply.replayed else "answered"
            if reply.elsewhere == "sender":
                self.planned(incoming.address.door)
            return reply
        except Exception as away:
            if not is_away(away):
                raise
            # The database is away, not the message at fault: the platform shall bring it again.
            log.error("database away", door=incoming.address.door, error=type(away).__name__)
            outcome = "away"
            raise Overloaded from away
        finally:
            if self.observe:
                self.observe(incoming.address.door, script, time.perf_counter() - began, outcome)

    async def open_question(self, address: Address) -> str:
        """The name of the question that whoever writes from here was asked last."""
        return await self.database.look(lambda unit: people.open_question(unit, address.door, address.id))

    @property
    def in_flight(self) -> int:
        """Messages that wait for their answer."""
        return len(self._waiting)

    @property
    def oldest(self) -> float:
        """Seconds that the message which has waited longest has waited for its answer."""
        return time.perf_counter() - min(self._waiting.values()) if self._waiting else 0.0

    async def finish(self) -> None:
        """Wait until no turn is under way: at an orderly stop nothing is left in the middle."""
        await self._idle.wait()

    async def _answered(self, incoming: Incoming) -> tuple[Reply, str]:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                taken = await self.database.turn(lambda unit: self._turn(unit, incoming), shares=True)
            except DBAPIError as error:
                if attempt == ATTEMPTS or not _is_to_begin_again(error):
                    raise
                await asyncio.sleep(0.01 * attempt)
            else:
                if taken.told:  # not before it is kept: what is undone is done again
                    log.info("turn", **taken.told)
                return taken.reply, taken.script
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _turn(self, unit: Unit, incoming: Incoming) -> _Taken:
        door, now = incoming.address.door, self.clock()
        language = self._language_of(incoming)
        message = Message(door, incoming.key, incoming.address.id, incoming.raw)
        met = await turns.begin(unit, message, language, now)
        if isinstance(met, Kept):
            return _Taken(await self._replayed(unit, message, met, now))
        if met.returned or met.held:  # what is done for them now asks where they can be reached
            await people.heard_from(unit, met.identity, now, incoming.window)
        if met.returned and not (incoming.intent and incoming.intent.script == LEFT):
            await erasing.unmark_address(unit, met.identity, now)
        if met.held:
            await outbox.release_held(unit, met.person.id)
        if met.damaged:
            log.error("a conversation did not open and began anew", door=door, person=met.person.id)
        unit.changed = False
        answered, desk = await self._spoken(unit, incoming, met, now)
        reply = self._rendered(answered, met, self._wording(desk), door)
        pages = [page.to_json() for page in reply.pages]
        if met.behind and pages:
            await fanouts.plan_reply(unit, door, message.external, message.key, now)
            reply = replace(reply, elsewhere="sender")
        await turns.close(unit, met, message, pages, now, incoming.window)
        told = {
            "door": door,
            "script": answered.script,
            "question": answered.question,
            "turn": met.session.turn,
            "person": met.person.id,
        }
        return _Taken(reply, answered.script, told)

    async def _replayed(self, unit: Unit, message: Message, kept: Kept, now: datetime) -> Reply:
        pages = tuple(Page.from_json(page) for page in kept.pages)
        told = unit.locks_rows and await inbox.is_brought(unit, message.door, message.key, kept.at)
        if pages and not told and await fanouts.is_reply_planned(unit, message.door, message.key):
            return Reply(pages, replayed=True, elsewhere="sender")
        if not unit.locks_rows:  # SQLite has no replicas
            return Reply(pages, replayed=True)
        lately = now - kept.at < BRINGING
        return Reply(pages, replayed=True, elsewhere="told" if told else "perhaps" if lately else "")

    async def _spoken(self, unit: Unit, incoming: Incoming, met: Met, now: datetime) -> tuple[Answered, Desk]:
        me = met.person
        hint = incoming.language if incoming.language in LANGUAGES else None
        me.language = me.language or hint or self.city.language
        desk = Desk(unit, me, now, self.city)
        router = self.farewell if me.erasing else self.router
        answered = await router.take(
            met.session, incoming, now, self._wording(desk), desk, lambda: unit.changed, met.seen(incoming.at)
        )
        if met.new and self.first_words and answered.views and answered.script != GREETING:
            answered.views.insert(0, self.first_words())
        return answered, desk

    def _wording(self, desk: Desk) -> Wording:
        return Wording(desk.me.language, self.city.zone, desk.me.elder)

    def _rendered(self, answered: Answered, met: Met, wording: Wording, door: str) -> Reply:
        """Pages in the language that the person speaks now, after the script: it may have been changed."""
        session, capabilities = met.session, self.doors[door]
        if answered.rest is not None:
            allowed = capabilities.replies_per_message
            session.rest = answered.rest[allowed:]
            return Reply(tuple(Page.from_json(page) for page in answered.rest[:allowed]))
        rendered = render(answered.views, capabilities, wording, session.turn, self.city.public_url)
        session.rest = [page.to_json() for page in rendered.rest]
        if answered.views:
            session.shown = rendered.shown
        return Reply(rendered.pages)

    async def _apologise(self, incoming: Incoming, broken: Exception) -> Reply:
        try:
            return await self._apologised(incoming, broken)
        except Exception as worse:
            if is_away(worse):
                raise
            # Not even whom to apologise to can be told: whoever brought the message shall not bring it for ever.
            door = incoming.address.door
            log.error("apology broke", door=door, error=type(worse).__name__, where=place_of(worse))
            wording = Wording(self._language_of(incoming), self.city.zone)
            rendered = render([self._sorry()], self.doors[door], wording, 0, self.city.public_url)
            async with self.database.write() as unit:
                await self._bury(unit, incoming, worse, rendered.pages)
            return Reply(rendered.pages)

    async def _apologised(self, incoming: Incoming, broken: Exception) -> Reply:
        door, now, language = incoming.address.door, self.clock(), self._language_of(incoming)
        async with self.database.write() as unit:
            met = await people.meet(unit, door, incoming.address.id, language, now)
            met.session.thread = met.session.shelf = None
            met.session.turn += 1
            wording = Wording(met.person.language or language, self.city.zone, met.person.elder)
            rendered = render([self._sorry()], self.doors[door], wording, met.session.turn, self.city.public_url)
            met.session.shown = rendered.shown
            await people.keep_session(unit, met.person.id, met.session)
            await self._bury(unit, incoming, broken, rendered.pages)
            if met.behind:
                await fanouts.plan_reply(unit, door, incoming.address.id, incoming.key, now)
        if met.behind:
            self.planned(door)
        return Reply(rendered.pages, elsewhere="sender" if met.behind else "")

    def _sorry(self) -> View:
        return View(
            _("Something broke on our side; nothing was changed. Please try again, or send “menu”."),
            (Link(_("Menu"), Intent(self.router.menu)),),
        )

    def _language_of(self, incoming: Incoming) -> str:
        return incoming.language if incoming.language in LANGUAGES else self.city.language

    async def _bury(self, unit: Unit, incoming: Incoming, broken: Exception, pages: Sequence[Page]) -> None:
        why = f"{type(broken).__name__} at {place_of(broken)}"  # never its text, which may hold what a person typed
        told = [page.to_json() for page in pages]
        at = incoming.address
        await inbox.bury(unit, at.door, incoming.key, at.id, self.clock(), incoming.raw, why, told)

    async def later(self, incoming: Incoming, said: int = 0) -> None:
        """Let the sender bring a reply that could not go back in its own request, from the page behind those said."""
        door, now = incoming.address.door, self.clock()
        async with self.database.write() as unit:
            await fanouts.plan_reply(unit, door, incoming.address.id, incoming.key, now, said)
        self.planned(door)

    async def told(self, door: str, keys: Collection[str]) -> None:
        """These messages' replies have been brought: a replica that gets one of them again need not bring it."""
        if self.database.dialect == "postgresql":
            await self.database.aside(lambda unit: inbox.told(unit, door, keys, self.clock()))

    async def bury(self, door: str, key: str, raw: str, why: str) -> None:
        """Keep a message apart that nobody can read."""
        async with self.database.write() as unit:
            await inbox.bury(unit, door, key, "", self.clock(), raw, why, [])


def _farewell(router: Router) -> Router:
    """What is left to somebody who asked to be erased."""
    left = [router.scripts[name] for name in FAREWELL if name in router.scripts]
    return Router(
        [replace(one, hears=lambda text, at: ()) if one.name == FAREWELL[0] else one for one in left], FAREWELL[0]
    )


def place_of(broken: BaseException) -> str:
    """Where something broke, by file and line; no values."""
    frames = [frame for frame, _line in traceback.walk_tb(broken.__traceback__)]
    code = frames[-1].f_code if frames else None
    if code is None:
        return "an unknown place"
    folder, _slash, name = code.co_filename.replace("\\", "/").rpartition("/")
    return f"{folder.rpartition('/')[2]}/{name}:{frames[-1].f_lineno}"
