"""Switching messages off: the way out stands under each that we begin, and each sort has its own switch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, get_args

import pytest

from bot.domain.notices import ABOUT_ITS_READER, STREAMS, Event, Kind, Notice, Stream
from bot.talk.router import Router, plain
from bot.talk.wording import LANGUAGES, Wording
from handlers.notices import word
from handlers.scripts import SCRIPTS
from tests.conversations.kit import BEIJING, MONDAY, Chat, Town

SATURDAY = MONDAY + timedelta(days=5)
EVENT = Event(1, 1, "清湖", "Clean the lake", "春芽", "Spring", "Park", SATURDAY, SATURDAY + timedelta(hours=2))

SAID: dict[str, dict[str, Any]] = {
    "offer": {"until": SATURDAY.isoformat()},
    "admission": {"reason": "other"},
    "campaign": {"zh_CN": "来吧", "en": "Come"},
    "withdrawn": {"issuer": "春芽", "english": "Spring", "number": "110000000000", "reason": "wish"},
    "star": {"level": "1", "until": SATURDAY.isoformat(), "reason": "", "way": "granted"},
    "step": {"hours": "10"},
    "permission": {"risk": "low", "number": "1"},
    "permitted": {"answer": "refused", "outcome": "", "number": "1"},
    "claim": {"state": "approved", "number": "1"},
    "added": {"number": "1"},
    "matter": {"matter": "1", "kind": "dispute", "what": "asked", "title": "清湖", "english": "Lake"},
    "corrected": {"record": "1", "before": "60", "after": "30", "title": "清湖", "english": "Lake"},
    "deadline": {"minutes": "30"},
    "expiring": {"code": "first_aid", "expires": "2027-01-01"},
    "skill": {"code": "first_aid", "state": "accepted"},
    "proving": {"code": "first_aid"},
    "covered": {"outcome": "filled"},
    "frozen": {"skill": "first_aid"},
    "leaderless": {"skill": "first_aid"},
    "lead": {"skill": "first_aid"},
    "mailing": {"campaign": "1", "news": "done"},
    "approval": {"campaign": "1"},
}
"""What a notice of a kind was planned with, where that is more than nothing."""

KINDS = sorted(set(get_args(Kind)) - {"reply"})


def notice(kind: str) -> Notice:
    words = {"day": SATURDAY.isoformat(), **SAID.get(kind, {})}
    return Notice(kind, None if kind in {*ABOUT_ITS_READER, "digest"} else EVENT, 1, "joined", -120, words)  # type: ignore[arg-type]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_message_that_we_begin_names_the_way_out_in_its_readers_language(kind: str, language: str) -> None:
    said = Wording(language, BEIJING)(word(notice(kind)).text)
    last = said.splitlines()[-1]
    way = last.split("“")[1].split("”")[0]
    script = Router(SCRIPTS).words[plain(way)]
    assert script.name in ("messages", "noreminders", "nocalls", "nocampaigns", "unsubscribe", "nodigest")
    assert way.isascii() == (language == "en")
    assert (script.name == "messages") == (kind not in {*STREAMS, "digest"})
    assert len(said.splitlines()) > 1


@pytest.mark.parametrize("kind", KINDS)
def test_what_may_come_twice_says_so_first_and_is_the_same_otherwise(kind: str) -> None:
    once, twice = (word(replace(notice(kind), repeated=repeated)) for repeated in (False, True))
    first, *rest = Wording("en", BEIJING)(twice.text).splitlines()
    assert first == "(You may have read this already.)"
    assert rest == Wording("en", BEIJING)(once.text).splitlines()
    assert twice.options == once.options


Open = Callable[..., Chat]


def heads(chat: Chat) -> list[str]:
    return [page.text.splitlines()[0] for page in chat.pushed()]


async def test_without_reminders_changes_are_still_told_and_back_on_they_come_again(town: Town, chat: Open) -> None:
    olga, ann, bob = chat("Olga"), chat("Ann"), chat("Bob")
    lake = await town.publishes(olga, "Clean the lake", MONDAY + timedelta(hours=26))
    await ann.joins(lake)
    await bob.joins(lake)
    assert "Switched off: Reminders" in await ann.says("no reminders")
    await town.waits(hours=2, seconds=1)
    assert heads(ann) == []
    assert heads(bob) == ["Tomorrow: Clean the lake"]  # control
    await olga.opens("relocate", lake)
    await olga.says("海淀区 颐和园北门")
    await olga.says("yes")
    await town.waits(seconds=1)
    assert heads(ann) == ["Time or place have changed: Clean the lake"]
    await town.waits(seconds=1)  # what is typed now answers what is said now
    assert "Reminders of what I signed up for: off" in await ann.says("messages")
    assert "Switched on" in await ann.picks("Switch on: Reminders")
    await town.waits(hours=22)
    assert heads(ann)[1:] == ["Soon: Clean the lake"]


@pytest.mark.parametrize("door", ["web"])
async def test_refusing_calls_leaves_reminders_and_the_other_way_round(town: Town, chat: Open, door: str) -> None:
    ann = chat("Ann", "zh_CN")
    await ann.says("关闭召集")
    assert "召集：关" in await ann.says("消息设置")
    assert sum(label.startswith("打开") for label in ann.labels) == 1
    await ann.says("关闭提醒")
    await ann.says("消息设置")
    assert sum(label.startswith("打开") for label in ann.labels) == 2
    await ann.says("撤销")
    await ann.says("消息设置")
    assert sum(label.startswith("打开") for label in ann.labels) == 1


def test_each_sort_can_be_refused_alone() -> None:
    assert set(STREAMS.values()) == set(Stream)
    assert Stream.of("nothing") is None
