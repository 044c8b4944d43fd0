"""Each message comes one to four times, between everybody else's and after later ones of its own, the last a day late.

It has one effect, and gets the same reply each time. With `MENKOU_SOAK=1` ten times as many people.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from datetime import timedelta
from random import Random

import pytest

from bot.domain.enrolment import Stand
from bot.talk import Incoming
from storage import turns
from tests.conversations.kit import MONDAY, Chat, Town
from tests.promises.answered import Acknowledged, missing, signing_up, standing, told
from tests.promises.crowd import Count, count
from tests.promises.worker import kept_apart, never_seen

pytestmark = pytest.mark.timeout(600)

SEED = 20261125
PEOPLE = 400 if os.environ.get("MENKOU_SOAK") == "1" else 40
SEATS = 15
AT_ONCE = 12
DELIVERIES = (1, 2, 3, 4)
SATURDAY = MONDAY + timedelta(days=5)


def shuffled(activity: int, chance: Random) -> Iterator[Incoming]:
    """All deliveries: whose turn it is by chance, each person's first ones in the order in which they were said."""
    talking = [signing_up(activity, number) for number in range(PEOPLE)]
    repeats: list[Incoming] = []
    while talking or repeats:
        if repeats and chance.random() < 0.5:
            yield repeats.pop(chance.randrange(len(repeats)))
        elif talking:
            person = chance.choice(talking)
            if (message := next(person, None)) is None:
                talking.remove(person)
            else:
                repeats += [message] * (chance.choice(DELIVERIES) - 1)
                yield message


async def deliver(town: Town) -> tuple[list[Acknowledged], list[Acknowledged]]:
    """All of it, a dozen at a time; what each was answered the first time, and every time after."""
    activity = await town.publishes(Chat(town, "web", "Olga"), "Reading to children", SATURDAY, seats=SEATS)
    heard: dict[str, Acknowledged] = {}
    after: list[Acknowledged] = []

    async def take(message: Incoming) -> None:
        reply = await town.turns.take(message)
        ack = Acknowledged(message, [page.to_json() for page in reply.pages], reply.replayed)
        if heard.setdefault(message.key, ack) is not ack:
            after.append(ack)

    deliveries = list(shuffled(activity, Random(SEED)))
    for start in range(0, len(deliveries), AT_ONCE):
        await asyncio.gather(*map(take, deliveries[start : start + AT_ONCE]))
    town.at += timedelta(hours=24)
    await take(deliveries[-1])
    return list(heard.values()), after


async def test_however_often_and_late_it_comes_a_message_has_one_effect_and_the_same_reply(town: Town) -> None:
    first, after = await deliver(town)
    assert len(first) == 5 * PEOPLE < len(after)
    assert all(one.replayed for one in after)
    assert not any(one.replayed for one in first)
    replies = {one.message.key: one.pages for one in first}
    assert [one for one in after if one.pages != replies[one.message.key]] == []
    assert await missing(town, first) == []
    assert await count(town, 1, []) == Count()
    seated, waiting = told(first, "You are in"), told(first, "in the queue")
    assert (len(seated), len(waiting)) == (SEATS, PEOPLE - SEATS)
    assert seated == await standing(town, Stand.JOINED)
    assert waiting == await standing(town, Stand.WAITING)


async def test_control_without_the_kept_reply_a_repeat_answers_a_question_that_was_not_asked(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "begin", never_seen)
    monkeypatch.setattr(turns, "close", kept_apart)
    first, after = await deliver(town)
    replies = {one.message.key: one.pages for one in first}
    assert [one for one in after if one.pages != replies[one.message.key]]
    seated = told(first, "You are in")
    assert seated != await standing(town, Stand.JOINED), "whoever has a seat was told something else"
