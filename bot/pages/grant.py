"""Inside WeChat: allow one more notice of a kind, by the platform's own button; and codes that open an activity."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from io import BytesIO

import segno
from aiohttp import web

from bot.pages.site import HEADERS, Site
from bot.talk.wording import Text, _


@dataclass(frozen=True, slots=True)
class Asking:
    """What the page needs for the platform's button."""

    templates: tuple[str, ...]
    app: str
    timestamp: int
    nonce: str
    signature: str


Ask = Callable[[str, str], Awaitable[Asking | None]]
"""Kind of notice and the page's own path with its query in; None: there is no such notice, or no platform now."""

Code = Callable[[int], Awaitable[str | None]]
"""An activity in; what its code holds out, None where there is none."""

WORDS: dict[str, Text] = {
    "title": _("May I remind you on WeChat?"),
    "advice": _("WeChat asks you once for each message. Tap the button and allow as many as you like."),
    "button": _("Allow one reminder"),
    "done": _("Thank you. You can close this page, or allow one more."),
    "failed": _("That did not work. Please open this page from the chat, inside WeChat."),
}

PLATFORM = "https://res.wx.qq.com"
POLICY = "; ".join(
    [
        "default-src 'none'", f"script-src 'self' {PLATFORM}", "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:", f"connect-src 'self' {PLATFORM}", "frame-src https://*.weixin.qq.com",
        "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
    ]
)  # fmt: skip
"""The platform's script runs here and on no other page; its button brings its own style."""

PATH_LENGTH = 500
SCALE = 8
"""Pixels of a module: a code of 33 modules is 330 pixels wide."""


def routes(site: Site, ask: Ask, code: Code) -> list[web.RouteDef]:
    """The page of a kind of notice, and an activity's code as a picture."""

    async def show(request: web.Request) -> web.Response:
        if len(request.raw_path) > PATH_LENGTH:
            raise web.HTTPNotFound
        asking = await ask(request.match_info["kind"], request.raw_path)
        if asking is None:
            raise web.HTTPNotFound
        page = site.page("grant.html", site.wording(request), words=WORDS, asking=asking, platform=PLATFORM)
        page.headers["Content-Security-Policy"] = POLICY
        page.headers["Cross-Origin-Opener-Policy"] = HEADERS["Cross-Origin-Opener-Policy"]
        return page

    async def draw(request: web.Request) -> web.Response:
        number = request.match_info["activity"]
        held = await code(int(number)) if number.isascii() and number.isdigit() and len(number) < 10 else None
        if held is None:
            raise web.HTTPNotFound
        drawn = BytesIO()
        segno.make(held, error="m", micro=False).save(drawn, kind="png", scale=SCALE, border=4)
        headers = {"Cache-Control": "public, max-age=3600", "Cross-Origin-Resource-Policy": "cross-origin"}
        return web.Response(body=drawn.getvalue(), content_type="image/png", headers=headers)

    return [web.get("/wechat/grant/{kind}", show), web.get("/wechat/code/{activity}.png", draw)]
