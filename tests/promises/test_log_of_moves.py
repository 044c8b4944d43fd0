"""The log of moves shows what was done to it: altered, deleted, inserted, copied, put back; on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from bot import checks
from storage import audit, backup, erasing
from storage.audit import Verified
from storage.database import Database
from storage.secrecy import Secrecy
from tests.conversations.kit import MONDAY, Chat, Town

SATURDAY = MONDAY + timedelta(days=5)


async def moves(town: Town, number: int = 8) -> None:
    async with town.database.write() as unit:
        for one in range(number):
            await audit.log(unit, town.at + timedelta(seconds=one), one, "join", f"enrolment:{one}", None, "joined")


async def chained(town: Town) -> None:
    async with town.database.write() as unit:
        await audit.chain(unit, town.at)


async def found(town: Town) -> Verified:
    async with town.database.read() as unit:
        return await audit.verify(unit)


async def by_hand(town: Town, *statements: str) -> None:
    """What somebody can do who has the database and not the key."""
    async with town.database.write() as unit:
        for statement in statements:
            await unit.run(text(statement))


async def test_an_untouched_log_holds_and_its_head_tells_how_long_it_is(town: Town) -> None:
    await moves(town)
    await chained(town)
    await moves(town, 3)
    whole = await found(town)
    assert (whole.fault, whole.number, whole.waiting, whole.at) == (None, 8, 3, town.at)
    await chained(town)
    await chained(town)
    again = await found(town)
    assert (again.fault, again.number, again.waiting) == (None, 11, 0)
    assert again.hash != whole.hash
    assert checks.check_log(again).level == "ok"
    assert again.hash[:16] in checks.check_log(again).says


@dataclass(frozen=True)
class Tampering:
    statements: tuple[str, ...]
    fault: str


_COPY = (
    "INSERT INTO audit (id, at, actor, door, deed, target, before, after, seal) "
    "SELECT 900, at, actor, door, deed, target, before, after, seal FROM audit WHERE id = 3"
)

TAMPERINGS = {
    "altered": Tampering(("UPDATE audit SET after = 'left' WHERE id = 4",), "altered"),
    "altered in another hand": Tampering(("UPDATE audit SET actor = 9 WHERE id = 4",), "altered"),
    "sealed with another row's seal": Tampering(
        ("UPDATE audit SET seal = (SELECT seal FROM audit WHERE id = 5) WHERE id = 4",), "altered"
    ),
    "deleted": Tampering(("DELETE FROM audit WHERE id = 4",), "missing"),
    "deleted and closed up": Tampering(
        ("DELETE FROM audit WHERE id = 8", "UPDATE audit_head SET number = 7"), "head"
    ),
    "the end cut off": Tampering(("DELETE FROM audit WHERE id > 6",), "missing"),
    "all of it deleted": Tampering(("DELETE FROM audit",), "missing"),
    "the head removed": Tampering(("DELETE FROM audit_head",), "head"),
    "two exchanged": Tampering(
        (
            "UPDATE audit SET chain = 99 WHERE id = 4",
            "UPDATE audit SET chain = 4 WHERE id = 5",
            "UPDATE audit SET chain = 5 WHERE id = 4",
        ),
        "altered",
    ),
    "inserted": Tampering(
        ("INSERT INTO audit (id, at, door, deed, target) VALUES (900, 1, '', 'join', 'enrolment:900')",), "foreign"
    ),
    "copied": Tampering((_COPY,), "copied"),
}


@pytest.mark.parametrize("what", TAMPERINGS)
async def test_whatever_is_done_to_it_without_the_key_is_found(town: Town, what: str) -> None:
    await moves(town)
    await chained(town)
    await by_hand(town, *TAMPERINGS[what].statements)
    seen = await found(town)
    assert seen.fault == TAMPERINGS[what].fault
    assert checks.check_log(seen).level == "fail"


@pytest.mark.parametrize("what", ["inserted", "copied"])
async def test_a_row_slipped_in_before_the_tick_is_chained_and_still_found(town: Town, what: str) -> None:
    await moves(town)
    await chained(town)
    await by_hand(town, *TAMPERINGS[what].statements)
    await chained(town)
    assert (await found(town)).fault == TAMPERINGS[what].fault


async def test_what_waits_to_be_chained_cannot_be_altered_either(town: Town) -> None:
    await moves(town)
    await by_hand(town, "UPDATE audit SET after = 'left' WHERE id = 4")
    await chained(town)
    assert (await found(town)).fault == "foreign"


async def test_the_control_without_seals_and_keys_a_forger_goes_unseen(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same row slipped in before the tick, with the look at seals taken out."""
    monkeypatch.setattr(audit, "_is_ours", lambda secrecy, row: True)
    await moves(town)
    await chained(town)
    await by_hand(town, *TAMPERINGS["inserted"].statements)
    await chained(town)
    assert (await found(town)).fault is None


