"""Whoever may not write to many, or not like this, sends nothing: each attempt by chat or at the desk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from sqlalchemy import delete

from bot.desk import privacy
from bot.desk.campaigns import Voice
from bot.domain.activities import NotAllowed
from bot.domain.campaigns import Kept, Letter, Scope, Timing
from bot.domain.roles import Role
from bot.talk import Intent
from storage import people
from storage.tables.activities import membership, organisation
from tests.conversations.campaign_kit import CHAOYANG, HAIDIAN, centre, crowd, desk_of, drafted, sent
from tests.conversations.kit import MONDAY, Chat, Town, number_of

SATURDAY = MONDAY + timedelta(days=5)
PEOPLE = 3


@dataclass
class Stage:
    """A town with one draft in it, and those who would like to send it."""

    town: Town
    zhao: Chat
    """Wrote it, for the organisation that he organises."""
    gu: Chat
    """Leads on the spot for the same organisation."""
    lin: Chat
    """Organises another one."""
    wu: Chat
    """The centre of the district."""
    far: Chat
    """The centre of another district."""
    eve: Chat
    """Nobody in particular."""
    kept: Kept

    @property
    def number(self) -> int:
        return self.kept.campaign.id

    async def asks(self) -> None:
        """Zhao sends it, so that it waits for a second person."""
        await tries(self, self.zhao)


Attempt = Callable[[Stage], Awaitable[object]]


async def tries(stage: Stage, who: Chat, said: str = f"send {PEOPLE}") -> None:
    await who.opens("mailingsend", stage.number)
    await who.says(said)


async def agrees(stage: Stage, who: Chat, said: str = "i agree") -> None:
    await stage.asks()
    await who.opens("mailingagree", stage.number)
    await who.says(said)


async def refused(stage: Stage, who: Chat, voice: Voice, letter: Letter) -> None:
    """A draft that the desk must not keep; if it does, it is sent."""
    async with desk_of(stage.town, who) as desk:
        kept = await desk.keep(voice, letter)
        if isinstance(kept, Kept):
            await desk.send(kept.campaign.id, kept.people)
        assert isinstance(kept, NotAllowed)


async def voice_of(stage: Stage, who: Chat) -> Voice:
    async with desk_of(stage.town, who) as desk:
        return (await desk.voices())[0]


async def with_scope(stage: Stage, who: Chat, scope: Scope) -> None:
    """My own voice, another scope."""
    voice = await voice_of(stage, who)
    letter = Letter(replace(stage.kept.campaign.audience, scope=scope), stage.kept.campaign.texts)
    await refused(stage, who, voice, letter)
    await refused(stage, who, replace(voice, scope=scope), letter)


async def with_voice(stage: Stage, who: Chat, voice: Voice) -> None:
    """Somebody else's voice."""
    await refused(stage, who, voice, Letter(replace(stage.kept.campaign.audience, scope=voice.scope), TEXTS))


TEXTS = ({"en": "Come and plant"},)
CITY = Voice(None, 110000, ("北京市", "Beijing"), Scope())


async def shows_anothers_activity(stage: Stage) -> None:
    planted = await stage.town.publishes(stage.zhao, "Trees", SATURDAY)
    voice = await voice_of(stage, stage.far)
    audience = replace(stage.kept.campaign.audience, scope=voice.scope)
    await refused(stage, stage.far, voice, Letter(audience, TEXTS, activity=planted))


async def dismissed(stage: Stage) -> None:
    who = await number_of(stage.town, stage.zhao)
    async with stage.town.database.write() as unit:
        await unit.run(delete(membership).where(membership.c.person == who))
    await tries(stage, stage.zhao)


async def dismissed_after_asking(stage: Stage) -> None:
    await stage.asks()
    who = await number_of(stage.town, stage.wu)
    async with stage.town.database.write() as unit:
        await unit.run(delete(membership).where(membership.c.person == who))
    await stage.wu.opens("mailingagree", stage.number)
    await stage.wu.says("i agree")


async def erased(stage: Stage) -> None:
    async with desk_of(stage.town, stage.zhao) as desk:
        await privacy.Privacy(desk.unit, desk.me, desk.now, desk.city).erase()
    stage.town.at += timedelta(days=40)
    async with stage.town.database.write() as unit:
        assert await privacy.carry_out(unit, stage.town.city, stage.town.at)
    await tries(stage, stage.zhao)


async def replays_the_answer(stage: Stage) -> None:
    await stage.zhao.opens("mailingsend", stage.number)
    await stage.eve.says(f"send {PEOPLE}")


async def replays_the_button(stage: Stage) -> None:
    await stage.zhao.opens("mailing", stage.number)
    for button in stage.zhao.buttons:
        if "-" in button.wire:
            await stage.eve.sends(intent=Intent.parse(button.wire))
            await stage.eve.says(f"send {PEOPLE}")


