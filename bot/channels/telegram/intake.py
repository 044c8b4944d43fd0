"""One update from its raw JSON to its answer in the chat: in order within a chat, side by side between chats.

The platform is told that we have it only after this: what is answered is on disk, and the reply has gone or stands in
the sender's list. An update that comes again is answered again unless this process or another replica answered; while
another may be about to, it is asked to come again later. While a reply waits with the sender, the next ones of its chat
stand behind it there (docs/decisions/44-answers-in-their-order.md).
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import structlog

from bot.channels.telegram.api import TelegramApi
from bot.channels.telegram.calls import press_answered
from bot.channels.telegram.errors import Failed
from bot.channels.telegram.numbers import NAME
from bot.channels.telegram.updates import Reader, Unreadable, unread_key, written
from bot.talk.door import Delivered, Door, Listener, NotSent, Outcome, Overloaded, Refused, Uncertain
from bot.talk.incoming import Incoming, Intent
from bot.talk.order import Order
from bot.talk.view import Reply

PATIENCE = 4.0
"""Seconds from a reply's begin until what is left of it goes to the sender; with one call more it is well below the
60 s after which Telegram gives a webhook's request up."""
PRESS_LIMIT = 3.0
"""Seconds for the answer to a pressed button: after about 10 to 15 nobody waits for it any more."""
TELL_AFTER = 0.5
"""Seconds for which replies that were brought gather before that is written down."""
REMEMBERED = 10_000
"""Answered updates that are known again. Telegram repeats one only until it was told that we have it."""

log = structlog.get_logger("menkou.telegram")


