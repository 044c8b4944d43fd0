"""The list of a campaign's messages: by an address from the chat that works once, names masked, never a formula."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import timedelta

import pytest
from sqlalchemy import delete

from bot.answers import Answers
from bot.desk.campaign_pages import listed
from bot.desk.documents import insured
from bot.desk.privacy import exported
from bot.talk.wording import Wording
from handlers.reports import because
from handlers.whynot import PLATFORMS
from storage import people, takeaways
from storage.outbox import STOPPED_SENDER
from storage.tables.activities import membership
from storage.takeaways import What
from tests.conversations.campaign_kit import HAIDIAN, drafted, follower, organiser, sent
from tests.conversations.kit import BEIJING, SECRECY, Chat, Town, number_of


async def asked(town: Town) -> tuple[Chat, str]:
    """Zhao's campaign has reached Ann, whose name begins like a formula; the address of its list."""
    zhao, ann = Chat(town, "telegram", "zhao"), Chat(town, "telegram", "ann")
    await organiser(town, zhao)
    who = await follower(town, ann, ("district", str(HAIDIAN)))
    async with town.database.write() as unit:
        await people.keep_personal(unit, SECRECY, who, "=Ann Lee", "")
    kept = await drafted(town, zhao)
    await sent(town, zhao, kept)
    await town.waits(minutes=2)
    await zhao.opens("mailing", kept.campaign.id)
    await zhao.picks("The list of its messages")
    address = next(button.url for button in zhao.buttons if ".xlsx" in button.url)
    found = re.search("/campaign/list/([0-9a-f]{32})", address)
    assert found
    return zhao, found[1]


async def test_it_comes_once_with_masked_names_and_without_formulas(town: Town) -> None:
    _zhao, token = await asked(town)
    found = await listed(town.database, town.city, token, town.at)
    assert found is not None
    assert [(one.name, one.state, one.door) for one in found[1]] == [("=***", "sent", "telegram")]
    assert await listed(town.database, town.city, token, town.at) is None


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("What became of it", "sent", "where they wrote last", "Telegram")),
        ("zh_CN", ("结果", "已发送", "发到上次来信的地方", "Telegram")),
    ],
)
async def test_the_table_is_in_the_language_of_whoever_asked_and_has_no_formulas(
    town: Town, language: str, words: tuple[str, ...]
) -> None:
    zhao, token = await asked(town)
    who = await number_of(town, zhao)
    async with town.database.write() as unit:
        await people.change(unit, who, language=language)
    book = await Answers(town.database, town.city, lambda: town.at).campaign_list(token)
    assert book is not None
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        whole = "".join(parts.read(name).decode() for name in parts.namelist() if name.endswith(".xml"))
    assert all(word in whole for word in (*words, "=***", "2026-11-"))
    assert "Ann" not in whole
    assert "<f>" not in whole


async def test_its_address_ends_after_an_hour_and_with_the_post(town: Town) -> None:
    zhao, token = await asked(town)
    assert await listed(town.database, town.city, token, town.at + timedelta(hours=1, seconds=1)) is None
    assert await listed(town.database, town.city, "0" * 32, town.at) is None
    who = await number_of(town, zhao)
    async with town.database.write() as unit:
        await unit.run(delete(membership).where(membership.c.person == who))
    assert await listed(town.database, town.city, token, town.at) is None


async def test_nobody_else_gets_one(town: Town) -> None:
    await asked(town)
    eve = Chat(town, "telegram", "eve")
    assert "no such campaign" in await eve.opens("mailinglist", 1)


async def test_its_address_gives_nothing_else_and_outlives_an_export(town: Town) -> None:
    """To ask for one's own data once made the addresses of lists worthless too."""
    zhao, token = await asked(town)
    assert await exported(town.database, town.city, token, town.at) is None
    assert await insured(town.database, town.city, token, town.at) is None
    async with town.database.write() as unit:
        await takeaways.offer(unit, What.EXPORT, await number_of(town, zhao), ["a" * 32], town.at, timedelta(hours=1))
    assert await listed(town.database, town.city, "a" * 32, town.at) is None
    assert await listed(town.database, town.city, token, town.at) is not None
    assert await exported(town.database, town.city, "a" * 32, town.at) is not None


@pytest.mark.parametrize("noted", [STOPPED_SENDER, "was to go by wechat", *PLATFORMS])
def test_what_our_own_senders_note_is_read_in_chinese_too(noted: str) -> None:
    """“was to go by wechat” stood in the list as it was kept."""
    assert not re.search("[a-z]{4}", Wording("zh_CN", BEIJING)(because(noted)).replace("Menkou", ""))
