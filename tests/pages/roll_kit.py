"""A city in memory behind the leader's page: as strict with a tick's name as the one in the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.domain.roll import AlreadySo, Mark, Marked, NotMarked, Outcome, Tick
from bot.pages import roll
from bot.pages.roll import Line, RollFacts
from bot.pages.site import Site
from bot.talk.wording import Named, Wording
from tests.webchat import BEIJING

NOON = datetime(2026, 11, 28, 4, 0, tzinfo=UTC)

PEOPLE = (
    Line(11, 1, "李秀英", "expected", None, False),
    Line(12, 2, "Ann <b>", "here", NOON, False),
    Line(15, 5, "欧阳思远慧敏", "expected", None, False),
    Line(16, 6, "王芳", "expected", None, True),
)


@dataclass
class RollCity:
    """Keeps every tick that arrived, and the effects, each once."""

    language: str = "zh_CN"
    lines: dict[int, Line] = field(default_factory=lambda: {one.enrolment: one for one in PEOPLE})
    arrived: list[Tick] = field(default_factory=list)
    effects: list[Tick] = field(default_factory=list)
    swallowed: int = 0
    """Answers that get lost on their way back."""
    unreachable: bool = False
    """Every connection breaks before a word is heard: a hole for the page and for its worker alike. A browser told to
    be offline holds the page back, yet not always a worker that has just been woken."""
    over: bool = False
    refuses: str = ""

    def facts(self) -> RollFacts:
        wording = Wording(self.language, BEIJING)
        title = Named("颐和园清洁日", "Cleaning the park")
        return RollFacts(title, NOON, NOON.replace(hour=6), list(self.lines.values()), datetime.now(UTC), wording)

    async def look(self, activity: int, number: str, key: str) -> RollFacts | None:
        return self.facts() if not self.over and (activity, number, key) == (7, "V1", "right") else None

    async def take(
        self, activity: int, number: str, key: str, ticks: Callable[[datetime], Sequence[Tick]]
    ) -> tuple[Mapping[str, Outcome], RollFacts] | None:
        if await self.look(activity, number, key) is None:
            return None
        done: dict[str, Outcome] = {}
        for one in ticks(datetime.now(UTC)):
            self.arrived.append(one)
            done[one.nonce] = self._take(one)
        if self.swallowed:
            self.swallowed -= 1
            raise web.HTTPServiceUnavailable
        return done, self.facts()

    def _take(self, one: Tick) -> Outcome:
        if self.refuses:
            return NotMarked(self.refuses)
        if one.nonce in {kept.nonce for kept in self.effects}:
            return AlreadySo(one.mark, one.at)
        self.effects.append(one)
        line = self.lines[one.enrolment]
        back = "here" if line.stand == "left" else "expected"
        stand = {Mark.HERE: "here", Mark.LEFT: "left", Mark.BACK: back}[one.mark]
        self.lines[one.enrolment] = replace(line, stand=stand, at=one.at)
        return Marked(one.mark, one.at)

    def app(self) -> web.Application:
        @web.middleware
        async def hole(request: web.Request, handler: Handler) -> web.StreamResponse:
            if self.unreachable and request.transport is not None:
                request.transport.abort()
            return await handler(request) if not self.unreachable else web.Response()

        app = web.Application(middlewares=[hole])
        site = Site(BEIJING, "zh_CN")
        site.attach(app)
        app.add_routes(roll.routes(site, self.look, self.take))
        return app
