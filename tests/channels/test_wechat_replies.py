"""Whatever is in a text, WeChat can show it: valid XML, no foreign tags, within 2,048 bytes."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.wechat.replies import (
    TEXT_LIMIT,
    TEXT_ROOM,
    WECHAT,
    Article,
    cdata,
    clean,
    customer_message,
    joined,
    layout,
    page_text,
    passive_reply,
)
from bot.talk.view import Button, Page

ANY_TEXT = st.text(st.characters(codec=None), max_size=300)
"""Lone surrogates and control characters as well."""
ENDINGS = ["]]>", "a]]]]>b", "]]\x00>", "<![CDATA[x]]>", "&amp;<&>", "\ud800", "</Content>"]
NASTY = st.one_of(ANY_TEXT, st.sampled_from(ENDINGS))

MENU_LINK = re.compile(
    r'(\d+) <a href="weixin://bizmsgmenu\?msgmenucontent=(\d+)&msgmenuid=([^"&]*)">([^<]*)</a>'
)


def content(xml: str) -> str:
    (found,) = ElementTree.fromstring(xml).findall("Content")
    return found.text or ""


def carried(text: str) -> str:
    """What XML can carry of a text; its line ends are one kind."""
    gone = {*map(chr, range(32)), *map(chr, range(0xD800, 0xE000)), "\ufffe", "\uffff"} - set("\t\n\r")
    legal = "".join(character for character in text if character not in gone)
    return legal.replace("\r\n", "\n").replace("\r", "\n")


@given(NASTY)
def test_any_text_gives_xml_that_reads_back_as_the_text(text: str) -> None:
    assert content(passive_reply(text, "o1", "gh_1", 1795000000.7)) == carried(text)


@given(NASTY)
def test_any_text_is_one_element_and_names_sender_and_receiver(text: str) -> None:
    root = ElementTree.fromstring(passive_reply(text, "o1", "gh_1", 1795000000.7))
    assert [child.tag for child in root] == ["ToUserName", "FromUserName", "CreateTime", "MsgType", "Content"]
    assert (root.findtext("ToUserName"), root.findtext("FromUserName")) == ("o1", "gh_1")
    assert root.findtext("CreateTime") == "1795000000"


def test_control_the_librarys_own_renderer_lets_a_nickname_write_fields() -> None:
    from wechatpy.replies import TextReply

    typed = "x]]></Content><MsgType><![CDATA[image]]></MsgType><Content><![CDATA["
    theirs = TextReply(content=typed, source="gh_1", target="o1", time=1).render()
    assert len(ElementTree.fromstring(theirs).findall("MsgType")) == 2
    ours = ElementTree.fromstring(passive_reply(typed, "o1", "gh_1", 1))
    assert len(ours.findall("MsgType")) == 1
    assert ours.findtext("Content") == typed


def test_an_end_mark_is_split_over_two_sections() -> None:
    assert cdata("a]]>b") == "<![CDATA[a]]]]><![CDATA[>b]]>"


# --- Options ---------------------------------------------------------------------------------------------------------

QUESTION = Page(
    "选哪个时段？",
    (Button(1, "上午", "17.1"), Button(2, "下午", "17.2"), Button(3, "分享", "join-42"), Button(0, "地图", url="https://city.example/m?a=1")),
)


def test_options_are_links_with_their_numbers_and_pages_are_plain_links() -> None:
    assert page_text(QUESTION) == (
        "选哪个时段？\n"
        '1 <a href="weixin://bizmsgmenu?msgmenucontent=1&msgmenuid=17.1">上午</a>\n'
        '2 <a href="weixin://bizmsgmenu?msgmenucontent=2&msgmenuid=17.2">下午</a>\n'
        '3 <a href="weixin://bizmsgmenu?msgmenucontent=3&msgmenuid=join-42">分享</a>\n'
        '<a href="https://city.example/m?a=1">地图</a>'
    )


def test_option_cost_is_what_the_markup_costs() -> None:
    page = Page("", (Button(10, "标签", "w" * 24),))
    assert WECHAT.length("\n" + page_text(page)) == WECHAT.length("标签") + WECHAT.option_cost


@pytest.mark.parametrize(
    "said",
    ['<a href="https://evil.example">点我</a>', "<A HREF='x'>", "</a>", "<!-- -->", "<?x?>", "a<b>c</b>"],
)
def test_angle_brackets_that_a_person_typed_are_no_tag(said: str) -> None:
    """WeChat turns `<a href>` in any text into a link, whoever wrote it."""
    shown = page_text(Page(said, (Button(1, said, "1.1"),)))
    ours = MENU_LINK.sub("", shown)
    assert not re.search(r"<[A-Za-z/!?]", ours)
    assert len(MENU_LINK.findall(shown)) == 1


def test_a_smaller_than_sign_stays_as_typed() -> None:
    assert page_text(Page("3 < 5 and 1<2")) == "3 < 5 and 1<2"


@given(
    ANY_TEXT.map(lambda text: text * 8),
    st.lists(st.tuples(ANY_TEXT, st.sampled_from(["17.1", "join-42", "w" * 64]), st.booleans()), max_size=12),
    st.booleans(),
)
def test_no_page_is_over_the_limit_and_every_number_stays(
    text: str, options: list[tuple[str, str, bool]], spot: bool
) -> None:
    buttons = tuple(
        Button(0, label[:20], url="https://city.example/x") if web else Button(number, label[:20], wire)
        for number, (label, wire, web) in enumerate(options, 1)
    )
    shown = page_text(Page(text, buttons, spot=(39.9, 116.4, text[:30], "") if spot else None))
    assert len(shown.encode()) <= TEXT_LIMIT
    for button in buttons:
        if button.number and len(text) < 500:
            assert f"\n{button.number} " in f"\n{shown}"


def test_what_the_core_fills_needs_no_cutting() -> None:
    """600 Chinese characters, seven usual options and a map link at once."""
    label = "报名参加周末活动"
    options = tuple(Button(number, label, f"join-{number}0000") for number in range(1, 8))
    room = TEXT_ROOM - sum(WECHAT.length(label) + WECHAT.option_cost for _ in options)
    page = Page("字" * (room // 3), options, spot=(39.9, 116.4, "朝阳区文化馆", "小庄六号"))
    shown = page_text(page)
    assert "…" not in shown
    assert len(MENU_LINK.findall(shown)) == 7
    assert page_text(Page("字" * 600)) == "字" * 600


def test_a_page_that_is_too_long_loses_markup_before_words() -> None:
    options = tuple(Button(number, "标签", f"find-{'x' * 50}-{number}") for number in range(1, 8))
    shown = page_text(Page("字" * 400, options))
    assert "字" * 400 in shown
    assert "…" not in shown
    assert 0 < len(MENU_LINK.findall(shown)) < 7
    assert shown.endswith("\n7 标签")


def test_the_numbers_honour_both_known_limits() -> None:
    """600 Chinese characters and 2,000 bytes; the door's own additions have room below 2,048."""
    assert TEXT_ROOM == 600 * len("字".encode()) <= 2_000
    assert WECHAT.length("字" * 600) == WECHAT.text_length
    assert (WECHAT.buttons, WECHAT.replies_per_message) == (0, 1)


