"""A campaign stops when it is told to, rests when it fails, hears of an opt-out at once, builds no row by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event, select

from bot.desk import campaign_rounds
from bot.domain.campaigns import Kept, Progress, Standing
from bot.talk.door import Delivered, Outcome, Refused
from bot.talk.view import Page
from storage import campaigns, people
from storage.tables.people import subscription
from tests.conversations.campaign_kit import crowd, desk_of, drafted, organiser, sent
from tests.conversations.kit import Chat, Town

CROWD = 120
AT = 40
"""The call in the middle of which something happens."""


@dataclass
class Interrupted:
    """The far end of Telegram, at which something happens in the middle of a call."""

    town: Town
    happens: Callable[[], Awaitable[object]]
    answers: Callable[[int], Outcome] = lambda call: Delivered(str(call))
    calls: list[tuple[str, float]] = field(default_factory=list)
    """To whom, and when by the clock that never jumps."""
    others: list[tuple[str, str]] = field(default_factory=list)
    """What else was said here, and to whom."""
    then: tuple[int, float] = (0, 0.0)
    """How many calls had begun when it was over, and when that was."""

    async def send(self, to: str, page: Page, key: str) -> Outcome:
        if "plant" in page.text:
            self.calls.append((to, self.town.steady))
            number = len(self.calls)
            if number == AT:
                await self.happens()
                self.then = len(self.calls), self.town.steady
            return self.answers(number)
        self.others.append((to, page.text))
        return Delivered(key)

    @property
    def after(self) -> list[float]:
        """When the calls began that came after it, in seconds."""
        count, moment = self.then
        return [at - moment for _to, at in self.calls[count:]]


async def nothing() -> None:
    """All goes well."""


@pytest.fixture
async def zhao(town: Town) -> Chat:
    return await organiser(town, Chat(town, "telegram", "zhao"))


@pytest.fixture
async def running(town: Town, zhao: Chat) -> Kept:
    """A campaign whose first message is due."""
    await crowd(town, CROWD)
    kept = await drafted(town, zhao)
    await sent(town, zhao, kept)
    return kept


def at_telegram(town: Town, happens: Callable[[], Awaitable[object]] = nothing) -> Interrupted:
    far_end = Interrupted(town, happens)
    town.mailboxes["telegram"].send = far_end.send  # type: ignore[method-assign]
    return far_end


async def progress(town: Town, zhao: Chat, kept: Kept) -> Progress:
    async with desk_of(town, zhao) as desk:
        found = await desk.progress(kept.campaign.id)
    assert isinstance(found, Progress)
    return found


def most_in_flight(town: Town) -> int:
    return next(one.places for one in town.senders if one.account == "telegram")


@pytest.mark.parametrize("script", ["mailingpause", "mailingstop"])
async def test_it_stops_within_two_seconds_and_after_what_was_in_flight(
    town: Town, zhao: Chat, running: Kept, script: str
) -> None:
    async def tells() -> None:
        await zhao.opens(script, running.campaign.id)
        if script == "mailingstop":
            await zhao.says("stop it for good")

    far_end = at_telegram(town, tells)
    await town.waits(minutes=2)
    assert len(far_end.after) <= most_in_flight(town)
    assert all(seconds <= 2 for seconds in far_end.after)
    assert len(far_end.calls) < CROWD
    standing = (await progress(town, zhao, running)).campaign.standing
    assert standing == (Standing.PAUSED if script == "mailingpause" else Standing.STOPPED)


async def test_control_without_the_guard_it_would_go_on(
    town: Town, zhao: Chat, running: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def pauses(*_what: object) -> bool:
        return True

    monkeypatch.setattr("bot.desk.campaigns.fanouts.pause", pauses)
    far_end = at_telegram(town, lambda: zhao.opens("mailingpause", running.campaign.id))
    await town.waits(minutes=2)
    assert len(far_end.after) > most_in_flight(town)
    assert len(far_end.calls) == CROWD


async def test_it_goes_on_with_those_who_have_not_had_it(town: Town, zhao: Chat, running: Kept) -> None:
    far_end = at_telegram(town, lambda: zhao.opens("mailingpause", running.campaign.id))
    await town.waits(minutes=2)
    await zhao.opens("mailinggoon", running.campaign.id)
    await town.waits(minutes=2)
    told = [to for to, _at in far_end.calls]
    assert len(told) == len(set(told)) == CROWD


async def test_when_too_many_fail_it_rests_and_its_author_is_told(town: Town, zhao: Chat, running: Kept) -> None:
    far_end = at_telegram(town)
    far_end.answers = lambda call: Refused("no") if call > AT else Delivered(str(call))
    await town.waits(minutes=2)
    assert AT < len(far_end.calls) < CROWD
    await town.waits(seconds=5)
    await town.waits(seconds=5)
    found = await progress(town, zhao, running)
    assert found.campaign.standing is Standing.PAUSED
    assert found.failed >= 11
    told = [text for to, text in far_end.others if to == zhao.name]
    assert ["Your campaign rests" in text for text in told] == [True], "told once, and of nothing else"
    await zhao.opens("mailing", running.campaign.id)
    assert "Too many of its last messages failed" in zhao.text


async def test_control_nobody_is_told_of_what_goes_well(town: Town, zhao: Chat, running: Kept) -> None:
    far_end = at_telegram(town)
    for _minute in range(3):
        await town.waits(minutes=1)
    told = [text for to, text in far_end.others if to == zhao.name]
    assert ["is through" in text for text in told] == [True]


async def opts_out(town: Town) -> Callable[[], Awaitable[object]]:
    """Everybody unsubscribes at once."""

    async def all_of_them() -> None:
        async with town.database.write() as unit:
            for row in list(await unit.run(select(subscription.c.person))):
                await people.unsubscribe(unit, row.person)

    return all_of_them


async def test_an_opt_out_is_heard_in_the_same_second(town: Town, running: Kept) -> None:
    far_end = at_telegram(town, await opts_out(town))
    await town.waits(minutes=2)
    assert all(seconds <= 1 for seconds in far_end.after)
    assert len(far_end.calls) < CROWD


async def test_control_without_the_look_at_who_is_still_meant_all_would_get_it(
    town: Town, running: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nobody(*_what: object) -> set[int]:
        return set()

    monkeypatch.setattr("storage.truths._strangers", nobody)
    far_end = at_telegram(town, await opts_out(town))
    await town.waits(minutes=2)
    assert len(far_end.calls) == CROWD


@pytest.fixture
def said() -> Iterator[list[tuple[str, object]]]:
    """What makes messages, whichever engine says it."""
    said: list[tuple[str, object]] = []

    def heard(_connection: object, _cursor: object, statement: str, values: object, *_more: object) -> None:
        if "INTO outbox " in statement:
            said.append((statement, values))

    event.listen(Engine, "before_cursor_execute", heard)
    yield said
    event.remove(Engine, "before_cursor_execute", heard)


async def test_no_row_of_a_recipient_is_built_here(
    town: Town, running: Kept, said: list[tuple[str, object]]
) -> None:
    town.at += timedelta(minutes=2)
    await campaign_rounds.advance(town.database, town.city, town.at)
    assert await town.planner.expand() == CROWD
    assert said
    assert all(" SELECT " in " ".join(statement.split()) for statement, _values in said)
    assert len(said) <= 2, "chunks, not people"


async def test_what_rests_by_hand_keeps_no_words_that_only_english_readers_could_read(
    town: Town, zhao: Chat, running: Kept
) -> None:
    await town.waits(seconds=61)
    await zhao.opens("mailingpause", running.campaign.id)
    async with town.database.read() as unit:
        assert [why for _number, _state, why in await campaigns.fanouts_of(unit, running.campaign.id)] == [""]
