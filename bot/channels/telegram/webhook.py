"""`POST /telegram`: whoever knows the secret is Telegram, and hears 200 only when its update is safe with us."""

from __future__ import annotations

import hmac
import re
from collections.abc import Awaitable, Callable, Mapping

import structlog
from aiohttp import web

from bot.channels.telegram.calls import parsed
from bot.channels.telegram.intake import Intake
from bot.talk.door import Overloaded

PATH = "/telegram"
HEADER = "X-Telegram-Bot-Api-Secret-Token"
SECRET = re.compile(r"[A-Za-z0-9_-]{32,256}")
"""What setWebhook takes, and from 32 signs on nobody guesses it."""
BODY_LIMIT = 64 * 1024
"""Bytes of one update: two texts of 4,096 units (the message and what it quotes), all escaped, are below 50 KiB."""
BUSY_WAIT = 2
"""Seconds after which Telegram comes again when too much is waiting; it honours `Retry-After`."""
FAULT_WAIT = 5

log = structlog.get_logger("menkou.telegram")


Hear = Callable[[Mapping[str, str], bytes], Awaitable[tuple[int, int]]]


def hearing(intake: Intake, secret: str) -> Hear:
    """Hears a call's headers and body, and says its status and after how many seconds to come again (0: whenever).

    Raises ValueError for a secret that could be guessed or that Telegram would not take.
    """
    if not SECRET.fullmatch(secret):
        raise ValueError("TELEGRAM_SECRET needs 32 to 256 letters, digits, _ or -")
    expected = secret.encode("ascii")

    async def hear(headers: Mapping[str, str], body: bytes) -> tuple[int, int]:
        given = headers.get(HEADER, "")
        # As bytes: compare_digest raises for other than ASCII characters, and a stranger may send what he likes.
        if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected):
            intake.counts["strangers"] += 1
            log.warning("a webhook call without the right secret was refused")
            return 401, 0
        try:
            try:
                update = parsed(body)
            except (ValueError, RecursionError):
                await intake.bury_body(body, "it is not JSON")
                return 400, 0
            await intake.receive(update)
        except Overloaded:
            intake.counts["overloaded"] += 1
            return 503, BUSY_WAIT
        except Exception:
            # Nothing is lost: without a 200 Telegram brings it again, and what was committed is not done twice.
            log.exception("an update could not be taken")
            return 503, FAULT_WAIT
        return 200, 0

    return hear


def telegram_routes(hear: Hear, path: str = PATH) -> list[web.RouteDef]:
    """For `app.add_routes`."""

    async def receive(request: web.Request) -> web.Response:
        body = await request.read()  # whether or not the server read it before us
        if len(body) > BODY_LIMIT:
            raise web.HTTPRequestEntityTooLarge(BODY_LIMIT, len(body))
        status, wait = await hear(request.headers, body)
        return web.Response(status=status, headers={"Retry-After": str(wait)} if wait else None)

    return [web.post(path, receive)]
