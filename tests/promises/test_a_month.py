"""Thirty days of a small city whose platforms fail, whose database goes away and whose process is killed.

Nobody is reminded twice unasked, nobody is forgotten, hours are those that people served, and the log is whole.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest

from bot.delivery.slot import Lease
from storage import turns
from storage.database import Unit
from tests.promises.month import Month
from tests.promises.worker import kept_apart, never_seen

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

DAYS = 30
SOME = 10
"""Days after which a fault of ours shows."""
SEED = int(os.environ.get("MENKOU_TEST_SEED", "20261126"))


@pytest.fixture
async def month(city_url: str) -> AsyncIterator[Month]:
    one = Month(city_url, SEED)
    await one.starts()
    yield one
    await one.ends()


async def test_in_a_month_of_faults_nobody_is_forgotten_and_nothing_is_said_or_counted_twice(
    month: Month, capsys: pytest.CaptureFixture[str]
) -> None:
    await month.lives(DAYS)
    with capsys.disabled():
        print(f"\n{dict(month.faults)}, {sum(month.was_there.values())} times somebody came", end=" ")
    assert await month.wrong() == []
    assert min(month.faults[one] for one in ("refuses", "lost", "unsure", "killed")) > 0


# --- Negative controls ---------------------------------------------------------------------------------------------


async def test_who_takes_silence_for_a_refusal_is_caught_saying_things_twice(month: Month) -> None:
    month.confesses = False
    await month.lives(SOME)
    assert any("came 2 times" in one for one in await month.wrong())


async def test_who_knows_no_message_again_is_caught_answering_it_anew(
    month: Month, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "begin", never_seen)
    monkeypatch.setattr(turns, "close", kept_apart)
    await month.lives(SOME)
    assert "one message was answered in two ways" in await month.wrong()


async def test_who_asks_nobody_what_a_killed_process_had_under_way_is_caught_losing_it(
    month: Month, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def recovers_nothing(lease: Lease, unit: Unit) -> None:
        """What stands as being sent stands there for ever."""

    def kills_who_sends_first() -> None:
        month.bad = [] if month.faults["killed"] else ["killed"]

    monkeypatch.setattr(Lease, "_recover", recovers_nothing)
    monkeypatch.setattr(month, "goes_wrong", kills_who_sends_first)
    await month.lives(SOME)
    assert month.faults["killed"] == 1
    assert any("is sending" in one for one in await month.wrong())
