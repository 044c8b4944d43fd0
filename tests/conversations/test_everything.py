"""Nobody needs to know a word before they use it: the menu leads to every conversation that has one."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

from bot.talk import Text
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
        *("publish", "roster", "announce", "campaign", "campaigns", "claims", "roll", "walkin", "minutes", "amend"),
        *("sample", "withdrawproof", "proofregister", "starcases", "starnotices"),
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