# --- Cards, pictures, places -----------------------------------------------------------------------------------------

CARD = Page(
    "清河捡拾\n周六九点，还有 3 个名额",
    (Button(0, "打开", url="https://city.example/a"),),
    picture="https://city.example/p.png",
)


def test_a_picture_with_a_page_to_open_is_a_card() -> None:
    shown = layout(CARD)
    assert shown == Article("清河捡拾", "周六九点，还有 3 个名额", "https://city.example/p.png", "https://city.example/a")
    root = ElementTree.fromstring(passive_reply(shown, "o1", "gh_1", 1))
    assert root.findtext("MsgType") == "news"
    assert root.findtext("ArticleCount") == "1"
    assert root.findtext("Articles/item/PicUrl") == "https://city.example/p.png"
    assert customer_message(shown, "o1")["msgtype"] == "news"


@pytest.mark.parametrize(
    "page",
    [
        Page("只有图", picture="https://city.example/p.png"),
        Page(CARD.text, (*CARD.buttons, Button(1, "报名", "join-42")), picture=CARD.picture),
        Page("长" * 121, CARD.buttons, picture=CARD.picture),
        Page("", CARD.buttons, picture=CARD.picture),
    ],
)
def test_a_picture_beside_choices_or_long_words_is_a_link_in_the_text(page: Page) -> None:
    shown = layout(page)
    assert isinstance(shown, str)
    assert '<a href="https://city.example/p.png">🖼 图片 Picture</a>' in shown
    assert clean(page.text) in shown


@pytest.mark.parametrize(("language", "says"), [("zh_CN", "图片"), ("en", "Picture")])
def test_the_link_of_a_picture_speaks_the_readers_language(language: str, says: str) -> None:
    """A Chinese message ended in an English word."""
    assert f">🖼 {says}</a>" in str(layout(Page("只有图", picture="https://city.example/p.png", language=language)))


def test_the_link_of_a_picture_cannot_be_left_by_what_stands_in_its_address() -> None:
    shown = page_text(Page("看", picture='https://city.example/p?k="><a href="https://evil.example'))
    assert shown.count("<a ") == shown.count("</a>") == 1


@given(NASTY, NASTY)
def test_a_cards_words_cannot_leave_their_element(title: str, picture: str) -> None:
    root = ElementTree.fromstring(passive_reply(Article(title, title, picture, picture), "o1", "gh_1", 1))
    assert [child.tag for child in root.findall("Articles/item/*")] == ["Title", "Description", "PicUrl", "Url"]
    assert root.findtext("Articles/item/Title") == carried(title)


def test_a_place_is_a_map_link_in_the_maps_own_datum() -> None:
    shown = page_text(Page("地点", spot=(39.90872, 116.39748, '天安门"><a href="x', "东城区")))
    assert "coord:39.910123,116.403724;" in shown
    assert '天安门"＞＜a href="x 东城区</a>' in shown
    assert shown.count("<a ") == 1


def test_several_pages_become_the_one_message_that_may_go_back() -> None:
    one = joined([Page("甲", (Button(1, "一", "1.1"),)), Page("乙", (Button(2, "二", "1.2"),))])
    assert one is not None
    assert one.text == "甲\n\n乙"
    assert [button.number for button in one.buttons] == [1, 2]
    assert joined([]) is None