async def replays_the_second_persons_yes(stage: Stage) -> None:
    await stage.asks()
    await stage.wu.opens("mailingagree", stage.number)
    for button in stage.wu.buttons:
        await stage.eve.sends(pick=button.wire)
    await stage.eve.says("yes")


async def types_the_link(stage: Stage) -> None:
    await stage.eve.says(f"mailingsend-{stage.number}")
    await stage.eve.says(f"send {PEOPLE}")


async def same_activity_twice_a_day(stage: Stage) -> None:
    planted = await stage.town.publishes(stage.zhao, "Trees", SATURDAY)
    await sent(stage.town, stage.zhao, await drafted(stage.town, stage.zhao, texts=[{"en": "One"}], activity=planted))
    await stage.town.waits(minutes=2)
    again = await drafted(stage.town, stage.zhao, activity=planted)
    await tries(replace(stage, kept=again), stage.zhao)


async def at_night(stage: Stage) -> None:
    stage.town.at += timedelta(hours=13)
    await tries(stage, stage.zhao)


async def too_late(stage: Stage) -> None:
    at = stage.town.at + timedelta(hours=1)
    kept = await drafted(stage.town, stage.zhao, texts=TEXTS, timing=Timing("at", at))
    stage.town.at += timedelta(hours=2)
    await tries(replace(stage, kept=kept), stage.zhao)


async def stopped(stage: Stage) -> None:
    await stage.zhao.opens("mailingstop", stage.number)
    await tries(stage, stage.zhao)
    await stage.zhao.opens("mailinggoon", stage.number)


async def taken_back_and_resumed(stage: Stage) -> None:
    await tries(stage, stage.zhao)
    await stage.zhao.says("undo")
    await stage.zhao.opens("mailinggoon", stage.number)


async def resumes(stage: Stage, who: Chat) -> None:
    await tries(stage, stage.zhao)
    await stage.zhao.opens("mailingpause", stage.number)
    await who.opens("mailinggoon", stage.number)


async def declined_and_agreed(stage: Stage) -> None:
    await stage.asks()
    await stage.wu.opens("mailingdecline", stage.number)
    await stage.wu.says("Too long for older people")
    await stage.wu.opens("mailingagree", stage.number)
    await stage.wu.says("i agree")
    await tries(stage, stage.zhao)


async def taken_back_and_agreed(stage: Stage) -> None:
    await stage.asks()
    await stage.zhao.opens("mailingstop", stage.number)
    await stage.wu.opens("mailingagree", stage.number)
    await stage.wu.says("i agree")


async def resumes_what_waits(stage: Stage) -> None:
    await stage.asks()
    await stage.zhao.opens("mailinggoon", stage.number)


async def sends_what_waits(stage: Stage) -> None:
    await stage.asks()
    await tries(stage, stage.zhao)


ALONE: dict[str, Attempt] = {
    "a stranger sends another's draft": lambda stage: tries(stage, stage.eve),
    "another organisation's organiser sends it": lambda stage: tries(stage, stage.lin),
    "a leader sends it": lambda stage: tries(stage, stage.gu),
    "the centre above sends what is not its own": lambda stage: tries(stage, stage.wu),
    "another district's centre sends it": lambda stage: tries(stage, stage.far),
    "the link is typed by a stranger": types_the_link,
    "the answer comes from another chat": replays_the_answer,
    "the buttons are pressed by another person": replays_the_button,
    "the count is one too many": lambda stage: tries(stage, stage.zhao, f"send {PEOPLE + 1}"),
    "the count is one too few": lambda stage: tries(stage, stage.zhao, f"send {PEOPLE - 1}"),
    "a yes instead of the count": lambda stage: tries(stage, stage.zhao, "yes"),
    "a bare number": lambda stage: tries(stage, stage.zhao, str(PEOPLE)),
    "the word without the number": lambda stage: tries(stage, stage.zhao, "send"),
    "its author has lost the post": dismissed,
    "its author is erased": erased,
    "the whole city instead of mine": lambda stage: with_scope(stage, stage.zhao, Scope()),
    "another district beside mine": lambda stage: with_scope(
        stage, stage.zhao, Scope(stage.town.organisation, (HAIDIAN, CHAOYANG))
    ),
    "another centre's district": lambda stage: with_scope(stage, stage.far, Scope(districts=(HAIDIAN,))),
    "the city's voice": lambda stage: with_voice(stage, stage.zhao, CITY),
    "another organisation's voice": lambda stage: with_voice(
        stage, stage.lin, Voice(stage.town.organisation, None, ("", ""), Scope(stage.town.organisation, (HAIDIAN,)))
    ),
    "a voice without a post": lambda stage: with_voice(
        stage, stage.eve, Voice(stage.town.organisation, None, ("", ""), Scope(stage.town.organisation, (HAIDIAN,)))
    ),
    "another's activity under the button": shows_anothers_activity,
    "one activity twice a day": same_activity_twice_a_day,
    "in the quiet hours": at_night,
    "when its time has passed": too_late,
    "stopped, then sent and resumed": stopped,
    "taken back, then resumed": taken_back_and_resumed,
    "a stranger lets a resting one go on": lambda stage: resumes(stage, stage.eve),
    "a leader lets a resting one go on": lambda stage: resumes(stage, stage.gu),
    "another organiser lets a resting one go on": lambda stage: resumes(stage, stage.lin),
}

