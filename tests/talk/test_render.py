"""From views to pages: numbers through the whole reply, long texts cut at sentence ends, nothing lost."""

from __future__ import annotations

import json
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.talk import Intent, Link, Option, Picture, View, WebLink, Wording
from bot.talk.capabilities import Capabilities
from bot.talk.render import render, split
from bot.talk.view import Page

SPEAK = Wording("en", UTC)
BUTTONS = Capabilities(buttons=12, label_length=20, text_length=300, unit="utf16", sends_pictures=True)
ONE_REPLY = Capabilities(
    buttons=0, label_length=40, text_length=300, unit="utf8", option_cost=40, replies_per_message=1
)  # fmt: skip

ORDER = Link("Order", Intent("pizza"))


def test_options_are_numbered_through_the_whole_reply() -> None:
    views = [View("One", (ORDER, Option("a", "First"))), View("Two", (Option("b", "Second"),))]
    rendered = render(views, BUTTONS, SPEAK, turn=7)
    assert [(one.number, one.wire) for page in rendered.pages for one in page.buttons] == [
        (1, "pizza"), (2, "7.2"), (3, "7.3"),
    ]  # fmt: skip
    assert [(one.link, one.pick) for one in rendered.shown] == [("pizza", ""), ("", "a"), ("", "b")]


def test_a_door_with_one_reply_gets_one_page_with_everything() -> None:
    rendered = render([View("One", (ORDER,)), View("Two", (ORDER,))], ONE_REPLY, SPEAK)
    assert [page.text for page in rendered.pages] == ["One\n\nTwo"]
    assert [one.number for one in rendered.pages[0].buttons] == [1, 2]


def test_what_does_not_fit_waits_for_more() -> None:
    rendered = render([View("A sentence of some length. " * 30)], ONE_REPLY, SPEAK)
    assert len(rendered.pages) == 1
    assert "more" in rendered.pages[0].text
    assert len(rendered.rest) >= 2


def test_a_label_too_long_for_a_button_stands_whole_in_the_text() -> None:
    rendered = render([View("Which?", (Option("a", "A label much too long for a button"),))], BUTTONS, SPEAK, turn=1)
    [page] = rendered.pages
    assert page.text.endswith("1  A label much too long for a button")
    assert len(page.buttons[0].label) <= BUTTONS.label_length


def test_a_picture_always_has_its_words() -> None:
    view = View("Look", picture=Picture("/chart/1.png", "3 hours in May"))
    [shown] = render([view], BUTTONS, SPEAK, public_url="http://city.test").pages
    [told] = render([view], ONE_REPLY, SPEAK).pages
    assert shown.picture == "http://city.test/chart/1.png"
    assert told.picture == ""
    assert "3 hours in May" in shown.text
    assert "3 hours in May" in told.text


def test_a_page_below_us_gets_our_address_and_a_foreign_one_keeps_its_own() -> None:
    view = View("Look", (WebLink("Wall", "/wall/1"), WebLink("Map", "https://map.test/1")))
    [page] = render([view], BUTTONS, SPEAK, public_url="http://city.test").pages
    assert [one.url for one in page.buttons] == ["http://city.test/wall/1", "https://map.test/1"]


def test_a_page_is_the_same_after_json() -> None:
    view = View("Look", (ORDER, Option("a", "好")), wants="place")
    [page] = render([view], BUTTONS, SPEAK, turn=3).pages
    assert Page.from_json(json.loads(json.dumps(page.to_json()))) == page


texts = st.text(st.sampled_from("ab 字。！? ,，\n🙂"), max_size=900)


@pytest.mark.parametrize("door", [BUTTONS, ONE_REPLY])
@given(texts, st.integers(20, 120))
def test_parts_fit_and_nothing_is_lost(door: Capabilities, text: str, room: int) -> None:
    parts = split(text, room, door)
    assert all(door.length(part) <= room for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


def test_a_cut_comes_at_a_sentence_end_where_there_is_one() -> None:
    text = "第一句话在这里结束。第二句话也在这里结束。第三句。"
    assert split(text, 70, ONE_REPLY) == ["第一句话在这里结束。第二句话也在这里结束。", "第三句。"]


def test_without_the_breaks_words_would_be_cut_in_half() -> None:
    """Control: a text without any good place is cut at the limit, and only there."""
    assert split("x" * 100, 40, BUTTONS) == ["x" * 40, "x" * 40, "x" * 20]