class Intake:
    """Takes updates, however they came."""

    def __init__(
        self,
        api: TelegramApi,
        door: Door,
        reader: Reader,
        listener: Listener,
        *,
        told: Callable[[Sequence[str]], Awaitable[None]] | None = None,
        patience: float = PATIENCE,
        steady: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`told` hears which messages' replies have been brought, some at a time, for the other replicas to know."""
        self.counts: Counter[str] = Counter()
        """Updates by what became of them, since the start."""
        self._api = api
        self._door = door
        self._reader = reader
        self._listener = listener
        self._told = told
        self._to_tell: list[str] = []
        self._telling: asyncio.Task[None] | None = None
        self._patience = patience
        self._steady = steady
        self._pause = pause
        self._answered: OrderedDict[str, None] = OrderedDict()
        self._begun: set[str] = set()
        """Updates whose reply this process began to bring: it alone knows that, and goes on with it."""
        self._chats = Order()
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def receive(self, update: object) -> None:
        """Take one update. Raises Overloaded, and whatever the listener's database raises: then it must come again."""
        if not self._under_way:
            self._idle.clear()
        self._under_way += 1
        try:
            await self._receive(update)
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()

    async def bury_body(self, body: bytes, why: str) -> None:
        """Keep something apart that is not even JSON."""
        self.counts["unreadable"] += 1
        raw = written(body.decode("utf-8", "replace"))
        await self._listener.bury(NAME, unread_key(body), raw, why)

    async def finish(self, seconds: float) -> bool:
        """Wait until nothing is under way, at most so long: for an orderly stop. False: something still was."""
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
                await self._tell()
        except TimeoutError:
            log.warning("updates were still under way at the stop", count=self._under_way)
            return False
        return True

    async def _receive(self, update: object) -> None:
        try:
            read = self._reader.read(update)
        except Unreadable as wrong:
            self.counts["unreadable"] += 1
            log.warning("an update could not be read", key=wrong.key, reason=wrong.why)
            await self._listener.bury(NAME, wrong.key, wrong.raw, wrong.why)
            return
        # The button's clock stops first, beside the turn; what is said follows it.
        pressed = asyncio.create_task(self._release(read.press)) if read.press else None
        try:
            if read.incoming is None:
                self.counts["ignored"] += 1
            else:
                async with self._chats.of(read.incoming.address.id):
                    await self._answer(read.incoming, pressed)
        finally:
            if pressed is not None:
                await asyncio.wait({pressed})

    async def _answer(self, incoming: Incoming, pressed: asyncio.Task[None] | None) -> None:
        reply = await self._listener.take(incoming)
        if incoming.key in self._answered or reply.elsewhere == "told":
            self.counts["repeated"] += 1
            return
        if reply.elsewhere == "perhaps" and incoming.key not in self._begun:
            raise Overloaded  # until the other has brought it, or is known not to have
        if pressed is not None:
            await asyncio.wait({pressed})
        self._begun.add(incoming.key)
        if reply.elsewhere == "sender":
            log.info("a reply stands behind others in the sender's list", key=incoming.key)
        else:
            await self._say(incoming, reply)
        self._begun.discard(incoming.key)
        self._answered[incoming.key] = None
        self._brought(incoming.key)
        while len(self._answered) > REMEMBERED:
            self._answered.popitem(last=False)
        self.counts["answered"] += 1

    def _brought(self, key: str) -> None:
        if self._told is None:
            return
        self._to_tell.append(key)
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell_soon(), name="told replies")

    async def _tell_soon(self) -> None:
        """Many at a time. What could not be written down is brought again if it should come again, as after a kill."""
        await asyncio.sleep(TELL_AFTER)
        await self._tell()

    async def _tell(self) -> None:
        keys, self._to_tell = self._to_tell, []
        if self._told is not None and keys:
            try:
                await self._told(keys)
            except Exception as away:  # noqa: BLE001 - whatever keeps the database away
                log.warning("that replies were brought could not be written down", error=type(away).__name__)

    async def _say(self, incoming: Incoming, reply: Reply) -> None:
        """Bring the reply; what cannot go now goes by the sender, what may have gone does not go again."""
        deadline = self._steady() + self._patience
        for number, page in enumerate(reply.pages):
            key = f"{incoming.key}.{number}"
            outcome = await self._door.send(incoming.address.id, page, key)
            if isinstance(outcome, NotSent) and number and outcome.after < deadline - self._steady():
                # They wait in front of a half-told answer: a short limit is waited for here.
                await self._pause(max(outcome.after, 0.5))
                outcome = await self._door.send(incoming.address.id, page, key)
            late = self._steady() >= deadline and number + 1 < len(reply.pages)
            if not await self._settle(incoming, outcome, number, late):
                return

    async def _settle(self, incoming: Incoming, outcome: Outcome, number: int, late: bool) -> bool:
        """What follows from one page's outcome. False: nothing more can be said here."""
        match outcome:
            case Delivered():
                pass
            case NotSent(reason=reason):
                log.info("a reply goes by the sender", key=incoming.key, reason=reason)
                await self._listener.later(incoming, number)
                return False
            case Refused(reason=reason, closes=True):
                log.info("a chat is closed", key=incoming.key, reason=reason)
                # The platform may never tell it in an update of its own.
                gone = replace(
                    incoming, key=f"{incoming.key}.gone", intent=Intent("gone"), text=None, pick=None, place=None,
                    photo=None, raw="",
                )  # fmt: skip
                if incoming.intent != gone.intent:
                    await self._listener.take(gone)
                return False
            case Refused(reason=reason):
                log.error("Telegram refuses a reply", key=incoming.key, reason=reason)
            case Uncertain(reason=reason):
                log.warning("nobody knows whether a reply arrived", key=incoming.key, reason=reason)
        if late:
            log.info("the rest of a reply goes by the sender", key=incoming.key)
            await self._listener.later(incoming, number + 1)
        return not late

    async def _release(self, press: str) -> None:
        """Answer a pressed button's query; that it is too old is no fault of anybody."""
        answer = await self._api.post("answerCallbackQuery", press_answered(press), PRESS_LIMIT)
        if isinstance(answer, Failed):
            stale = answer.status == 400 and "query" in answer.reason.lower()
            (log.debug if stale else log.info)("a button's query was not answered", reason=answer.told)
