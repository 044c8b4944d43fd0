"""For machines that watch over Menkou: is it alive, is it ready, what does it count."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

Check = Callable[[], Awaitable[str]]
"""Asks one thing: empty when it is well, else a few words that name no person. Whatever it raises means: not well."""

DEADLINE = 2.0
"""Seconds that all checks have together; who asks for readiness decides within a few."""

KEPT = 1.0
"""Seconds that an answer is given again: asking often shall cost nothing."""

FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP")


class Health:
    """The three addresses."""

    def __init__(
        self,
        checks: Mapping[str, Check],
        metrics: Callable[[], Awaitable[bytes]],
        deadline: float = DEADLINE,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._checks = checks
        self._metrics = metrics
        self._deadline = deadline
        self._steady = steady
        self._asking = asyncio.Lock()
        self._answer: dict[str, str] = {}
        self._until = 0.0
        self.stopping = False
        """Set at an orderly stop: no longer ready, so that nothing new is sent here while what came is finished."""

    def attach(self, app: web.Application) -> None:
        """Give an application the three addresses."""
        app.router.add_get("/healthz", self.alive)
        app.router.add_get("/readyz", self.ready)
        app.router.add_get("/metrics", self.metrics)

    async def alive(self, request: web.Request) -> web.Response:
        """The process answers; it asks nothing else, or a slow database would have it killed."""
        return web.json_response({"alive": True})

    async def ready(self, request: web.Request) -> web.Response:
        """200 when every check is well, else 503; each check by its name, `ok` or what is wrong."""
        async with self._asking:
            if self._steady() >= self._until:
                self._answer = await self._ask()
                self._until = self._steady() + KEPT
        answer = self._answer | ({"stopping": "yes"} if self.stopping else {})
        ready = all(value == "ok" for value in answer.values())
        return web.json_response({"ready": ready, "checks": answer}, status=200 if ready else 503)

    async def _ask(self) -> dict[str, str]:
        async def one(check: Check) -> str:
            try:
                async with asyncio.timeout(self._deadline):
                    return await check() or "ok"
            except TimeoutError:
                return "no answer in time"
            except Exception as fault:  # noqa: BLE001 - whatever is wrong, it is not ready; values stay out of the answer
                return type(fault).__name__

        found = await asyncio.gather(*(one(check) for check in self._checks.values()))
        return dict(zip(self._checks, found, strict=True))

    async def metrics(self, request: web.Request) -> web.Response:
        """Prometheus' text format; not for who comes through a proxy from outside."""
        if any(name in request.headers for name in FORWARDED):
            raise web.HTTPNotFound
        body = await self._metrics()
        return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})
