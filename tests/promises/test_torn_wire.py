"""The wire to PostgreSQL tears at any word of a sign-up: what people are told is true, and nothing is done twice.

At a COMMIT nobody can know whether it happened; anywhere else nothing did. The platform brings again what was not
acknowledged, and the message's key says whether it had been done.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from itertools import chain, count, repeat
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from unittest.mock import patch

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bot.domain.enrolment import Stand
from bot.talk import Incoming
from bot.talk.door import Overloaded
from storage import abreast, people, turns
from storage import database as databases
from storage.abreast import MOST
from storage.database import Database
from storage.prepared import ON_DISK, OnPostgreSQL
from tests.conversations.kit import SECRECY, Chat, Town
from tests.postgres import Postgres
from tests.promises.answered import signing_up, standing, told
from tests.promises.crowd import Count
from tests.promises.crowd import count as counted
from tests.promises.load import PATIENCE, SEATS, SOAK, Load, joined, load_of
from tests.promises.wire import Tear, Wire, ends_a_turn
from tests.promises.worker import kept_apart, never_seen

pytestmark = [pytest.mark.durable, pytest.mark.postgres, pytest.mark.timeout(600)]

PEOPLE = 400 if SOAK else 40
SEED = 20261125
PLENTY = 100
"""Seats, so that everybody's is foreseen."""
SHORT, FOR_EVER = 100, 0
"""Milliseconds of a server's patience."""

NEVER_FREE = text(
    "SELECT EXISTS (SELECT FROM pg_stat_activity AS one, unnest(pg_blocking_pids(one.pid)) AS before "
    "JOIN pg_stat_activity AS other ON other.pid = before WHERE other.state = 'active' "
    f"AND other.wait_event = 'ClientRead' AND clock_timestamp() - other.query_start > interval '{10 * SHORT} ms')"
)
"""Does somebody wait for whoever does not seem idle to the server, and has said nothing for so long?"""


@pytest.fixture
def city_url(durable_city_url: str) -> str:
    """Of a server that flushes."""
    return durable_city_url


@pytest.fixture
async def wire(durable_postgres: Postgres) -> AsyncIterator[tuple[Wire, Path]]:
    assert durable_postgres.own is not None
    strung = Wire(durable_postgres.own.folder)
    with TemporaryDirectory(prefix="menkou-wire-") as folder:
        async with strung.strung(Path(folder)):
            yield strung, Path(folder)


@pytest.fixture
def silence() -> int:
    """For so long the server waits for somebody who says nothing in a transaction."""
    return databases.IDLE_IN_TRANSACTION


