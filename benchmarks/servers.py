"""One server under measurement, in a process of its own: `python -m benchmarks.servers bare|aiogram|menkou`.

It prints its port and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from bot.channels.wire import Heard


def main() -> None:
    """Serve one kind until standard input ends."""
    import uvloop

    uvloop.run({"bare": _bare, "aiogram": _aiogram, "menkou": _menkou}[sys.argv[1]]())


def _tell(port: int, stop: asyncio.Event) -> None:
    """Say where we listen, and stop when whoever started us is done with us, or gone."""
    print(port, flush=True)
    loop = asyncio.get_running_loop()

    def wait() -> None:
        sys.stdin.read()
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait, daemon=True).start()


async def _serve(application: web.Application) -> None:
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    stop = asyncio.Event()
    _tell(runner.addresses[0][1], stop)
    await stop.wait()
    await runner.cleanup()


async def _bare() -> None:
    """The ceiling: read JSON, say 200."""

    async def receive(request: web.Request) -> web.Response:
        await request.json()
        return web.Response()

    application = web.Application()
    application.add_routes([web.post("/telegram", receive)])
    await _serve(application)


async def _aiogram() -> None:
    """aiogram's own echo behind its own webhook handler, in the foreground (200 after the answer); keeps nothing."""
    from aiogram import Bot, Dispatcher
    from aiogram.client.session.aiohttp import AiohttpSession
    from aiogram.types import Message
    from aiogram.webhook.aiohttp_server import SimpleRequestHandler

    from benchmarks.city import SECRET, TOKEN

    class NoSocket(AiohttpSession):
        """Encodes each call and parses an answer as usual; opens no connection."""

        async def make_request(self, bot: Any, method: Any, timeout: int | None = None) -> Any:
            self.build_form_data(bot, method)()
            content = answer_to(method.__api_method__)
            return self.check_response(bot=bot, method=method, status_code=200, content=content).result

    dispatcher = Dispatcher()

    @dispatcher.message()
    async def echo(message: Message) -> None:
        await message.send_copy(chat_id=message.chat.id)

    bot = Bot(TOKEN, session=NoSocket())
    application = web.Application()
    handler = SimpleRequestHandler(dispatcher, bot, handle_in_background=False, secret_token=SECRET)
    handler.register(application, path="/telegram")
    await _serve(application)


async def _menkou() -> None:
    """`menkou serve` as it is, but for the socket behind the Bot API's calls."""
    from bot import app, logs
    from bot.channels.telegram import api
    from bot.settings import Settings

    class NoSocketApi(api.TelegramApi):
        """Encodes each call and reads an answer as usual; opens no connection."""

        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            self._wire: Any = _NoSocketWire()

        async def _opened(self) -> Any:
            return _NoSocketClient()

    settings = Settings()
    logs.configure(settings.log_level, settings.secrets, settings.key)
    api.TelegramApi = NoSocketApi  # type: ignore[misc] # the one seam: app.py makes it by this name
    stop = asyncio.Event()
    await app.App(settings).serve(stop, told=lambda address: _tell(int(address.rpartition(":")[2]), stop))


class _NoSocketWire:
    """What is told all day."""

    def head(self, path: str) -> bytes:
        return path.encode()

    async def post(self, head: bytes, body: bytes, _limit: float) -> Heard:
        return Heard(200, answer_to(head.rpartition(b"/")[2].decode()).encode(), "")

    async def close(self) -> None:
        """Nothing is open."""


class _NoSocketClient:
    """What is asked at the start."""

    @asynccontextmanager
    async def post(self, url: str, *, data: bytes, **_how: Any) -> AsyncIterator[_Answer]:
        yield _Answer(answer_to(url.rpartition("/")[2]).encode())

    async def close(self) -> None:
        """Nothing is open."""


class _Answer:
    status = 200
    headers: dict[str, str] = {}

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self.content = self

    async def iter_chunked(self, _size: int) -> AsyncIterator[bytes]:
        yield self._raw


def answer_to(method: str) -> str:
    """What the Bot API says: for a message the message, else yes."""
    if method.startswith("send"):
        return SENT
    return json.dumps({"ok": True, "result": {"id": 123456789, "is_bot": True, "first_name": "b", "username": "b_bot"}})


SENT = json.dumps(
    {
        "ok": True,
        "result": {
            "message_id": 1,
            "from": {"id": 123456789, "is_bot": True, "first_name": "Menkou", "username": "menkou_bot"},
            "chat": {"id": 7_000_000_001, "first_name": "Wang", "type": "private"},
            "date": 1_795_400_100,
            "text": "海淀的环保活动",
        },
    }
)

if __name__ == "__main__":
    main()
