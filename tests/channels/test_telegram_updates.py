"""Raw updates in, what they mean out: a table of payloads in the form in which Telegram sends them."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.channels.telegram import updates
from bot.channels.telegram.updates import KINDS, RAW_LIMIT, Read, Unreadable, chat_of, unread_key, written
from bot.talk.incoming import Incoming
from tests.channels.telegram_kit import reader

TABLE = json.loads((Path(__file__).parent / "payloads" / "telegram_incoming.json").read_text(encoding="utf-8"))
ANSWERABLE = [row for row in TABLE if isinstance(row["expected"], dict)]


def told(incoming: Incoming | None) -> dict[str, Any] | None:
    """What is set, as the table writes it."""
    if incoming is None:
        return None
    place = incoming.place
    all_fields = {
        "address": incoming.address.id,
        "key": incoming.key,
        "at": int(incoming.at.timestamp()),
        "language": incoming.language,
        "text": incoming.text,
        "pick": incoming.pick,
        "intent": incoming.intent.link if incoming.intent else None,
        "place": [place.latitude, place.longitude, place.accuracy, place.live] if place else None,
        "photo": incoming.photo.key if incoming.photo else None,
    }
    return {name: value for name, value in all_fields.items() if value is not None}


@pytest.mark.parametrize("row", TABLE, ids=[row["says"] for row in TABLE])
def test_an_update_means(row: dict[str, Any]) -> None:
    if row["expected"] == "unreadable":
        with pytest.raises(Unreadable) as wrong:
            reader().read(row["update"])
        assert wrong.value.key == str(row["update"]["update_id"])
        assert len(wrong.value.why) < 120
        return
    read = reader().read(row["update"])
    assert told(read.incoming) == row["expected"]
    assert read.press == row.get("press", "")
    if read.incoming:
        assert read.incoming.address.door == "telegram"
        assert read.incoming.at.tzinfo is UTC
        assert read.incoming.window is None


@pytest.mark.parametrize("row", ANSWERABLE, ids=[row["says"] for row in ANSWERABLE])
def test_names_numbers_and_whereabouts_are_not_kept_raw(row: dict[str, Any]) -> None:
    incoming = reader().read(row["update"]).incoming
    assert incoming is not None
    kept = json.loads(incoming.raw)
    assert kept["update_id"] == row["update"]["update_id"]
    for personal in ("Fang", "Wang", "fangwang", "VCARD", "138", "139001", "39.9", "116."):
        assert personal not in incoming.raw.replace(str(kept["update_id"]), "")


def test_without_the_cut_the_raw_update_would_name_the_person() -> None:
    assert all("Fang" in json.dumps(row["update"]) for row in ANSWERABLE)


@pytest.mark.parametrize("update", [{}, [], None, 5, "x", {"update_id": "7"}, {"update_id": True}, {"update_id": -1}])
def test_what_has_no_number_is_unreadable_under_a_key_of_its_own(update: object) -> None:
    with pytest.raises(Unreadable) as wrong:
        reader().read(update)
    assert wrong.value.key == unread_key(update)
    assert wrong.value.key.startswith("unread ")


def test_why_an_update_is_unreadable_quotes_nothing_of_it() -> None:
    part = {"message_id": 1, "date": 1, "chat": {"id": 4, "type": "private"}, "from": {"id": "13800138000x"}}
    with pytest.raises(Unreadable) as wrong:
        reader().read({"update_id": 1, "message": {**part, "text": ["a secret"]}})
    assert "13800138000" not in wrong.value.why
    assert "secret" not in wrong.value.why


def test_the_chat_of_an_update_is_known_without_reading_it() -> None:
    for row in ANSWERABLE:
        assert chat_of(row["update"]) == "4242"
    assert chat_of({"update_id": 1}) == chat_of([]) == chat_of({"message": 5}) == ""


def test_what_is_kept_raw_fits_every_database() -> None:
    long = written({"update_id": 1, "text": "门\ud83d\x00" * 60_000})
    assert len(long.encode("utf-8")) <= RAW_LIMIT
    assert "\x00" not in long


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def odd_updates(draw: st.DrawFn) -> dict[str, Any]:
    """An update with one thing in it that is something else."""
    update: dict[str, Any] = copy.deepcopy(draw(st.sampled_from(TABLE))["update"])
    part: Any = update
    while isinstance(part, dict) and part:
        name = draw(st.sampled_from(sorted(part)))
        if not isinstance(part[name], dict) or draw(st.booleans()):
            part[name] = draw(json_values)
            break
        part = part[name]
    return update


@given(odd_updates())
def test_whatever_stands_where_in_an_update_it_is_read_or_unreadable(update: dict[str, Any]) -> None:
    try:
        read = reader().read(update)
    except Unreadable as wrong:
        wrong.raw.encode("utf-8")
    else:
        assert isinstance(read, Read)
        if read.incoming:
            read.incoming.raw.encode("utf-8")
            (read.incoming.text or "").encode("utf-8")


def meaning(update: object) -> Read | str:
    """What an update means to us, and what of it is kept; or that nobody can read it."""
    try:
        return reader().read(update)
    except Unreadable as wrong:
        return f"{wrong.key} {wrong.raw}"


def as_aiogram_reads_it(update: object) -> Read | str:
    """The same without the short way for what is said and pressed all day."""
    with pytest.MonkeyPatch.context() as patch:
        for short in ("is_plain_text", "is_plain_press"):
            patch.setattr(updates, short, lambda part: False)
        return meaning(update)


def raw_of(read: Read | str) -> str | None:
    return read.incoming.raw if isinstance(read, Read) and read.incoming else None


@pytest.mark.parametrize("row", TABLE, ids=[row["says"] for row in TABLE])
def test_what_is_read_by_hand_means_what_aiograms_types_make_of_it(row: dict[str, Any]) -> None:
    by_hand, by_types = meaning(row["update"]), as_aiogram_reads_it(row["update"])
    assert by_hand == by_types
    assert raw_of(by_hand) == raw_of(by_types)


@given(odd_updates())
@example(TABLE[0]["update"] | {"message": TABLE[0]["update"]["message"] | {"date": True}})
@example(TABLE[0]["update"] | {"message": TABLE[0]["update"]["message"] | {"message_id": "7"}})
def test_and_so_it_does_whatever_stands_in_it(update: dict[str, Any]) -> None:
    by_hand, by_types = meaning(update), as_aiogram_reads_it(update)
    assert by_hand == by_types
    assert raw_of(by_hand) == raw_of(by_types)


@pytest.mark.parametrize(("look", "wrong"), [
    ("_is_of_private_chat", {"message_id": []}),
    ("_is_person", {"from": {"id": 7, "is_bot": True, "first_name": "Bot"}}),
])  # fmt: skip
def test_without_that_look_it_would_read_what_the_types_refuse(
    look: str, wrong: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(updates, look, lambda part: True)
    odd = TABLE[0]["update"] | {"message": TABLE[0]["update"]["message"] | wrong}
    assert meaning(odd) != as_aiogram_reads_it(odd)


def test_the_kinds_we_ask_for_are_all_read() -> None:
    kinds = {kind for row in ANSWERABLE for kind in row["update"] if kind != "update_id"}
    assert kinds == set(KINDS)


def test_a_time_is_the_platforms_own() -> None:
    read = reader().read(TABLE[0]["update"])
    assert read.incoming
    assert read.incoming.at == datetime(2026, 11, 23, 2, 13, 20, tzinfo=UTC)