@pytest.fixture
async def far(
    town: Town,
    wire: tuple[Wire, Path],
    city_url: str,
    durable_postgres: Postgres,
    silence: int,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[tuple[Town, Wire]]:
    """A town with the wire between itself and its database. `town` is the same city, by another way."""
    strung, folder = wire
    assert durable_postgres.own is not None
    url = city_url.replace(str(durable_postgres.own.folder), str(folder))
    assert url != city_url
    shorter = {"idle_in_transaction_session_timeout": str(silence)}
    monkeypatch.setattr(databases, "QUICK_LOOKS", databases.QUICK_LOOKS | shorter)
    there = await asyncio.to_thread(lambda: Town(Database(url, SECRECY)))
    yield there, strung
    await there.database.close()


async def confirming(town: Town) -> Incoming:
    """Ann's last “yes”; she has answered everything before."""
    await load_of(town)
    ann = Chat(town, "wechat", "Ann")
    await ann.opens("join", 1)
    await ann.introduces_itself()
    return ann.incoming(text="yes")


async def turns_of(town: Town, message: Incoming) -> int:
    """How many turns the conversation of whoever sent it has had."""
    async with town.database.write() as unit:
        met = await people.meet(unit, message.address.door, message.address.id, "en", town.at)
    return met.session.turn


@pytest.mark.parametrize("tear", ["before", "after"])
async def test_a_commit_of_which_nobody_knows_is_settled_by_the_messages_key(
    far: tuple[Town, Wire], tear: Tear
) -> None:
    town, wire = far
    message = await confirming(town)
    before = await turns_of(town, message)
    wire.tears = iter([tear, ""])
    with pytest.raises(Overloaded):
        await town.turns.take(message)
    assert wire.torn == {tear: 1}
    assert await joined(town) == (1 if tear == "after" else 0)
    again = await town.turns.take(message)
    assert again.replayed == (tear == "after")
    assert "You are in" in again.pages[0].text
    assert (await joined(town), await turns_of(town, message)) == (1, before + 1)
    assert await counted(town, 1, []) == Count()


@pytest.mark.parametrize("tear", ["before", "after"])
async def test_nor_does_anybody_know_of_a_flush_that_was_waited_for_together(
    far: tuple[Town, Wire], tear: Tear
) -> None:
    town, wire = far
    message = await confirming(town)
    before = await turns_of(town, message)
    wire.may_tear = lambda said: ON_DISK.encode() in said and not ends_a_turn(said)
    wire.tears = iter([tear, ""])
    over = asyncio.Event()
    other = asyncio.create_task(town.database.turn(lambda _unit: over.wait()))
    await asyncio.sleep(0)  # somebody else is at work
    with pytest.raises(Overloaded):
        await town.turns.take(message)
    assert wire.torn == {tear: 1}
    again = await town.turns.take(message)
    over.set()
    await other
    assert again.replayed
    assert "You are in" in again.pages[0].text
    assert (await joined(town), await turns_of(town, message)) == (1, before + 1)
    assert await counted(town, 1, []) == Count()


async def test_control_without_the_key_the_message_is_done_a_second_time(
    far: tuple[Town, Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    town, wire = far
    message = await confirming(town)
    before = await turns_of(town, message)
    monkeypatch.setattr(turns, "begin", never_seen)
    monkeypatch.setattr(turns, "close", kept_apart)
    wire.tears = iter(["after", ""])
    with pytest.raises(Overloaded):
        await town.turns.take(message)
    again = await town.turns.take(message)
    assert "You are in" not in again.pages[0].text, "they were never told"
    assert await turns_of(town, message) == before + 2


@pytest.mark.parametrize("share", [1, MOST], ids=["alone", "in company"])
async def test_under_load_every_torn_commit_is_settled(
    far: tuple[Town, Wire], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, share: int
) -> None:
    """`share`: turns in one commit at most."""
    monkeypatch.setattr(abreast, "MOST", share)
    town, wire = far
    load = await load_of(town)
    chance = Random(SEED)

    def tears() -> Iterator[Tear]:
        while True:
            yield chance.choices(("", "before", "after"), (8, 1, 1))[0]

    wire.tears = tears()
    load.is_enough()
    await load.comes(PEOPLE)
    replayed = sum(one.replayed for one in load.acknowledged)
    with capsys.disabled():
        print(f"\n{wire.torn['before']} torn before, {wire.torn['after']} after, {replayed} settled by key", end=" ")
    assert wire.torn["before"] > PEOPLE / 8 < wire.torn["after"], f"seed {SEED}"
    assert 0 < replayed <= wire.torn["after"] * share, "of some the kept reply was torn as well"
    await load.is_as_it_was_told()


# --- Torn anywhere -------------------------------------------------------------------------------------------------

SHARP: tuple[Tear, ...] = ("before", "after", "amid")
"""Those of which both ends hear at once."""


async def torn_everywhere(town: Town, wire: Wire, *tears: Tear, seats: int = SEATS, rested: bool = False) -> Load:
    """Person after person says the last “yes”, and each time the wire tears one word further on, in each way.

    `rested`: the server had hung up before, so that the turn begins by connecting.
    """
    load, numbers = await load_of(town, seats), count()
    for tear in tears:
        for words in count():
            *before, last = signing_up(load.activity, next(numbers))
            for message in before:
                await load.deliver(message)
            if rested:
                await wire.hang_up()
            wire.may_tear, wire.tears = bool, chain(repeat("", words), [tear], repeat(""))
            had = wire.torn[tear]
            await load.deliver(last)
            wire.tears = repeat("")
            if wire.torn[tear] == had:
                break
    return load


@pytest.mark.parametrize(
    ("rested", "seats", "tears"),
    [(False, SEATS, SHARP), (False, PLENTY, SHARP), (True, SEATS, ("after",))],
    ids=["at work", "with seats for all", "after a rest"],
)
async def test_wherever_the_wire_tears_in_a_sign_up_nobody_is_told_what_is_not_so(
    far: tuple[Town, Wire], rested: bool, seats: int, tears: tuple[Tear, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    town, wire = far
    load = await torn_everywhere(town, wire, *tears, seats=seats, rested=rested)
    with capsys.disabled():
        print(f"\ntorn {dict(wire.torn)}, {load.sent_away} sent away", end=" ")
    assert min(wire.torn[tear] for tear in tears) >= 5, "a sign-up has more to say than that"
    await load.is_as_it_was_told()


async def told_in_vain(town: Town, load: Load) -> set[tuple[str, str]]:
    """Who was told of a seat or a place in the queue and has none, or has one and was never told."""
    seated, waiting = told(load.acknowledged, "You are in"), told(load.acknowledged, "in the queue")
    return (seated ^ await standing(town, Stand.JOINED)) | (waiting ^ await standing(town, Stand.WAITING))


async def test_control_without_the_key_somebody_sits_and_was_never_told(
    far: tuple[Town, Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    town, wire = far
    monkeypatch.setattr(turns, "begin", never_seen)
    monkeypatch.setattr(turns, "close", kept_apart)
    assert await told_in_vain(town, await torn_everywhere(town, wire, "after"))


async def test_control_who_answers_whatever_becomes_of_the_commit_promises_seats_that_nobody_has(
    far: tuple[Town, Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    town, wire = far
    sound = OnPostgreSQL.commit

    async def committed_perhaps(self: OnPostgreSQL, begin: bool = False, on_disk: bool = True) -> None:
        with suppress(DBAPIError):
            await sound(self, begin, on_disk)

    monkeypatch.setattr(OnPostgreSQL, "commit", committed_perhaps)
    assert await told_in_vain(town, await torn_everywhere(town, wire, "before"))


# --- Torn off, and the server does not know ------------------------------------------------------------------------


async def left_open(load: Load, far: Town, wire: Wire, whole: int) -> AsyncIterator[Incoming]:
    """Last “yes”es that were lost, each one word further on; the server waits for what comes next, seat in hand.

    With nobody else has the server so little patience. Where the machine is so busy that it ends before the wire tears,
    that one is lost as well, and the next gets no further.
    """
    for number in count():
        *before, last = signing_up(load.activity, number)
        for message in before:
            await load.deliver(message)
        await wire.hang_up()  # on a new connection every statement is told in two halves
        wire.may_tear, wire.tears = bool, chain(repeat("", wire.torn["alone"]), ["alone"], repeat(""))
        with suppress(Overloaded), patch.object(databases, "LONGEST_TURN", whole):
            await far.turns.take(last)
            await load.deliver(last)
            return
        yield last


@pytest.mark.parametrize("silence", [SHORT])
async def test_what_a_lost_connection_had_locked_is_free_when_the_servers_patience_ends(
    town: Town, far: tuple[Town, Wire]
) -> None:
    load, wire = await load_of(town), far[1]
    async for message in left_open(load, *far, whole=SHORT):
        async with asyncio.timeout(PATIENCE):
            await load.deliver(message)
    assert wire.torn["alone"] > SEATS
    await load.is_as_it_was_told()


@pytest.mark.parametrize("silence", [SHORT])
async def test_control_where_only_silence_ends_somebody_never_gets_at_their_seat(
    town: Town, far: tuple[Town, Wire]
) -> None:
    load = await load_of(town)

    async def never_comes(brought: asyncio.Task[None]) -> bool:
        while not brought.done():
            async with town.database.read() as unit:
                if (await unit.run(NEVER_FREE)).scalar_one():
                    return True
            await asyncio.sleep(0.01)
        return False

    async for message in left_open(load, *far, whole=FOR_EVER):
        brought = asyncio.create_task(load.deliver(message))
        async with asyncio.timeout(PATIENCE):
            if await never_comes(brought):
                break
    else:
        pytest.fail("everybody got at their seat")
    brought.cancel()
    await asyncio.gather(brought, return_exceptions=True)
