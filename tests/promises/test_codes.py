"""A check-in code is worthless half a minute later, for another activity, for someone not registered, and twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from bot.desk import attendance as presences
from bot.desk.desk import Desk
from bot.domain.attendance import AlreadyThere, CheckedIn, NotSignedUp, TooManyTries, WrongCode, code_at
from bot.domain.people import Person
from storage import activities, enrolment, people
from storage.tables.evidence import evidence
from tests.conversations.kit import MONDAY, Chat, Town

SATURDAY = MONDAY + timedelta(days=5)
PEOPLE = 100
"""Who try each way, on each database."""


@dataclass
class Tries:
    """People with a seat here, as many without, and two activities at one time."""

    town: Town
    here: int
    there: int
    seated: list[Person]
    others: list[Person]
    form: str
    """The code as it is scanned (`token`) or typed (`digits`)."""

    async def code(self, activity: int, at: datetime) -> str:
        async with self.town.database.read() as unit:
            secret = await activities.secret(unit, self.town.city.secrecy, activity)
        assert secret is not None
        return str(getattr(code_at(secret, activity, at), self.form))

    async def accepted(self, those: list[Person], code: str, at: datetime) -> int:
        """How many of these people get in with the code at this moment."""
        outcomes = []
        async with self.town.database.write() as unit:
            for who in those:
                desk = Desk(unit, who, at, self.town.city)
                outcomes.append(await desk.attendance.check_in(code, self.here))
        # Of typed codes so many wrong ones close the activity to typing.
        expected = CheckedIn | AlreadyThere | WrongCode | NotSignedUp | TooManyTries
        assert all(isinstance(one, expected) for one in outcomes)
        return sum(isinstance(one, CheckedIn) for one in outcomes)

    async def kept(self) -> int:
        async with self.town.database.read() as unit:
            return int((await unit.run(select(func.count()).select_from(evidence))).scalar_one())


@pytest.fixture(params=["token", "digits"])
async def tries(town: Town, request: pytest.FixtureRequest) -> Tries:
    olga = Chat(town, "telegram", "Olga")
    here = await town.publishes(olga, "Here", SATURDAY, seats=PEOPLE)
    there = await town.publishes(olga, "There", SATURDAY, seats=PEOPLE)
    seated, others = [], []
    async with town.database.write() as unit:
        card = await activities.card(unit, here)
        assert card is not None
        for number in range(2 * PEOPLE):
            who = (await people.meet(unit, "telegram", f"somebody {number}", "en", town.at)).person
            (seated if number < PEOPLE else others).append(who)
            if number < PEOPLE:
                await enrolment.seat(unit, card.shifts[0].id, who.id, town.at)
    return Tries(town, here, there, seated, others, request.param)


async def test_replayed_after_31_seconds_nobody_gets_in(tries: Tries) -> None:
    code = await tries.code(tries.here, SATURDAY)
    assert await tries.accepted(tries.seated, code, SATURDAY + timedelta(seconds=31)) == 0
    assert await tries.accepted(tries.seated, code, SATURDAY + timedelta(minutes=5)) == 0
    assert await tries.kept() == 0


async def test_with_another_activitys_code_nobody_gets_in(tries: Tries) -> None:
    assert await tries.accepted(tries.seated, await tries.code(tries.there, SATURDAY), SATURDAY) == 0
    assert await tries.kept() == 0


async def test_who_is_not_registered_does_not_get_in(tries: Tries) -> None:
    assert await tries.accepted(tries.others, await tries.code(tries.here, SATURDAY), SATURDAY) == 0
    assert await tries.kept() == 0


async def test_who_is_not_registered_hears_nothing_of_the_code(tries: Tries) -> None:
    """Right, old or made up: they hear that they have no sign-up that is on, not that the code does not fit."""
    codes = [await tries.code(tries.here, SATURDAY), await tries.code(tries.there, SATURDAY), "0" * 16]
    async with tries.town.database.write() as unit:
        desk = Desk(unit, tries.others[0], SATURDAY, tries.town.city)
        assert {await desk.attendance.check_in(code, tries.here) for code in codes} == {NotSignedUp()}


async def test_the_second_time_has_no_effect(tries: Tries) -> None:
    code = await tries.code(tries.here, SATURDAY)
    assert await tries.accepted(tries.seated, code, SATURDAY) == PEOPLE  # control: fresh, here and registered
    assert await tries.accepted(tries.seated, code, SATURDAY + timedelta(seconds=10)) == 0
    assert await tries.kept() == PEOPLE


async def test_without_the_steps_every_replay_would_be_taken(tries: Tries, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: the guard is that a code belongs to its step."""
    code = await tries.code(tries.here, SATURDAY)
    right = presences.step_of
    monkeypatch.setattr(presences, "step_of", lambda key, one, given, _now: right(key, one, given, SATURDAY))
    assert await tries.accepted(tries.seated, code, SATURDAY + timedelta(seconds=31)) == PEOPLE


async def test_without_the_activity_in_the_code_anothers_would_be_taken(
    tries: Tries, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: the guard is the activity's own secret, and its number in the code."""
    code = await tries.code(tries.there, SATURDAY)
    async with tries.town.database.read() as unit:
        secret = await activities.secret(unit, tries.town.city.secrecy, tries.there)
    assert secret is not None
    right = presences.step_of
    monkeypatch.setattr(presences, "step_of", lambda _own, _here, given, now: right(secret, tries.there, given, now))
    assert await tries.accepted(tries.seated, code, SATURDAY) == PEOPLE
