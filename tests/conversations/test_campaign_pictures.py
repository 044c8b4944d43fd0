"""A picture for a campaign: taken when it is asked for, shown, changed, removed, sent as one where a door can."""

from __future__ import annotations

import io
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image
from sqlalchemy import select

from bot.channels.photos import Seeing
from bot.desk import campaign_pages
from bot.domain.activities import NotAllowed
from bot.domain.campaigns import Kept
from bot.talk import Photo
from storage.tables.campaigns import campaign, campaign_picture
from storage.tables.messages import inbox
from storage.tables.people import conversation
from tests.conversations.campaign_kit import HAIDIAN, centre, crowd, desk_of, drafted, follower, organiser, sent, writes
from tests.conversations.kit import DOORS, Chat, Town

Open = Callable[..., Chat]


def drawn(colour: str = "green", size: tuple[int, int] = (800, 600), kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, kind)
    return out.getvalue()


async def shows(chat: Chat, picture: bytes | None) -> str:
    """Send a picture as this door brings it: by its platform's key, and on our own page by itself."""

    async def fetch(_key: str) -> bytes | None:
        return picture

    town = chat.town
    fetched = {} if chat.door == "web" else {chat.door: fetch}
    seeing = Seeing(town.turns, fetched, "http://city.test", ["join"], town.turns.open_question)
    photo = Photo("file", picture if chat.door == "web" else None)
    chat.pages = (await seeing.take(chat.incoming(photo=photo))).pages
    return chat.text


async def asked_for_a_picture(town: Town, chat: Chat) -> Chat:
    """An organiser who has answered everything else."""
    await organiser(town, chat)
    await crowd(town, 2)
    said = await writes(chat, "campaign", "done", "as soon as i send it", "skip", "Come and plant")
    assert "A picture to go with it?" in said
    return chat


async def seen_at(town: Town, address: str) -> bytes | None:
    """What the page under a picture's address gives."""
    parts = urlsplit(address)
    number, key = int(parts.path.split("/")[2]), parse_qs(parts.query)["k"][0]
    return await campaign_pages.picture_of(town.database, town.city, number, key)


def colour(picture: bytes | None) -> tuple[int, ...]:
    assert picture is not None
    with Image.open(io.BytesIO(picture)) as image:
        assert image.format == "JPEG"
        found = image.convert("RGB").getpixel((60, 60))
    assert isinstance(found, tuple)
    return tuple(round(one / 64) for one in found)


GREEN, RED = (0, 2, 0), (4, 0, 0)


async def test_a_picture_that_is_sent_when_it_is_asked_for_goes_with_the_message(town: Town, chat: Open) -> None:
    zhao = await asked_for_a_picture(town, chat("zhao"))
    ann = chat("ann")
    await follower(town, ann, ("district", str(HAIDIAN)))
    await shows(zhao, drawn())
    assert "nothing has been sent" in zhao.text
    assert "With this picture." in zhao.text
    assert colour(await seen_at(town, zhao.pages[0].picture)) == GREEN
    await zhao.says("send")
    await zhao.says("send 3")
    await town.waits(minutes=2)
    page = ann.pushed()[-1]
    assert DOORS[ann.door].sends_pictures
    assert colour(await seen_at(town, page.picture)) == GREEN
    assert page.text.count("Come and plant") == 1, "it was said twice: once as the picture's text"


@pytest.mark.parametrize(
    ("picture", "told"),
    [
        (None, "did not reach me"),
        (b"%PDF-1.7 not a picture", "cannot read that as a picture"),
        (drawn(kind="GIF"), "cannot read that as a picture"),
        (drawn(size=(6_000, 5_000)), "too large"),
        (drawn(size=(1_000, 40)), "too small or too narrow"),
    ],
    ids=["lost", "a document", "an animation", "enormous", "a strip"],
)
async def test_what_cannot_be_shown_is_refused_in_words_and_asked_for_again(
    town: Town, chat: Open, picture: bytes | None, told: str
) -> None:
    zhao = await asked_for_a_picture(town, chat("zhao"))
    said = await shows(zhao, picture or b"") if zhao.door == "web" else await shows(zhao, picture)
    assert told in said
    assert "A picture to go with it?" in said
    await shows(zhao, drawn())
    assert "With this picture." in zhao.text


