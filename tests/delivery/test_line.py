"""A dead line: nobody is called for a while, no attempt is used up, and when it lives again everything leaves."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.delivery.line import FIRST, IN_A_ROW, LONGEST, Line
from bot.delivery.pace import Pace
from bot.domain.reach import ATTEMPTS, FEWEST_PLACES
from bot.talk.door import Delivered, NotSent, Outcome, Refused, Uncertain
from storage.tables.delivery import State
from tests.delivery.kit import Clockwork, SmallCity, reminded

UNREACHED = NotSent("no connection", reached=False)
PEOPLE = range(2, 42)


async def test_an_outage_of_two_hours_costs_no_message_its_attempts(city: SmallCity, clock: Clockwork) -> None:
    """After forty minutes of it each was given up as dead before, though nothing was wrong with any of them."""
    await reminded(city, *PEOPLE)
    sender = city.sender(pace=Pace(rate=1000.0))
    door = city.doors["telegram"]
    door.script["*"] = [UNREACHED] * 100_000
    for _half_minute in range(240):
        await sender.drain()
        clock.pass_by(seconds=30)
    assert await city.states() == {State.PENDING: len(PEOPLE)}
    assert max(row.attempt for row in await city.rows()) < ATTEMPTS
    assert len(door.calls) <= len(PEOPLE) + 240, "one call now and then, not everybody's all the time"
    door.script["*"] = []
    clock.pass_by(seconds=LONGEST)
    await sender.drain()
    clock.pass_by(seconds=60)  # whoever met the first failures waits a little on their own account
    await sender.drain()
    assert await city.states() == {State.SENT: len(PEOPLE)}
    assert all(len(door.got(f"telegram-{number}")) >= 1 for number in PEOPLE)


async def test_without_the_rest_they_are_given_up_as_dead(
    city: SmallCity, clock: Clockwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""
    monkeypatch.setattr(Line, "rest_after", lambda *_outcome, **_resting: 0.0)
    await reminded(city, *PEOPLE)
    sender = city.sender(pace=Pace(rate=1000.0))
    city.doors["telegram"].script["*"] = [UNREACHED] * 100_000
    for _half_minute in range(240):
        await sender.drain()
        clock.pass_by(seconds=30)
    assert await city.states() == {State.DEAD: len(PEOPLE)}


async def test_silence_of_the_platform_leaves_few_in_doubt(city: SmallCity, clock: Clockwork) -> None:
    await city.shift(1, clock.now + timedelta(days=3))
    await city.people(PEOPLE)
    await city.subscribes(PEOPLE)
    await city.announces()
    await city.planner().expand()
    sender = city.sender(pace=Pace(rate=1000.0, latency=0.001))
    city.doors["telegram"].script["*"] = [Uncertain("no answer (TimeoutError)")] * len(PEOPLE)
    await sender.drain()
    doubtful = (await city.states())[State.UNCERTAIN]
    assert IN_A_ROW <= doubtful < IN_A_ROW + FEWEST_PLACES, "five, and who was on the way by then"
    # The rest is over; still nothing comes back: one more is in doubt, and that is all.
    clock.pass_by(seconds=FIRST)
    await sender.drain()
    doubtful += 1
    assert await city.states() == {State.UNCERTAIN: doubtful, State.PENDING: len(PEOPLE) - doubtful}
    city.doors["telegram"].script["*"] = []
    clock.pass_by(seconds=2 * FIRST)
    await sender.drain()
    assert await city.states() == {State.UNCERTAIN: doubtful, State.SENT: len(PEOPLE) - doubtful}


@pytest.mark.parametrize("answer", [Delivered(), Refused("400 too odd"), NotSent("429", after=1.0, halts="account")])
def test_an_answer_of_any_kind_says_that_the_line_lives(answer: Outcome) -> None:
    line = Line()
    for _round in range(3):
        assert {line.rest_after(UNREACHED, resting=False) for _call in range(IN_A_ROW - 1)} == {0.0}
        assert line.rest_after(answer, resting=False) == 0.0


def test_it_rests_longer_each_time_and_those_on_their_way_do_not_count_twice() -> None:
    line = Line()
    rests = [line.rest_after(UNREACHED, resting=False) for _call in range(IN_A_ROW + 6)]
    assert rests == [0.0] * (IN_A_ROW - 1) + [5.0, 10.0, 20.0, 40.0, 60.0, 60.0, 60.0]
    assert line.rest_after(Uncertain("reset"), resting=True) == 1.0
    line.rest_after(Delivered(), resting=True)
    for _call in range(IN_A_ROW):
        late = line.rest_after(UNREACHED, resting=False)
    assert late == FIRST
    assert {line.rest_after(UNREACHED, resting=True) for _call in range(20)} == {1.0}
    assert line.rest_after(UNREACHED, resting=False) == 2 * FIRST


# --- Nudged while the line rests -----------------------------------------------------------------------------------


async def test_a_nudge_does_not_keep_a_sender_awake_that_may_not_send(city: SmallCity) -> None:
    """What happened before: it looked again and again without a pause, and the whole process stood still with it."""
    sender = city.sender()
    assert await sender.lease.hold()
    sender.lease.block(10.0, "the line is dead")
    sender.nudge()
    assert await sender.step() == 0
    resting = asyncio.create_task(sender._rest(60.0))
    await asyncio.sleep(0.02)
    assert not resting.done()
    sender.nudge()
    await asyncio.wait_for(resting, 30)
