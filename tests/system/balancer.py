"""A small balancer in front of several replicas: each request to the next one, and past whoever takes no connection."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

import aiohttp
from aiohttp import web

from tests.system.serving import Serving

OWN = {"connection", "keep-alive", "transfer-encoding", "content-length"}
"""Headers of one connection, which the next one does not inherit."""


class Balancer(Serving):
    """A city's one address, whoever serves it. What has begun at a replica that dies is answered 502, never repeated.

    It stands where a test expects one process: people need an address and the settings, which all replicas share.
    """

    def __init__(self, replicas: Sequence[Serving]) -> None:
        first = replicas[0]
        super().__init__(first.database_url, first.folder)
        self.environment = first.environment
        self.replicas = list(replicas)
        self.taken: Counter[int] = Counter()
        """Requests by the place of the replica that answered."""
        self.broken = 0
        """Requests under way when their replica died."""
        self.up.set()
        self._turn = 0
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Balancer:
        # A connection for each request: one that a replica closes at its end would otherwise be tried again.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, force_close=True), cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )  # fmt: skip
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._pass_on)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.address = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_raised: object) -> None:
        assert self._runner is not None
        assert self._session is not None
        await self._runner.cleanup()
        await self._session.close()

    async def _pass_on(self, request: web.Request) -> web.Response:
        body = await request.read()
        for _try in self.replicas:
            self._turn = (self._turn + 1) % len(self.replicas)
            place = self._turn
            if not self.replicas[place].address:
                continue
            try:
                answer = await self._from(self.replicas[place], request, body)
            except aiohttp.ClientConnectorError:
                continue
            except (aiohttp.ClientError, ConnectionError, TimeoutError):
                self.broken += 1
                return web.Response(status=502)
            self.taken[place] += 1
            return answer
        return web.Response(status=503)

    async def _from(self, replica: Serving, request: web.Request, body: bytes) -> web.Response:
        assert self._session is not None
        headers = {name: value for name, value in request.headers.items() if name.lower() not in OWN}
        url = f"{replica.address}{request.path_qs}"
        async with (
            asyncio.timeout(30),
            self._session.request(request.method, url, headers=headers, data=body, allow_redirects=False) as answer,
        ):
            answered = web.Response(status=answer.status, body=await answer.read())
            for name, value in answer.headers.items():
                if name.lower() not in OWN:
                    answered.headers[name] = value
            return answered