WITH_A_SECOND: dict[str, Attempt] = {
    "above the limit without a second person": lambda stage: stage.asks(),
    "its author agrees": lambda stage: agrees(stage, stage.zhao),
    "a stranger agrees": lambda stage: agrees(stage, stage.eve),
    "a leader agrees": lambda stage: agrees(stage, stage.gu),
    "another organisation's organiser agrees": lambda stage: agrees(stage, stage.lin),
    "another district's centre agrees": lambda stage: agrees(stage, stage.far),
    "the second person says not now": lambda stage: agrees(stage, stage.wu, "not now"),
    "the second person has lost the post": dismissed_after_asking,
    "the second person's yes comes from another chat": replays_the_second_persons_yes,
    "declined, then agreed to": declined_and_agreed,
    "taken back, then agreed to": taken_back_and_agreed,
    "what waits is let go on": resumes_what_waits,
    "what waits is sent again": sends_what_waits,
}


@pytest.fixture
async def stage(town: Town) -> Stage:
    zhao, gu, lin, wu, far, eve = (Chat(town, "telegram", name) for name in ("zhao", "gu", "lin", "wu", "far", "eve"))
    for one in (zhao, gu, lin, eve):
        await one.says("menu")
    await town.has_organisation(zhao)
    await centre(town, wu, HAIDIAN)
    await centre(town, far, CHAOYANG)
    leader, other = await number_of(town, gu), await number_of(town, lin)
    async with town.database.write() as unit:
        await people.appoint(unit, leader, Role.LEADER, town.organisation, None, town.at)
        made = organisation.insert().values(
            name="朝阳", english="Chaoyang", type="association", level="district", place=CHAOYANG, created=town.at
        )
        another = (await unit.run(made.returning(organisation.c.id))).scalar_one()
        await people.appoint(unit, other, Role.ORGANISER, another, None, town.at)
    await crowd(town, PEOPLE)
    return Stage(town, zhao, gu, lin, wu, far, eve, await drafted(town, zhao))


async def heard(stage: Stage) -> int:
    """How many the draft's words have reached, some minutes later."""
    for _minute in range(3):
        await stage.town.waits(minutes=1)
    return sum("plant" in page.text for box in stage.town.mailboxes.values() for _to, page in box.sent)


@pytest.mark.parametrize("attempt", ALONE)
async def test_nothing_is_sent(stage: Stage, attempt: str) -> None:
    await ALONE[attempt](stage)
    assert await heard(stage) == 0


@pytest.mark.parametrize("attempt", WITH_A_SECOND)
async def test_nothing_is_sent_above_the_limit(stage: Stage, attempt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.domain.campaigns.SECOND_PERSON", PEOPLE - 1)
    await WITH_A_SECOND[attempt](stage)
    assert await heard(stage) == 0


async def test_control_the_author_sends_it_with_the_right_number(stage: Stage) -> None:
    await tries(stage, stage.zhao)
    assert await heard(stage) == PEOPLE


async def test_control_the_second_persons_yes_sends_it(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.domain.campaigns.SECOND_PERSON", PEOPLE - 1)
    await agrees(stage, stage.wu)
    assert await heard(stage) == PEOPLE


@pytest.mark.parametrize(
    "attempt", ["a stranger agrees", "a leader agrees", "another district's centre agrees"]
)
async def test_control_without_the_role_table_it_would_be_sent(
    stage: Stage, attempt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.domain.campaigns.SECOND_PERSON", PEOPLE - 1)
    monkeypatch.setattr("bot.desk.campaigns.may", lambda *_posts, **_where: True)
    await WITH_A_SECOND[attempt](stage)
    assert await heard(stage) == PEOPLE


async def test_control_without_the_role_table_anybody_lets_it_go_on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.desk.campaigns.may", lambda *_posts, **_where: True)
    await ALONE["a stranger lets a resting one go on"](stage)
    assert await heard(stage) == PEOPLE
