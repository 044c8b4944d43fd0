"""The public check: the same shape for every answer, no name in whole unless it was typed, and a limit on looking."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import ClientSession, web

from bot import server
from bot.domain.proofs import Checked, Issuer, Period, grouped, new_number, same_name, with_check
from bot.pages import proof, visitors
from bot.pages.site import Site
from bot.pages.visitors import Bucket, visitor
from tests.webchat import BEIJING

GOOD, GONE = with_check(1 << 100), with_check(1 << 101)
NAME = "王小明"
VALID = Checked(
    "valid", GOOD, Issuer(1, "海淀<绿芽>服务队", "Green <Shoots>", 110108, True),
    Period(date(2026, 1, 1), date(2026, 11, 24)), {"A": 210, "B": 150}, datetime(2026, 11, 24, 2, tzinfo=UTC), "王**",
)  # fmt: skip
WITHDRAWN = replace(
    VALID, state="withdrawn", number=GONE, withdrawn=datetime(2026, 11, 25, 2, tzinfo=UTC), reason="corrected"
)


@dataclass
class Register:
    """What the desk tells, without a desk."""

    asked: list[tuple[str, str]] = field(default_factory=list)
    now: float = 0.0

    async def check(self, number: str, name: str) -> Checked:
        self.asked.append((number, name))
        found = {GOOD: VALID, GONE: WITHDRAWN}.get(number)
        if found is None:
            return Checked("unknown", number)
        match = same_name(name, NAME) if name else None
        return replace(found, match=match, name=NAME if match else found.name)

    async def paper(self, number: str, key: str, kind: str) -> bytes | None:
        return kind.encode() if (number, key) == (GOOD, "right") else None


@pytest.fixture
def register() -> Register:
    return Register()


@pytest.fixture
async def url(register: Register) -> AsyncIterator[str]:
    app = server.create()
    site = Site(BEIJING)
    site.attach(app)
    bucket = Bucket(steady=lambda: register.now)
    app.add_routes(proof.routes(site, register.check, register.paper, bucket))
    runner = web.AppRunner(app)
    await runner.setup()
    listening = web.TCPSite(runner, "127.0.0.1", 0)
    await listening.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession(headers={"Accept": "text/html", "Accept-Language": "en"}) as session:
        yield session


async def fetch(session: ClientSession, url: str) -> tuple[int, str]:
    async with session.get(url) as answer:
        return answer.status, await answer.text()


def bones(page: str) -> list[str]:
    """The page without what it says: its elements, their values left out."""
    return re.findall(r"</?(?:dl|dt|dd|h1|form|input|p|main|button)\b", page)


async def test_a_valid_certificate_shows_issuer_period_and_hours_by_grade(session: ClientSession, url: str) -> None:
    status, page = await fetch(session, f"{url}/proof/{GOOD}")
    assert status == 200
    assert '<h1 class="valid">Valid</h1>' in page
    assert "Green &lt;Shoots&gt;" in page
    assert "1 Jan 2026 to 24 Nov 2026" in page
    assert "6.0 hours" in page
    assert "A: proven from both sides · 3.5" in page
    assert grouped(GOOD) in page


async def test_the_name_is_masked_unless_the_right_one_is_typed(session: ClientSession, url: str) -> None:
    _, page = await fetch(session, f"{url}/proof/{GOOD}")
    assert "王**" in page
    assert NAME not in page
    async with session.post(f"{url}/proof/{GOOD}", data={"name": "王晓明"}) as answer:
        page = await answer.text()
    assert "is not the one" in page
    assert NAME not in page
    async with session.post(f"{url}/proof/{GOOD}", data={"name": NAME}) as answer:
        page = await answer.text()
    assert "is the one on the certificate" in page
    assert NAME in page


async def test_a_name_cannot_be_asked_for_by_address(session: ClientSession, url: str, register: Register) -> None:
    """It would stand in logs and histories."""
    await fetch(session, f"{url}/proof/{GOOD}?name={NAME}")
    assert register.asked == [(GOOD, "")]


async def test_valid_withdrawn_and_unknown_have_the_same_shape(session: ClientSession, url: str) -> None:
    answers = [await fetch(session, f"{url}/proof/{number}") for number in (GOOD, GONE, new_number(), "nonsense")]
    assert {status for status, _page in answers} == {200}
    shapes = {tuple(bones(page)) for _status, page in answers}
    assert len(shapes) == 1
    assert len({page for _status, page in answers}) == 4  # the control: they do say different things


async def test_a_withdrawn_one_says_when_and_why(session: ClientSession, url: str) -> None:
    _, page = await fetch(session, f"{url}/proof/{GONE}")
    assert '<h1 class="withdrawn">Withdrawn</h1>' in page
    assert "25 Nov 2026 · a record was corrected" in page


async def test_it_speaks_the_language_of_the_browser(url: str) -> None:
    async with ClientSession(headers={"Accept-Language": "zh-CN,zh;q=0.9"}) as session:
        _, page = await fetch(session, f"{url}/proof/{GOOD}")
    assert "有效" in page
    assert "2026年1月1日至2026年11月24日" in page


async def test_guesses_are_never_valid_and_soon_end(session: ClientSession, url: str, register: Register) -> None:
    statuses = []
    for _guess in range(70):
        status, page = await fetch(session, f"{url}/proof/{new_number()}")
        statuses.append(status)
        assert 'class="valid"' not in page
    assert statuses == [200] * 60 + [429] * 10
    register.now = 3.0
    assert [(await fetch(session, f"{url}/proof/{GOOD}"))[0] for _look in range(4)] == [200, 200, 200, 429]


async def test_papers_are_for_the_signed_address_only_and_everything_else_is_the_same_nothing(
    session: ClientSession, url: str
) -> None:
    async with session.get(f"{url}/proof/{GOOD}.pdf?k=right") as answer:
        assert (answer.status, answer.content_type, await answer.read()) == (200, "application/pdf", b"pdf")
    async with session.get(f"{url}/proof/{GOOD}.png?k=right") as answer:
        assert (answer.status, answer.content_type, await answer.read()) == (200, "image/png", b"png")
    wrong = [f"{GOOD}.pdf?k=wrong", f"{GOOD}.pdf", f"{GONE}.pdf?k=right", f"{new_number()}.png?k=right"]
    answers = {await fetch(session, f"{url}/proof/{path}") for path in wrong}
    assert len(answers) == 1
    assert next(iter(answers))[0] == 404


async def test_only_a_look_is_counted_as_a_look(session: ClientSession, url: str, register: Register) -> None:
    async with session.head(f"{url}/proof/{GOOD}") as answer:
        assert answer.status == 405
    assert register.asked == []


def request(remote: str, *forwarded: str) -> Any:
    def getall(_name: str, default: list[str]) -> list[str]:
        return list(forwarded) or default

    return SimpleNamespace(remote=remote, headers=SimpleNamespace(getall=getall))


@pytest.mark.parametrize(
    ("remote", "forwarded", "seen"),
    [
        ("9.9.9.9", (), "9.9.9.9"),
        ("9.9.9.9", ("8.8.8.8",), "9.9.9.9"),
        ("127.0.0.1", ("8.8.8.8",), "8.8.8.8"),
        ("127.0.0.1", ("6.6.6.6, 8.8.8.8",), "8.8.8.8"),
        ("127.0.0.1", ("6.6.6.6", "8.8.8.8"), "8.8.8.8"),
        # The balancer of a container network or of a city's own: all its people shared one allowance.
        ("172.18.0.5", ("8.8.8.8",), "8.8.8.8"),
        ("10.0.0.2", ("6.6.6.6, 8.8.8.8",), "8.8.8.8"),
        ("100.64.0.9", ("8.8.8.8",), "8.8.8.8"),
        ("fd00::5", ("8.8.8.8",), "8.8.8.8"),
        ("10.0.0.2", (), "10.0.0.2"),
        ("127.0.0.1", ("nonsense",), "127.0.0.1"),
        ("2a01:db8::1", (), "2a01:db8::/64"),
        ("2a01:db8::ffff", ("8.8.8.8",), "2a01:db8::/64"),
    ],
)
def test_a_visitor_cannot_choose_the_address_by_which_looks_are_counted(
    remote: str, forwarded: tuple[str, ...], seen: str
) -> None:
    assert visitor(request(remote, *forwarded)) == seen


def test_addresses_that_looked_long_ago_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "REMEMBERED", 3)
    bucket = Bucket(burst=1, rate=0, steady=lambda: 0.0)
    assert bucket.take("a")
    assert not bucket.take("a")
    for other in "bcd":
        assert bucket.take(other)
    assert bucket.take("a")
