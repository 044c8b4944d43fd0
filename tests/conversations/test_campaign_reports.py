"""What an author reads of a campaign: refusals by reason, and by name whom nobody knows whether it reached."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from bot.answers import Answers
from bot.desk.campaign_pages import page_of
from bot.domain.campaigns import Kept
from bot.domain.reach import Reason
from bot.talk.door import Delivered, Outcome, Refused, Uncertain
from bot.talk.view import Page
from storage import people
from storage.secrecy import Secrecy
from tests.conversations.campaign_kit import HAIDIAN, centre, crowd, drafted, follower, organiser, sent
from tests.conversations.kit import SECRECY, Chat, Town, number_of

Open = Callable[..., Chat]


async def named(town: Town, name: str) -> Chat:
    """Somebody who gets what is written to Haidian."""
    chat = Chat(town, "telegram", name)
    who = await follower(town, chat, ("district", str(HAIDIAN)))
    async with town.database.write() as unit:
        await people.keep_personal(unit, SECRECY, who, name, "")
    return chat


async def told(town: Town, zhao: Chat, answers: dict[str, Outcome]) -> Kept:
    """A campaign of which the platform answers what it is told to, by the recipient's address."""

    async def send(to: str, page: Page, key: str) -> Outcome:
        return answers.get(to, Delivered(key)) if "plant" in page.text else Delivered(key)

    kept = await drafted(town, zhao)
    await sent(town, zhao, kept)
    town.mailboxes["telegram"].send = send  # type: ignore[method-assign]
    await town.waits(minutes=2)
    return kept


@pytest.fixture
def doors() -> dict[str, Outcome]:
    return {
        "Ann Lee": Uncertain("no answer in 9 s"),
        "Ben Ma": Refused("403 Forbidden: bot was blocked by the user"),
        "Cao Yu": Refused("403 Forbidden: bot was blocked by the user"),
        "Dan Xu": Refused("400 Bad Request: chat not found"),
    }


async def test_refusals_stand_by_reason_and_doubtful_ones_by_name(
    town: Town, chat: Open, doors: dict[str, Outcome]
) -> None:
    zhao = await organiser(town, chat("zhao"))
    folk = {name: await named(town, name) for name in (*doors, "Eve Wu")}
    kept = await told(town, zhao, {folk[name].name: outcome for name, outcome in doors.items()})
    await zhao.opens("mailing", kept.campaign.id)
    told_lines = zhao.text.splitlines()
    at = told_lines.index("Refused: 3")
    assert told_lines[at + 1 : at + 5] == [
        "– bot was blocked by the user 2",
        "– chat not found 1",
        "Perhaps arrived: 1",
        "– A***" if zhao.door == "telegram" else "– Ann Lee",
    ]


async def test_an_author_reads_in_chinese_why_the_platform_refused(town: Town, doors: dict[str, Outcome]) -> None:
    zhao = await organiser(town, Chat(town, "telegram", "zhao"))
    ben = await named(town, "Ben Ma")
    kept = await told(town, zhao, {ben.name: doors["Ben Ma"]})
    who = await number_of(town, zhao)
    async with town.database.write() as unit:
        await people.change(unit, who, language="zh_CN")
    await zhao.opens("mailing", kept.campaign.id)
    assert "– 对方拉黑了机器人 1" in zhao.text, "it was told in the platform's English"


async def test_what_waits_says_for_what(town: Town) -> None:
    zhao = await organiser(town, Chat(town, "telegram", "zhao"))
    await follower(town, Chat(town, "wechat", "mei"), ("district", str(HAIDIAN)))
    town.at += timedelta(days=3)
    kept = await drafted(town, zhao)
    await sent(town, zhao, kept)
    await town.waits(minutes=2)
    await zhao.opens("mailing", kept.campaign.id)
    assert "Waiting: 1.\n– until they write again: WeChat lets me speak first only for a while 1" in zhao.text
    page = await Answers(town.database, town.city, lambda: town.at).campaign(
        kept.campaign.id, town.city.secrecy.signature(f"campaign:{kept.campaign.id}")
    )
    assert page is not None
    assert [count for _why, count in page.delays] == [1]


async def test_the_page_masks_them_whoever_holds_its_address(town: Town, doors: dict[str, Outcome]) -> None:
    zhao = await organiser(town, Chat(town, "web", "zhao"))
    ann = await named(town, "Ann Lee")
    kept = await told(town, zhao, {ann.name: doors["Ann Lee"]})
    number = kept.campaign.id
    found = await page_of(town.database, town.city, number, town.city.secrecy.signature(f"campaign:{number}"))
    assert found is not None
    assert list(found.perhaps) == ["A***"]
    other = Secrecy("another key, with which nobody signs here").signature(f"campaign:{number}")
    assert await page_of(town.database, town.city, number, other) is None


async def test_the_centre_above_reads_masked_names(town: Town, chat: Open, doors: dict[str, Outcome]) -> None:
    zhao, wu = await organiser(town, chat("zhao")), chat("wu")
    await centre(town, wu, HAIDIAN)
    ann = await named(town, "Ann Lee")
    kept = await told(town, zhao, {ann.name: doors["Ann Lee"]})
    await wu.opens("mailing", kept.campaign.id)
    assert "– A***" in wu.text
    assert "Ann Lee" not in wu.text


async def test_many_are_named_only_in_part(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("bot.domain.campaigns.NAMED", "bot.desk.campaign_messages.NAMED"):
        monkeypatch.setattr(module, 4)
    zhao = await organiser(town, Chat(town, "telegram", "zhao"))
    await crowd(town, 7)

    async def send(_to: str, page: Page, key: str) -> Outcome:
        return Uncertain("no answer") if "plant" in page.text else Delivered(key)

    kept = await drafted(town, zhao)
    await sent(town, zhao, kept)
    town.mailboxes["telegram"].send = send  # type: ignore[method-assign]
    await town.waits(minutes=2)
    for _probe in range(2):  # after five of them the line rests, and makes one call at a time
        await town.waits(minutes=1)
    await zhao.opens("mailing", kept.campaign.id)
    assert "Perhaps arrived: 7\n– — · — · — · — · and 3 more" in zhao.text


async def test_what_the_rules_left_out_stands_apart_from_what_was_refused(
    town: Town, doors: dict[str, Outcome]
) -> None:
    zhao = await organiser(town, Chat(town, "telegram", "zhao"))
    ann, ben = await named(town, "Ann Lee"), await named(town, "Ben Ma")
    kept = await drafted(town, zhao)
    await sent(town, zhao, kept)
    town.at += timedelta(seconds=59)
    await town.planner.expand()
    who = await number_of(town, ann)

    async def send(to: str, page: Page, key: str) -> Outcome:
        return doors["Ben Ma"] if to == ben.name and "plant" in page.text else Delivered(key)

    town.mailboxes["telegram"].send = send  # type: ignore[method-assign]
    await town.waits(seconds=0.5)
    async with town.database.write() as unit:
        await people.unsubscribe(unit, who)
    await town.waits(minutes=2)
    await zhao.opens("mailing", kept.campaign.id)
    assert "Refused: 1\n– bot was blocked by the user 1\nLeft out by rule: 1\n– " in zhao.text
    assert Reason.NOT_SIGNED_UP.value not in zhao.text, "in words, not as it is kept"