async def test_with_another_key_nothing_fits(town: Town, city_url: str) -> None:
    await moves(town)
    await chained(town)
    other = await asyncio.to_thread(Database, city_url, Secrecy("another key that is also long enough to be one"))
    try:
        async with other.read() as unit:
            assert (await audit.verify(unit)).fault == "head"
    finally:
        await other.close()


async def test_moves_of_many_at_once_are_chained_once_each_in_one_order(town: Town) -> None:
    """On PostgreSQL numbers are given out before they are committed: the lower of two may come later."""

    async def chaining() -> None:
        for _time in range(10):
            async with town.database.write() as unit:
                await audit.chain(unit, town.at, at_once=7)

    await asyncio.gather(*(moves(town, 5) for _one in range(20)), chaining(), chaining())
    while (await found(town)).waiting:
        await chained(town)
    whole = await found(town)
    assert (whole.fault, whole.number) == (None, 100)


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
async def test_a_turn_never_waits_for_the_chain(town: Town) -> None:
    """While a tick holds the head, moves are logged and committed beside it."""
    await moves(town)
    async with town.database.write() as held:
        await audit.chain(held, town.at)
        await asyncio.wait_for(moves(town, 3), 5)
    await chained(town)
    assert (await found(town)).number == 11


async def test_rows_from_before_there_was_a_chain_begin_it(town: Town) -> None:
    await by_hand(town, "INSERT INTO audit (at, door, deed, target) VALUES (1, '', 'join', 'enrolment:1')")
    await chained(town)
    await moves(town, 2)
    await chained(town)
    assert ((await found(town)).fault, (await found(town)).number) == (None, 3)


async def test_a_backup_brings_the_chain_back_whole(town: Town, tmp_path: Path, city_url: str) -> None:
    await moves(town)
    await chained(town)
    await moves(town, 2)
    before = await found(town)
    await backup.dump(town.database, tmp_path / "city.zip", town.at)
    await moves(town, 1)
    await backup.restore(town.database, tmp_path / "city.zip", force=True)
    assert await found(town) == before
    await moves(town, 1)
    await chained(town)
    assert ((await found(town)).fault, (await found(town)).number) == (None, 11)


async def test_an_erasure_leaves_the_chain_whole(town: Town) -> None:
    activity = await town.publishes(Chat(town, "web", "Olga"), "Reading to children", SATURDAY)
    ann = Chat(town, "web", "Ann")
    await ann.joins(activity)
    await chained(town)
    async with town.database.write() as unit:
        await erasing.erase_person(unit, 2, town.at)
    await chained(town)
    seen = await found(town)
    assert seen.fault is None
    assert seen.number >= 2


def test_every_fault_has_its_words() -> None:
    says: Callable[[str], str] = lambda fault: checks.check_log(Verified(3, "a" * 64, None, 0, fault, 7)).says  # type: ignore[arg-type] # noqa: E731
    assert len({says(one) for one in ("foreign", "altered", "missing", "copied", "head")}) == 5