@pytest.mark.parametrize("said", ["no picture", "none", "skip", "不用", "1"])
async def test_without_a_picture_is_a_word_too(town: Town, chat: Open, said: str) -> None:
    zhao = await asked_for_a_picture(town, chat("zhao"))
    assert "choose none" in await zhao.says("what kind of picture?")
    await zhao.says(said)
    assert "nothing has been sent" in zhao.text
    assert not any(page.picture for page in zhao.pages)


async def test_it_is_changed_and_removed_while_it_is_a_draft(town: Town, chat: Open) -> None:
    zhao = await asked_for_a_picture(town, chat("zhao"))
    await shows(zhao, drawn())
    first = zhao.pages[0].picture
    town.at = town.at.replace(minute=7)
    await zhao.says("change or remove the picture")
    await shows(zhao, drawn("red"))
    second = zhao.pages[0].picture
    assert first != second, "a platform that has fetched the first would go on showing it"
    assert colour(await seen_at(town, second)) == RED
    await zhao.says("change or remove the picture")
    await zhao.says("no picture")
    assert "nothing has been sent" in zhao.text
    assert not any(page.picture for page in zhao.pages)
    assert await seen_at(town, second) is None


async def test_what_is_on_its_way_keeps_the_picture_that_was_agreed_to(town: Town, chat: Open) -> None:
    zhao = await asked_for_a_picture(town, chat("zhao"))
    await shows(zhao, drawn())
    await zhao.says("send")
    await zhao.says("send 2")
    await zhao.opens("mailingpicture", 1)
    assert "no such campaign" in zhao.text
    async with desk_of(town, zhao) as desk:
        assert await desk.illustrate(1, None) == NotAllowed()


async def test_the_second_person_sees_it_before_they_agree(
    town: Town, chat: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.domain.campaigns.SECOND_PERSON", 1)
    zhao, wu = await asked_for_a_picture(town, chat("zhao")), chat("wu")
    await centre(town, wu, HAIDIAN)
    await shows(zhao, drawn())
    await zhao.says("send")
    await zhao.says("send 2")
    await wu.opens("mailing", 1)
    assert "Agree" in wu.labels
    assert colour(await seen_at(town, wu.pages[0].picture)) == GREEN


async def test_only_its_author_gives_it_a_picture(town: Town, chat: Open) -> None:
    zhao, wu = chat("zhao"), chat("wu")
    await zhao.says("menu")
    await town.has_organisation(zhao)
    await centre(town, wu, HAIDIAN)
    await crowd(town, 1)
    kept: Kept = await drafted(town, zhao)
    async with desk_of(town, wu) as desk:
        assert await desk.illustrate(kept.campaign.id, drawn()) == NotAllowed()
    await sent(town, zhao, kept)


async def test_the_conversation_keeps_no_picture_and_the_database_keeps_it_sealed(town: Town, chat: Open) -> None:
    zhao = await asked_for_a_picture(town, chat("zhao"))
    out = io.BytesIO()
    Image.effect_noise((800, 600), 90).save(out, "PNG")
    await shows(zhao, out.getvalue())
    async with town.database.read() as unit:
        sealed = (await unit.run(select(campaign_picture.c.picture))).scalar_one()
        sessions = list((await unit.run(select(conversation.c.session))).scalars())
        raws = list((await unit.run(select(inbox.c.raw))).scalars())
        kept = (await unit.run(select(campaign.c.texts))).scalar_one()
    assert b"JFIF" not in sealed
    assert max(map(len, sessions)) < 5_000 < 50_000 < len(sealed)
    assert all(not raw or len(raw) < 200 for raw in raws)
    assert kept == [{"en": "Come and plant"}]


async def test_where_none_is_asked_for_a_picture_is_looked_at_for_codes_only(town: Town, chat: Open) -> None:
    ann = chat("ann")
    await ann.says("menu")
    assert "no code of ours" in await shows(ann, drawn())
