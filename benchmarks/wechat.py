"""WeChat's encrypted turns at a steady rate, against `menkou serve` on SQLite with synchronous FULL."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import city, load
from benchmarks.processes import menkou
from tests.standins.wechat_api import WeChatApiStandIn
from tests.standins.wechat_push import Platform, Seal, xml_of

APP_ID, TOKEN, AES_KEY = "wx0123456789abcdef", "menkoutoken", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
ACCOUNT = "gh_0123456789ab"
RATE = 100.0
"""Messages a second."""


@dataclass(frozen=True)
class Paced:
    """Milliseconds from the moment at which a message was due to the end of its answer."""

    answers: int
    rate: float
    p50: float
    p95: float
    p99: float
    most: float
    texts: int
    """Answers that opened as a sealed text; the others would be silence."""


def measure(seconds: float) -> Paced:
    """Open loop for so long, after a short warming up."""
    with tempfile.TemporaryDirectory(prefix="menkou-bench-") as folder:
        url = f"sqlite+aiosqlite:///{Path(folder) / 'city.db'}"
        activities = asyncio.run(city.found(url, "wechat"))
        settings = {
            "WECHAT_APP_ID": APP_ID,
            "WECHAT_APP_SECRET": "a secret that only benchmarks use",
            "WECHAT_TOKEN": TOKEN,
            "WECHAT_AES_KEY": AES_KEY,
            "WECHAT_API_BASE": "http://127.0.0.1:9",  # nobody is there: passive replies need no call
            "PUBLIC_URL": "https://city.example",
        }
        with menkou(city.environment(url, **settings), Path(folder) / "log") as served:
            return asyncio.run(_measure(served.port, activities, seconds))


async def _measure(port: int, activities: list[int], seconds: float) -> Paced:
    api = WeChatApiStandIn(clock=time.time)
    platform = Platform("", Seal(TOKEN, AES_KEY, APP_ID), api, clock=time.time, account=ACCOUNT)
    pushes = _pushes(platform, activities)
    await load.steady(port, itertools.islice(pushes, int(RATE)), RATE)
    answers: list[bytes] = []
    measured = await load.steady(port, itertools.islice(pushes, int(RATE * seconds)), RATE, answers)
    texts = sum(platform.seal.unlock(_sealed(one)).startswith(b"<xml>") for one in answers if one.startswith(b"<xml>"))
    p50, p95, p99, most = (measured.percentile(share) * 1e3 for share in (0.5, 0.95, 0.99, 1.0))
    return Paced(len(measured.latencies), measured.rate, p50, p95, p99, most, texts)


def _sealed(answer: bytes) -> str:
    return answer.decode().partition("<Encrypt><![CDATA[")[2].partition("]]>")[0]


def _pushes(platform: Platform, activities: list[int]) -> Iterator[bytes]:
    """Stories of many people, interleaved so that a person's next message comes when the last was answered."""
    stories = city.told()
    while True:
        some = list(itertools.islice(stories, 250))
        for act in range(4):
            for person, (round_, _person) in some:
                words = city.said(activities[round_ % len(activities)])[act].removeprefix("/start ")
                yield _push(platform, person, words)


def _push(platform: Platform, person: int, words: str) -> bytes:
    openid = f"{city.OPENID}{city.FIRST_CHAT + person}"
    fields = {
        "ToUserName": ACCOUNT,
        "FromUserName": openid,
        "CreateTime": str(int(time.time())),
        "MsgType": "text",
        "Content": words,
        "MsgId": platform.message_id(),
    }
    query, body = platform.request(xml_of(fields))
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    return load.post(f"/wechat?{asked}", body.encode(), Content_Type="text/xml")
