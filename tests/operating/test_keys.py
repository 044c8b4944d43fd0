"""Sealed fields: bound to their row, opened by the key that sealed them, and a key that can be changed."""

from __future__ import annotations

import pytest
from pydantic import SecretStr
from sqlalchemy import insert, select, update

from bot.settings import Settings
from storage import people, seals
from storage.database import Database
from storage.secrecy import Secrecy, WrongKey, keys_of
from storage.tables.people import person
from tests.conversations.kit import SECRECY
from tests.operating.conftest import NOW

OLD, NEW = "an old key that only tests use, 32 signs and more".replace(" ", "_"), "n" * 40

before, after = Secrecy(OLD), Secrecy(f"{NEW} {OLD}")


def test_of_two_keys_the_newest_seals_and_both_open() -> None:
    old = before.seal("王小明", "person:7:name")
    assert after.open(old, "person:7:name") == "王小明"
    new = after.seal("王小明", "person:7:name")
    assert new[:4] != old[:4]
    assert Secrecy(NEW).open(new, "person:7:name") == "王小明"
    with pytest.raises(WrongKey):
        before.open(new, "person:7:name")
    with pytest.raises(WrongKey):
        Secrecy(NEW).open(old, "person:7:name")  # control: without the old key what it sealed is lost


def test_what_is_found_by_its_index_or_stands_signed_on_paper_stays_so() -> None:
    assert after.index("+8613800138000") == before.index("+8613800138000")
    assert after.signed("proof:K7QF", before.signature("proof:K7QF"))
    assert after.witness("log") == before.witness("log")
    assert Secrecy(NEW).index("+8613800138000") != before.index("+8613800138000")  # control


@pytest.mark.parametrize("row", ["person:8:name", "person:7:phone", "certificate:7:name", ""])
def test_ciphertext_moved_to_another_row_or_field_is_refused(row: str) -> None:
    sealed = after.seal("王小明", "person:7:name")
    with pytest.raises(WrongKey):
        after.open(sealed, row)


@pytest.mark.parametrize("place", [0, 4, 15, 16, -1])
def test_a_single_changed_bit_is_refused(place: int) -> None:
    sealed = bytearray(after.seal("王小明", "person:7:name"))
    sealed[place] ^= 1
    with pytest.raises(WrongKey):
        after.open(bytes(sealed), "person:7:name")


def test_words_with_spaces_are_one_key_unless_each_is_long_enough() -> None:
    assert keys_of("a passphrase of many short words is one key") == ["a passphrase of many short words is one key"]
    assert keys_of(f"{NEW}  {OLD}\n") == [NEW, OLD]
    assert keys_of(f"{NEW} short") == [f"{NEW} short"]
    assert SECRECY.index("x") == Secrecy("a key that only tests use, 32 signs and more").index("x")


def test_the_log_knows_each_of_them() -> None:
    settings = Settings(secret_key=SecretStr(f"{NEW} {OLD}"))
    assert {NEW, OLD, f"{NEW} {OLD}"} <= set(settings.secrets)


async def test_a_database_knows_its_city_after_the_key_was_changed(database: Database) -> None:
    async with database.write() as unit:
        assert await seals.remember(unit, before)
    async with database.read() as unit:
        assert await seals.compare(unit, after) == "same"
        assert await seals.compare(unit, Secrecy(NEW)) == "other"  # control


async def test_names_that_were_traded_between_two_people_are_refused(database: Database) -> None:
    async with database.write() as unit:
        for number in (1, 2):
            await unit.run(insert(person).values(id=number, number=f"V{number}", created=NOW))
            await people.keep_personal(unit, before, number, f"Name {'AB'[number - 1]}", "")
        assert (await people.personal(unit, before, [1]))[1][0] == "Name A"  # control
        other = (await unit.run(select(person.c.name).where(person.c.id == 2))).scalar_one()
        await unit.run(update(person).where(person.c.id == 1).values(name=other))
        with pytest.raises(WrongKey):
            await people.personal(unit, before, [1])
