"""What all pages share: templates, static files named by their content, security headers, error pages."""

from __future__ import annotations

import hashlib
import logging
import secrets
from datetime import tzinfo
from importlib.resources import files
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from jinja2 import DictLoader, Environment, StrictUndefined

from bot.talk.wording import LANGUAGES, Named, Text, Wording, Words, _, catalogue

log = logging.getLogger(__name__)

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; "
        "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(self), camera=(), microphone=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""On every response. Not `no-referrer`: with that a form's Origin is "null" and could not be checked."""

TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml", "png": "image/png", "woff2": "font/woff2"}


def _read(folder: str) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in files("bot.pages").joinpath(folder).iterdir() if one.is_file()}


# Read with the program, so that nothing is read from disk while a request waits.
STATIC = {name: (hashlib.sha256(content).hexdigest()[:16], content) for name, content in _read("static").items()}
TEMPLATES = {name: content.decode() for name, content in _read("templates").items()}
for _language in LANGUAGES:
    catalogue(_language)

NAME = Named("门口", "Menkou")

_ERRORS: dict[int, tuple[Text, Text]] = {
    400: (_("That did not work."), _("What arrived here could not be read. Please go back and try again.")),
    401: (_("Please open the chat again."), _("Your browser has not been here before, or has forgotten it.")),
    403: (_("This door is closed."), _("This page can only be opened on the machine it runs on.")),
    404: (_("There is nothing here."), _("The address may be old or mistyped. Ask for a new link in the chat.")),
    405: (_("That did not work."), _("This page cannot be used in this way.")),
    413: (_("That is too much at once."), _("Please send a shorter message.")),
    429: (_("One moment, please."), _("Too much at once. Please try again in a minute.")),
    500: (_("Something went wrong on our side."), _("Nothing you did is lost. Please try again in a moment.")),
    503: (_("One moment, please."), _("Menkou is very busy. Please try again in a moment.")),
}


class Site:
    """The pages' common ground, made once at the start."""

    def __init__(self, zone: tzinfo, language: str = LANGUAGES[0], city: Words = NAME) -> None:
        self.zone = zone
        self.language = language
        self.city = city
        self._templates = Environment(
            loader=DictLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals["static"] = self.static
        for name in TEMPLATES:
            self._templates.get_template(name)

    def static(self, name: str) -> str:
        """The address of a static file; it changes with the content, so that it may be kept for ever."""
        return f"/static/{STATIC[name][0]}/{name}"

    def page(self, template: str, wording: Wording, *, status: int = 200, **values: Any) -> web.Response:
        """A page in the reader's language. Templates say `{{ _(words) }}`."""
        text = self._templates.get_template(template).render(
            _=wording, language=wording.language.replace("_", "-"), elder=wording.elder, city=self.city, **values
        )
        return web.Response(text=text, status=status, content_type="text/html", charset="utf-8")

    def wording(self, request: web.Request) -> Wording:
        """How to word a page for somebody unknown: as their browser asks, else in the city's own language."""
        for part in request.headers.get("Accept-Language", "").split(","):
            wished = part.split(";")[0].strip().lower()[:2]
            for language in LANGUAGES:
                if wished and language.startswith(wished):
                    return Wording(language, self.zone)
        return Wording(self.language, self.zone)

    def error(self, status: int, wording: Wording, reference: str = "") -> web.Response:
        """The page for a status: what happened and the way out, never why in our terms."""
        title, advice = _ERRORS.get(status) or _ERRORS[500 if status >= 500 else 400]
        return self.page("error.html", wording, status=status, title=title, advice=advice, reference=reference)

    def attach(self, app: web.Application) -> None:
        """Give an application the static files, the headers on every response, and error pages for people."""
        app.router.add_get("/static/{digest}/{name}", self._file)
        app.on_response_prepare.append(_harden)
        app.middlewares.append(self._guard())

    async def _file(self, request: web.Request) -> web.Response:
        digest, content = STATIC.get(request.match_info["name"], ("", b""))
        if not content or request.match_info["digest"] != digest:
            raise web.HTTPNotFound
        kind = TYPES.get(request.match_info["name"].rpartition(".")[2], "application/octet-stream")
        headers = {"Content-Type": f"{kind}; charset=utf-8", "Cache-Control": "public, max-age=31536000, immutable"}
        return web.Response(body=content, headers=headers)

    def _guard(self) -> Middleware:
        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            reference = ""
            try:
                if _is_preview(request):
                    raise web.HTTPForbidden
                return await handler(request)
            except web.HTTPException as outcome:
                if outcome.status < 400:
                    raise
                status, headers = outcome.status, outcome.headers
            except ConnectionError:
                raise  # the visitor has gone; there is nobody to show a page to
            except Exception:  # the one place where a fault of ours becomes a page; it is logged whole
                reference = secrets.token_hex(4)
                log.exception("a page broke", extra={"reference": reference, "route": _route(request)})
                status, headers = 500, None
            response: web.Response
            if "text/html" in request.headers.get("Accept", ""):
                response = self.error(status, self.wording(request), reference)
            else:
                response = web.json_response({"error": status, "reference": reference}, status=status)
            for name in ("Allow", "Retry-After"):
                if headers is not None and name in headers:
                    response.headers[name] = headers[name]
            return response

        return guard


def _is_preview(request: web.Request) -> bool:
    """Telegram looks at the addresses in messages from its own servers, which stand abroad: it gets the pictures that
    are drawn for it, with masked names, and no page or paper that somebody's own address opens."""
    robot = request.headers.get("User-Agent", "").startswith("TelegramBot")
    return robot and not request.path.endswith((".png", "/picture"))


async def _harden(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.popall("Server", None)


def _route(request: web.Request) -> str:
    """The route's pattern, never the address itself: addresses may carry signatures."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "(none)"
