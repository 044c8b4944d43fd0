"""`POST /telegram`: whoever knows the secret is Telegram, and hears 200 only when its update is safe with us."""

from __future__ import annotations

import hmac
import re

import structlog
from aiohttp import web

from bot.channels.telegram.calls import parsed
from bot.channels.telegram.intake import Intake
from bot.talk.door import Overloaded

HEADER = "X-Telegram-Bot-Api-Secret-Token"
SECRET = re.compile(r"[A-Za-z0-9_-]{32,256}")
"""What setWebhook takes, and from 32 signs on nobody guesses it."""
BODY_LIMIT = 64 * 1024
"""Bytes of one update: two texts of 4,096 units (the message and what it quotes), all escaped, are below 50 KiB."""
BUSY_WAIT = 2
"""Seconds after which Telegram comes again when too much is waiting; it honours `Retry-After`."""
FAULT_WAIT = 5

log = structlog.get_logger("menkou.telegram")


def telegram_routes(intake: Intake, secret: str, path: str = "/telegram") -> list[web.RouteDef]:
    """For `app.add_routes`. Raises ValueError for a secret that could be guessed or that Telegram would not take."""
    if not SECRET.fullmatch(secret):
        raise ValueError("TELEGRAM_SECRET needs 32 to 256 letters, digits, _ or -")
    expected = secret.encode("ascii")

    async def receive(request: web.Request) -> web.Response:
        given = request.headers.get(HEADER, "")
        # As bytes: compare_digest raises for other than ASCII characters, and a stranger may send what he likes.
        if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected):
            intake.counts["strangers"] += 1
            log.warning("a webhook call without the right secret was refused")
            return web.Response(status=401)
        body = await _body(request)
        return await _taken(intake, body)

    return [web.post(path, receive)]


async def _body(request: web.Request) -> bytes:
    """The body, whether or not the server read it before us. Raises HTTPRequestEntityTooLarge."""
    body = await request.read()
    if len(body) > BODY_LIMIT:
        raise web.HTTPRequestEntityTooLarge(BODY_LIMIT, len(body))
    return body


async def _taken(intake: Intake, body: bytes) -> web.Response:
    try:
        try:
            update = parsed(body)
        except (ValueError, RecursionError):
            await intake.bury_body(body, "it is not JSON")
            return web.Response(status=400)
        await intake.receive(update)
    except Overloaded:
        intake.counts["overloaded"] += 1
        return web.Response(status=503, headers={"Retry-After": str(BUSY_WAIT)})
    except Exception:
        # Nothing is lost: without a 200 Telegram brings it again, and what was committed is not done twice.
        log.exception("an update could not be taken")
        return web.Response(status=503, headers={"Retry-After": str(FAULT_WAIT)})
    return web.Response()
