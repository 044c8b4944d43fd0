"""Where WeChat's pushes arrive: opened, understood, answered within five seconds whatever happens behind."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from bot.channels.wechat.envelope import BODY_LIMIT, Envelope, Opened
from bot.channels.wechat.messages import LANGUAGE, NAME, Finished, Granted, Heard, Reader, Said
from bot.channels.wechat.parsing import NotWeChat, Push, legible, parse
from bot.channels.wechat.replies import SUCCESS, joined, layout, passive_reply
from bot.talk.door import TRY_AGAIN, Listener, Overloaded
from bot.talk.incoming import Incoming
from bot.talk.order import Order
from bot.talk.view import Page, Reply
from bot.talk.wording import Wording

PATIENCE = 4.0
"""Seconds from a push's arrival to our answer; WeChat cuts at 5 and repeats, three times in all."""
AGAIN = 0.5
"""Seconds after which a turn that could not be had is tried again, while there is time."""
LATE = 60.0
"""Seconds for that once we have said `success`: WeChat does not come again, and the person waits."""
REMEMBERED = 10_000
"""Messages whose late reply was handed to the sender: a push that is repeated after that must not bring it again."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Turn:
    """A turn under way and the requests that wait for it."""

    incoming: Incoming
    quiet: bool
    task: asyncio.Task[Reply] = field(init=False)
    waiting: int = 0


class WeChatWebhook:
    """The account's address: `GET` for the console's check, `POST` for pushes."""

    def __init__(
        self,
        envelope: Envelope,
        reader: Reader,
        listener: Listener,
        clock: Callable[[], datetime],
        *,
        on_grant: Callable[[Granted], Awaitable[None]] | None = None,
        on_finished: Callable[[Finished], Awaitable[None]] | None = None,
        patience: float = PATIENCE,
    ) -> None:
        """`on_grant` and `on_finished` must bear being told twice, and raise Overloaded while they cannot keep it."""
        self._envelope = envelope
        self._reader = reader
        self._listener = listener
        self._clock = clock
        self._on_grant = on_grant
        self._on_finished = on_finished
        self._patience = patience
        self._turns: dict[str, _Turn] = {}
        self._chats = Order()
        self._after: set[asyncio.Task[None]] = set()
        self._handed_over: OrderedDict[str, None] = OrderedDict()

    def routes(self, path: str = "/wechat") -> list[web.RouteDef]:
        """For `app.add_routes`."""
        return [web.get(path, self.check, allow_head=False), web.post(path, self.receive)]

    async def drain(self, seconds: float) -> None:
        """Let turns under way come to their end, at most this long: for an orderly stop."""
        deadline = asyncio.get_running_loop().time() + seconds
        while under_way := {turn.task for turn in self._turns.values()} | self._after:
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                log.warning("%d WeChat turns were still under way at the stop", len(under_way))
                return
            await asyncio.wait(under_way, timeout=left)
            await asyncio.sleep(0)

    async def check(self, request: web.Request) -> web.Response:
        """The console saves an address only if it gives the `echostr` back, bare."""
        try:
            return _plain(self._envelope.check_url(request.query))
        except NotWeChat as wrong:
            return _refused(wrong)

    async def receive(self, request: web.Request) -> web.Response:
        """One push."""
        arrived = asyncio.get_running_loop().time()
        try:
            body = await self._body(request)
            opened = self._envelope.open(request.query, body)
        except NotWeChat as wrong:
            return _refused(wrong)
        try:
            push = parse(opened.body)
            heard = self._reader.read(push, legible(opened.body))
        except NotWeChat as wrong:  # authentic, and yet nobody can read it
            await self._bury(opened, wrong.why)
            return _refused(wrong)
        if isinstance(heard, Said):
            return await self._answer(heard, push, opened, arrived + self._patience)
        await self._tell(heard)
        return _plain(SUCCESS)

    async def _body(self, request: web.Request) -> bytes:
        """The body up to its cap and before our patience ends: a trickle is no push, and nobody compresses one."""
        if "Content-Encoding" in request.headers:
            raise NotWeChat(415, "compressed body")
        if (request.content_length or 0) > BODY_LIMIT:
            raise NotWeChat(413, "body over 64 KiB")
        try:
            async with asyncio.timeout(self._patience):
                # `read`, never `content`: a middleware may have read the body before us, and keeps it there.
                read = await request.read()
        except TimeoutError:
            raise NotWeChat(408, "body did not come") from None
        except web.HTTPRequestEntityTooLarge:
            raise NotWeChat(413, "body over 64 KiB") from None
        except Exception as wrong:  # aiohttp's transfer errors share no class
            raise NotWeChat(400, f"body cannot be read: {type(wrong).__name__}") from wrong
        if len(read) > BODY_LIMIT:
            raise NotWeChat(413, "body over 64 KiB")
        return read

    async def _answer(self, said: Said, push: Push, opened: Opened, deadline: float) -> web.Response:
        key = said.incoming.key
        if key in self._handed_over:
            return _plain(SUCCESS)
        turn = self._turns.get(key) or self._begin(said, deadline)
        turn.waiting += 1
        try:
            left = deadline - asyncio.get_running_loop().time()
            await asyncio.wait({turn.task}, timeout=max(left, 0.0))
        finally:
            turn.waiting -= 1
        # No await from here to the answer: the turn's end saw us wait, or has not come yet and will see nobody.
        if not turn.task.done():
            log.info("WeChat turn over %s s: the reply goes by customer message", self._patience)
            return _plain(SUCCESS)
        failed = turn.task.exception() if not turn.task.cancelled() else asyncio.CancelledError()
        if failed:
            log.warning("WeChat turn failed: %s", type(failed).__name__)
            if turn.quiet or not isinstance(failed, Overloaded):
                return web.Response(status=503)  # nothing was kept; the push may come again
            # In the chat WeChat shows “service unavailable” for anything but an answer, and brings nothing again.
            return self._say(Page(Wording(LANGUAGE, UTC)(TRY_AGAIN)), push, opened)
        reply = turn.task.result()
        page = joined(reply.pages)
        if page is None or turn.quiet or reply.elsewhere == "sender":
            return _plain(SUCCESS)
        return self._say(page, push, opened)

    def _say(self, page: Page, push: Push, opened: Opened) -> web.Response:
        xml = passive_reply(layout(page), push.need("FromUserName"), push.need("ToUserName"), self._clock().timestamp())
        return web.Response(text=self._envelope.seal(xml, opened), content_type="application/xml", charset="utf-8")

    async def _taken(self, incoming: Incoming, until: float) -> Reply:
        """The reply to it, if need be after several tries. Raises Overloaded, and whatever else the listener raises."""
        while True:
            try:
                return await self._listener.take(incoming)
            except Overloaded:
                if asyncio.get_running_loop().time() + AGAIN >= until:
                    raise
            await asyncio.sleep(AGAIN)

    def _begin(self, said: Said, until: float) -> _Turn:
        turn = _Turn(said.incoming, said.quiet)
        turn.task = asyncio.get_running_loop().create_task(self._turned(turn, until))
        self._turns[said.incoming.key] = turn
        turn.task.add_done_callback(lambda _task: self._ended(turn))
        return turn

    async def _turned(self, turn: _Turn, until: float) -> Reply:
        """The turn, and what must follow it when nobody waits for its reply any more: those who wait will answer; if
        nobody does, the sender must. Never both, never neither.

        The next message from the same address has its turn after that, so that it finds this reply in the sender's list
        and stands behind it.
        """
        async with self._chats.of(turn.incoming.address.id):
            reply, failed = Reply(), None
            try:
                reply = await self._taken(turn.incoming, until)
            except Exception as wrong:  # noqa: BLE001 - whoever waits is told, else it is tried again or kept apart
                failed = wrong
            # No await from here to the turn's end while somebody waits.
            if turn.waiting:
                if failed is not None:
                    raise failed
                return reply
            if failed is not None or (reply.pages and not turn.quiet):
                self._handed_over[turn.incoming.key] = None
                while len(self._handed_over) > REMEMBERED:
                    self._handed_over.popitem(last=False)
                await self._hand_over(turn.incoming, failed)
            return reply

    def _ended(self, turn: _Turn) -> None:
        del self._turns[turn.incoming.key]
        if not turn.task.cancelled():
            turn.task.exception()  # it is known to whoever waited

    def _afterwards(self, work: Coroutine[Any, Any, None]) -> None:
        after = asyncio.get_running_loop().create_task(work)
        self._after.add(after)
        after.add_done_callback(self._after.discard)

    async def _hand_over(self, incoming: Incoming, failed: BaseException | None) -> None:
        """We said `success`, so WeChat will not come again: bring what was answered later, keep apart what broke."""
        try:
            if isinstance(failed, Overloaded):
                await self._taken(incoming, asyncio.get_running_loop().time() + LATE)
                failed = None
            if failed is None:
                await self._listener.later(incoming)
            else:
                why = f"late turn failed: {type(failed).__name__}"
                await self._listener.bury(NAME, incoming.key, incoming.raw, why)
        except Exception:
            log.exception("a late WeChat reply could not be handed over")

    async def _tell(self, heard: Heard) -> None:
        several = heard if isinstance(heard, tuple) else (heard,)
        for one in several:
            if isinstance(one, Granted | Finished) and not await self._kept(one):
                self._afterwards(self._keep_late(one))

    async def _keep_late(self, one: Granted | Finished) -> None:
        """We said `success`, so WeChat will not tell it again: try on for as long as for a late reply."""
        until = asyncio.get_running_loop().time() + LATE
        while asyncio.get_running_loop().time() < until:
            await asyncio.sleep(AGAIN)
            if await self._kept(one):
                return
        log.error("news from WeChat could not be kept: the database stayed away")

    async def _kept(self, one: Granted | Finished) -> bool:
        """Tell whom it concerns. False: it could not be kept just now."""
        try:
            if isinstance(one, Granted) and self._on_grant:
                await self._on_grant(one)
            elif isinstance(one, Finished) and self._on_finished:
                await self._on_finished(one)
        except Overloaded:
            return False
        except Exception:
            log.exception("news from WeChat could not be kept")
        return True

    async def _bury(self, opened: Opened, why: str) -> None:
        raw = legible(opened.body)
        key = f"unread {hashlib.sha256(opened.body).hexdigest()[:40]}"
        try:
            await self._listener.bury(NAME, key, raw, why)
        except Exception:
            log.exception("an unreadable WeChat push could not be kept apart")


def _plain(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/plain", headers={"X-Content-Type-Options": "nosniff"})


def _refused(wrong: NotWeChat) -> web.Response:
    """The status and nothing else; why stands in our log."""
    log.warning("WeChat push refused (%d): %s", wrong.status, wrong.why)
    return web.Response(status=wrong.status)
