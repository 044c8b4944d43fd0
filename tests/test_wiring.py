"""What is promised outside: words in both languages, menus whose entries lead somewhere, one script a word."""

from __future__ import annotations

import pytest

from bot.app import CAPABILITIES, telegram_commands
from bot.channels.wechat import MENU
from bot.talk import Intent
from bot.talk.router import BACK, CANCEL, Router
from handlers.scripts import SCRIPTS

ROUTER = Router(SCRIPTS)

WORDS = {
    "find": "找活动", "join": "报名", "my": "我的", "checkin": "签到", "checkout": "签退", "hours": "时长",
    "certificate": "证明",
    "subscribe": "订阅", "unsubscribe": "退订", "publish": "发布", "announce": "招募", "roster": "名单",
    "link": "绑定", "mydata": "我的数据", "language": "语言", "settings": "设置", "help": "帮助", "menu": "菜单",
}  # fmt: skip


@pytest.mark.parametrize(("english", "chinese"), sorted(WORDS.items()))
def test_the_words_of_the_contract_start_the_same_script_in_both_languages(english: str, chinese: str) -> None:
    assert ROUTER.words[english] is ROUTER.words[chinese]
    assert ROUTER.words[english].name == english


def test_cancel_and_back_are_understood_anywhere_in_both_languages() -> None:
    assert {"cancel", "取消"} <= CANCEL
    assert {"back", "返回"} <= BACK
    assert not (CANCEL | BACK) & set(ROUTER.words)


@pytest.mark.parametrize("entry", MENU, ids=lambda entry: entry.link)
def test_every_entry_of_the_wechat_menu_starts_a_script(entry: object) -> None:
    intent = Intent.parse(getattr(entry, "link", ""))
    assert ROUTER.scripts[intent.script].arguments(intent.arguments) is not None


def test_every_command_of_telegram_starts_a_script_and_is_described_in_both_languages() -> None:
    for name, chinese, english in telegram_commands():
        assert name in ROUTER.scripts
        assert chinese != english
        assert 1 <= len(english) <= 256


def test_every_script_has_its_own_name_and_fits_in_a_link() -> None:
    assert len(ROUTER.scripts) == len(SCRIPTS)
    for one in SCRIPTS:
        assert Intent(one.name, ("999999999999", "A" * 16)).link


def test_every_door_that_a_message_may_come_through_has_its_numbers() -> None:
    assert set(CAPABILITIES) == {"telegram", "wechat", "web", "terminal"}
    assert CAPABILITIES["wechat"].replies_per_message == 1
