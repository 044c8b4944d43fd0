"""Who may come into the web chat and who they are: one cookie, the host, the page's own origin, no other trust."""

from __future__ import annotations

import hashlib
import ipaddress
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

from aiohttp import web

_COOKIE = re.compile(r"[0-9a-f]{32}\Z")


@dataclass(frozen=True, slots=True)
class Entrance:
    """Who may come in and who they are: hosts, origins and the one cookie.

    The cookie holds 128 random bits; the address is made from it by a hash, so that no table and no log holds what
    opens a conversation. A persona of the demonstration city has the cookie `as-NAME`, which means something only while
    `persona` is given.
    """

    public_url: str = ""
    open_to_all: bool = False
    persona: Callable[[str], str | None] | None = field(default=None)

    def admit(self, request: web.Request, persona: str | None = None) -> tuple[str, str]:
        """The visitor's address id and cookie: a persona's if wished, else their own, else fresh ones.

        Raises HTTPForbidden for a host that is not ours, HTTPNotFound for a persona that there is not.
        """
        self.check_host(request)
        cookie = request.cookies.get(self._cookie, "") if persona is None else f"as-{quote(persona, safe='')}"
        if address_id := self._address(cookie):
            return address_id, cookie
        if persona is not None:
            raise web.HTTPNotFound
        cookie = secrets.token_hex(16)
        return self._address(cookie), cookie

    def visitor(self, request: web.Request) -> str:
        """The address id of somebody who has been admitted. Raises HTTPUnauthorized: the page must be opened first."""
        self.check_host(request)
        address_id = self._address(request.cookies.get(self._cookie, ""))
        if not address_id:
            raise web.HTTPUnauthorized
        return address_id

    def remember(self, response: web.StreamResponse, cookie: str) -> None:
        """Set the cookie for a year, out of reach of scripts and of other sites."""
        response.set_cookie(
            self._cookie, cookie, max_age=365 * 86400, path="/", httponly=True, samesite="Strict", secure=self._https
        )

    def check_host(self, request: web.Request) -> None:
        """Only this machine, by a name that no other site can take (DNS rebinding), unless the chat is open to all."""
        if self.open_to_all:
            return
        peer = request.transport.get_extra_info("peername") if request.transport else None
        if not _is_loopback(urlsplit(f"//{request.host}").hostname) or (peer and not _is_loopback(str(peer[0]))):
            raise web.HTTPForbidden

    def check_origin(self, request: web.Request) -> None:
        """A post comes from our own page: its Origin is the host it was sent to, or the public address."""
        self.check_host(request)
        origin = request.headers.get("Origin", "")
        ours = {f"http://{request.host}", f"https://{request.host}", _origin(self.public_url)} - {""}
        if origin not in ours or request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            raise web.HTTPForbidden

    @property
    def _https(self) -> bool:
        return self.public_url.startswith("https://")

    @property
    def _cookie(self) -> str:
        return "__Host-menkou" if self._https else "menkou"

    def _address(self, cookie: str) -> str:
        if _COOKIE.match(cookie):
            return hashlib.sha256(f"menkou web {cookie}".encode()).hexdigest()[:32]
        if self.persona and cookie.startswith("as-"):
            return self.persona(unquote(cookie[3:])) or ""
        return ""


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def _is_loopback(host: str | None) -> bool:
    if not host or host == "localhost":
        return bool(host)
    try:
        address = ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback
