"""Nobody needs to know a word before they use it: the menu leads to every conversation that has one."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC
from math import ceil

import pytest

from bot.talk import LANGUAGES, Text, Wording, _
from bot.talk.script import LIST_LENGTH
from handlers.everything import OTHERS
from handlers.scripts import SCRIPTS
from tests.conversations.kit import Chat

Open = Callable[..., Chat]

ELSEWHERE = {
    "the menu": {"find", "my", "checkin", "checkout", "hours", "subscribe", "settings", "organise", "everything"},
    "settings": {"language", "elder", "quiet"},
    "my hours": {"records"},
    "my calendar": {"newcalendar"},
    "which messages I want": {"digest", "nodigest", "noreminders", "nocalls", "nocampaigns"},
    "my data": {"takeout", "withdraw", "erase", "keep"},
    "what one looks after": {
        *("publish", "roster", "poster", "announce", "campaign", "campaigns", "claims", "roll", "walkin", "minutes"),
        *("amend", "sample", "withdrawproof", "proofregister", "starcases", "starnotices"),
    },
    "the activity or sign-up itself": {"join", "document", "unsubscribe", "unlink"},
    "any moment": {"start", "menu", "help"},
}
"""Where a conversation is offered that the list of everything else leaves out."""


def test_every_conversation_with_a_word_is_offered_somewhere() -> None:
    offered = {one.intent.script for one in OTHERS}.union(*ELSEWHERE.values())
    assert {one.name for one in SCRIPTS if one.words} - offered == set()


async def test_the_menu_leads_there_and_more_leads_on(chat: Open) -> None:
    ann = chat("ann")
    await ann.says("hello")
    await ann.says("menu")
    assert "This too" in await ann.picks("Everything else")
    seen = list(ann.labels)
    for _leaf in range(ceil(len(OTHERS) / LIST_LENGTH) - 1):
        await ann.picks("More")
        seen += ann.labels
    assert {one.label.msgid for one in OTHERS if isinstance(one.label, Text)} <= {
        label.split("  ")[-1] for label in seen
    }
    assert "what I keep about you" in await ann.says("mydata")


async def test_each_of_them_answers_whoever_is_new(chat: Open) -> None:
    ann = chat("ann")
    await ann.says("hello")
    for one in OTHERS:
        said = await ann.opens(one.intent.script, *one.intent.arguments)
        assert said
        assert "did not understand" not in said
        await ann.says("cancel")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_what_a_menu_calls_a_conversation_can_be_typed_anywhere(chat: Open, language: str) -> None:
    zhao = chat("zhao", language=language)
    await zhao.says("hello")
    await zhao.town.has_organisation(zhao)
    in_words = Wording(language, UTC)
    called = {in_words(one.label): one.intent.script for one in OTHERS}
    for menu in ("menu", "settings"):
        await zhao.opens(menu)
        called |= {label.split("  ")[-1]: menu for label in zhao.labels}
    assert len(called) > 30
    unknown = in_words(_("I did not understand that."))
    silent = [label for label in called if not TURNS_A_SWITCH.search(label) and unknown in await typed(zhao, label)]
    assert silent == []
    assert unknown in await typed(zhao, "Nothing of the sort")  # control


TURNS_A_SWITCH = re.compile("：[开关]|: o(n|ff)$")


async def typed(one: Chat, label: str) -> str:
    """What is answered who types it as the first thing of a day."""
    await one.says("cancel")
    return await one.says(label)


async def test_who_names_a_language_has_chosen_it(chat: Open) -> None:
    ann = chat("ann")
    await ann.says("hello")
    assert "以后我说中文" in await ann.says("中文")
    assert "I will speak English from now on" in await ann.says("English")
    assert "Which language?" in await ann.says("language")
    assert "以后我说中文" in await ann.says("中文")
