"""Turns without any door: `python -m benchmarks.direct SECONDS ACTIVITY...` prints what they cost as JSON.

The database comes by MENKOU_DATABASE_URL; `--profile` prints where the time goes instead.
"""

from __future__ import annotations

import asyncio
import cProfile
import itertools
import json
import os
import pstats
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from benchmarks import city
from bot.app import App
from bot.memory import settled
from bot.settings import Settings
from bot.talk.incoming import Address, Incoming, Intent

AT_ONCE = 64
ACTS = ("find", "join", "confirm", "hours")


def incomings(activities: list[int]) -> Iterator[list[Incoming]]:
    """The same stories as over the webhook, as a door hands them over."""
    serial = itertools.count()
    for person, (round_, _person) in city.told():
        address, now = Address("telegram", str(city.FIRST_CHAT + person)), datetime.now(UTC)
        join = Intent("join", (str(activities[round_ % len(activities)]),))
        said = ({"text": city.SENTENCE}, {"intent": join}, {"text": "是"}, {"text": "时长"})
        yield [
            Incoming(address, f"{os.getpid()}-{next(serial)}", now, language="zh_CN", raw=city.SENTENCE, **what)
            for what in said
        ]


async def measure(seconds: float, activities: list[int]) -> dict[str, float]:
    """Closed loop of so many people; answers a second and processor milliseconds, all in all and by act."""
    app = App(Settings())
    stories = incomings(activities)
    for story in itertools.islice(stories, 8):  # warming up
        for incoming in story:
            await app.turns.take(incoming)
    # As it serves.
    with settled():
        return await _measured(app, stories, seconds)


async def _measured(app: App, stories: Iterator[list[Incoming]], seconds: float) -> dict[str, float]:
    taken: dict[str, list[float]] = {act: [] for act in ACTS}
    began, cpu = time.perf_counter(), time.process_time()
    until = began + seconds

    async def talk() -> None:
        for story in stories:
            for act, incoming in zip(ACTS, story, strict=True):
                if time.perf_counter() >= until:
                    return
                sent = time.perf_counter()
                reply = await app.turns.take(incoming)
                if not reply.pages:
                    raise RuntimeError(f"“{act}” was not answered")
                taken[act].append(time.perf_counter() - sent)

    await asyncio.gather(*(talk() for _number in range(AT_ONCE)))
    spent, passed = time.process_time() - cpu, time.perf_counter() - began
    turns = sum(map(len, taken.values()))
    figures = {"rate": turns / passed, "cpu": spent / turns * 1e3}
    # One at a time: what one turn of each kind takes when nobody else is there.
    for act in ACTS:
        taken[act].clear()
    for story in itertools.islice(stories, 50):
        for act, incoming in zip(ACTS, story, strict=True):
            sent = time.perf_counter()
            await app.turns.take(incoming)
            taken[act].append(time.perf_counter() - sent)
    figures |= {act: sorted(times)[len(times) // 2] * 1e3 for act, times in taken.items()}
    await app.database.close()
    return figures


def main() -> None:
    """Run as a process of its own."""
    import uvloop

    from bot import logs

    arguments = [one for one in sys.argv[1:] if one != "--profile"]
    settings = Settings()
    logs.configure(settings.log_level, settings.secrets, settings.key)
    work = measure(float(arguments[0]), [int(one) for one in arguments[1:]])
    if "--profile" not in sys.argv:
        print(json.dumps(uvloop.run(work)))
        return
    profile = cProfile.Profile()
    profile.enable()
    asyncio.run(work)
    profile.disable()
    for order in ("tottime", "cumulative"):
        pstats.Stats(profile).sort_stats(order).print_stats(60)


if __name__ == "__main__":
    main()
