"""What each push means, row by row of payloads/wechat_incoming.json, and what is refused."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.wechat.messages import KEY_LENGTH, Finished, Granted, Reader, Said
from bot.channels.wechat.parsing import NotWeChat, parse
from tests.channels.wechat_kit import reader

TABLE = json.loads((Path(__file__).parent / "payloads" / "wechat_incoming.json").read_text(encoding="utf-8"))
ROWS = {row["name"]: row for row in TABLE["rows"]}
TEXT = ROWS["typed words"]["xml"]


def heard(xml: str, by: Reader | None = None) -> Any:
    return (by or reader()).read(parse(xml.encode()), xml)


def plain(said: Said) -> dict[str, Any]:
    """An Incoming as the table writes it: what is set and nothing else."""
    one = said.incoming
    written: dict[str, Any] = {"key": one.key}
    if one.window:
        written["window"] = list(one.window[:2])
    if one.text is not None:
        written["text"] = one.text
    if one.pick:
        written["pick"] = one.pick
    if one.intent:
        written["intent"] = one.intent.link
    if one.photo:
        written["photo"] = one.photo.key
    if one.place:
        where = one.place
        written["place"] = [round(where.latitude, 5), round(where.longitude, 5), where.accuracy, where.live]
    return written


def told(news: Any) -> list[list[Any]]:
    """News about what we sent, as the table writes it."""
    rows: list[list[Any]] = []
    for one in news if isinstance(news, tuple) else (news,):
        if isinstance(one, Granted):
            rows.append(["granted", one.openid, one.template_id, one.accepted])
        elif isinstance(one, Finished):
            rows.append([one.kind, one.openid, one.message_id, one.status, one.template_id])
    return rows


def test_the_table_has_a_row_for_everything_that_arrives() -> None:
    assert len(ROWS) == len(TABLE["rows"]) >= 30


@pytest.mark.parametrize("name", ROWS)
def test_a_push_means_what_the_table_says(name: str) -> None:
    row = ROWS[name]
    got = heard(row["xml"])
    if "said" in row:
        assert plain(got) == row["said"]
        assert got.quiet == row.get("quiet", False)
        assert str(got.incoming.address) == f"wechat:{TABLE['openid']}"
        assert got.incoming.at == datetime.fromtimestamp(TABLE["created"], UTC)
        assert (got.incoming.language, got.incoming.raw) == ("zh_CN", row["xml"])
    elif "told" in row:
        assert told(got) == row["told"]
    else:
        assert got is None


def test_every_key_of_the_table_is_its_own_unless_it_is_the_same_event() -> None:
    """Events have no id: the platform says to tell them apart by sender and time, and we add kind and key."""
    assert heard(ROWS["menu click"]["xml"]).incoming.key != heard(ROWS["menu click with arguments"]["xml"]).incoming.key
    assert heard(ROWS["unfollow"]["xml"]).incoming.key != heard(ROWS["follow by search"]["xml"]).incoming.key
    assert heard(TEXT).incoming.key == heard(TEXT).incoming.key


def test_a_long_key_fits_the_inbox_and_stays_its_own() -> None:
    clicked = ROWS["click in an older menu"]["xml"]
    keys = {heard(clicked.replace("V1001_TODAY_MUSIC", "V" * 300 + end)).incoming.key for end in ("a", "b", "b")}
    assert len(keys) == 2
    assert all(len(key) <= KEY_LENGTH for key in keys)


def test_a_city_without_an_address_takes_no_address_for_its_own() -> None:
    got = heard(ROWS["our own address pasted"]["xml"], Reader(scripts=("join",)))
    assert got.incoming.intent is None


OPENID = TABLE["openid"]
BROKEN = {
    "sender doubled": TEXT.replace("<MsgType>", f"<FromUserName>{OPENID}</FromUserName><MsgType>"),
    "sender with children": TEXT.replace(f"<![CDATA[{OPENID}]]>", "<a>1</a>"),
    "sender empty": TEXT.replace(OPENID, ""),
    "sender not an id": TEXT.replace(OPENID, "a b"),
    "sender too long": TEXT.replace(OPENID, "o" * 65),
    "receiver doubled": TEXT.replace("<MsgType>", "<ToUserName>gh_1</ToUserName><MsgType>"),
    "text doubled": TEXT.replace("<MsgId>", "<Content>x</Content><MsgId>"),
    "text with children": TEXT.replace("<![CDATA[找活动]]>", "<a>1</a>"),
    "id doubled": TEXT.replace("<MsgType>", "<MsgId>1</MsgId><MsgType>"),
    "id missing": TEXT.replace("<MsgId>", "<Id>").replace("</MsgId>", "</Id>"),
    "time not a number": TEXT.replace("<CreateTime>1", "<CreateTime>x1"),
    "time far away": TEXT.replace("<CreateTime>", "<CreateTime>999"),
    "time missing": TEXT.replace("CreateTime>", "Time>"),
    "picture without id": ROWS["a picture"]["xml"].replace("MediaId>", "Media>"),
    "pin not a number": ROWS["a pin on the map"]["xml"].replace("39.910124", "nan"),
    "pin of letters": ROWS["a pin on the map"]["xml"].replace("39.910124", "1e400"),
    "pin off the Earth": ROWS["a pin on the map"]["xml"].replace("39.910124", "95"),
    "position without numbers": ROWS["the phone's position"]["xml"].replace("39.908720", ""),
    "scan without fields": ROWS["an empty scan"]["xml"].replace("ScanCodeInfo", "X").replace(
        "<X>", "<ScanCodeInfo>text</ScanCodeInfo><X>"
    ),
    "consent without fields": ROWS["consent to one notice"]["xml"].replace("<List>", "<List>x</List><List>"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_field_that_is_not_what_it_should_be_is_refused(name: str) -> None:
    """Before: the library gives a list as the sender when the element stands twice."""
    assert BROKEN[name] not in ROWS
    with pytest.raises(NotWeChat) as refused:
        heard(BROKEN[name])
    assert refused.value.status == 400


def test_control_the_library_takes_a_doubled_sender() -> None:
    from wechatpy.parser import parse_message

    assert isinstance(parse_message(BROKEN["sender doubled"]).source, list)


@given(
    st.text(max_size=200).filter(lambda text: not text.strip().startswith("/")),
    st.sampled_from(["text", "voice", "image", "location", "link", "event", "", "x"]),
)
def test_whatever_is_in_a_text_field_only_one_exception_comes_out(text: str, kind: str) -> None:
    from tests.standins.wechat import xml_of

    fields = {"ToUserName": "gh_1", "FromUserName": "o1", "CreateTime": "1", "MsgId": "1", "MsgType": kind}
    more = {"Content": text, "Recognition": text, "MediaId": text, "Location_X": text, "Event": text, "Url": text}
    xml = xml_of({**fields, **more}).encode("utf-8", "surrogatepass")
    try:
        got = reader().read(parse(xml), "")
    except NotWeChat:
        return
    assert got is None or isinstance(got, Said | Finished | tuple)
    if isinstance(got, Said) and got.incoming.text is not None:
        assert not any(ord(character) < 32 and character not in "\t\n\r" for character in got.incoming.text)


def test_a_converted_pin_is_within_a_metre_of_the_fixed_pair() -> None:
    place = heard(ROWS["a pin on the map"]["xml"]).incoming.place
    assert place is not None
    assert math.hypot(place.latitude - 39.90872, place.longitude - 116.39748) < 1e-5
