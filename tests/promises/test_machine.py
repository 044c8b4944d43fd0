"""Any order of what people and time do to a city: every answer and every seat is as in a small city in memory.

Hypothesis makes the orders up. Its worth is shown by planted faults, each of which it must find.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
from collections.abc import Callable, Coroutine, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import insert, select, update

from bot.desk import counting, offers, privacy
from bot.desk.desk import Desk
from bot.desk.records import close_shifts
from bot.domain.activities import Plan, Published
from bot.domain.attendance import CHECKOUT_CLOSES, code_at
from bot.domain.corrections import Corrected
from bot.domain.enrolment import COMING, HELD, Stand
from bot.domain.people import Person
from bot.domain.records import Counted
from bot.domain.roles import Role
from storage import activities, attendance, enrolment, people
from storage import offers as kept_offers
from storage.database import Database
from storage.tables.activities import activity, organisation, shift
from storage.tables.enrolment import enrolment as signed_up
from storage.tables.enrolment import record
from tests.conversations.kit import MONDAY, SECRECY, Town
from tests.operating.conftest import build
from tests.postgres import Postgres
from tests.promises import reference
from tests.promises.reference import Place

SOAK = os.environ.get("MENKOU_SOAK") == "1"
EXAMPLES = 400 if SOAK else 25
STEPS = 60 if SOAK else 40
FAULT_EXAMPLES = 200
"""The first that shows a planted fault ends the search. How soon one comes is luck, and changes with every new rule;
each fault has a rule that leads there, so that a few are enough."""

pytestmark = pytest.mark.timeout(1_800 if SOAK else 600)
"""Half a minute alone, with coverage. Beside three other workers on two cores, in a process with thousands of tests
behind it, it was over two minutes: this limit is for what hangs, not for how fast a machine is."""

somebody = st.integers(0, 5)
somewhere = st.sampled_from([0, 0, 1, 2])
"""Most of it happens at one place, where people are in each other's way."""

Fresh = Callable[[], str]


class Machine(RuleBasedStateMachine):
    """The city and its reference, side by side."""

    fresh: ClassVar[Fresh]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.url = type(self).fresh()
        self.database = Database(self.url, SECRECY)
        self.town = Town(self.database)
        self.city = reference.City(self.town.at)
        self.people: list[int] = []
        self.shifts: list[int] = []
        self.activities: list[int] = []
        self.moved = 0

    def teardown(self) -> None:
        self.runner.run(self.database.close())
        self.runner.close()

    def did(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    @initialize(said=st.booleans())
    def founded(self, said: bool) -> None:
        self.did(self._founded())
        for one in range(4):  # two with a seat, two who wait
            self.registers()
            self.joins(one, 0)
        if said:
            self.says_that_they_come(0, 0)

    async def _founded(self) -> None:
        async with self.database.write() as unit:
            self.organiser = (await people.meet(unit, "web", "organiser", "en", MONDAY)).person.id
            named = {"name": "绿芽", "english": "", "type": "association", "level": "district", "place": 110108}
            made = insert(organisation).values(created=MONDAY, **named).returning(organisation.c.id)
            self.organisation = (await unit.run(made)).scalar_one()
            await people.appoint(unit, self.organiser, Role.ORGANISER, self.organisation, None, MONDAY)
            for number, (capacity, approval) in enumerate([(2, False), (1, False), (1, True)]):
                starts = self.city.now + timedelta(days=300 + 20 * number)
                ends = starts + timedelta(hours=2)
                plan = Plan("Planting", "environment", starts, ends, 110108, "East Gate", capacity, "")
                made = await self._desk(unit, self.organiser).organising.publish(self.organisation, plan)
                assert isinstance(made, Published)
                await unit.run(update(activity).where(activity.c.id == made.activity).values(approval=approval))
                self.shifts.append(made.shift)
                self.activities.append(made.activity)
                self.city.places.append(Place(starts, ends, capacity, approval))

    def _desk(self, unit: Any, who: int) -> Desk:
        return Desk(unit, Person(who, "", "en"), self.city.now, self.town.city)

    def asks(self, who: int, work: Callable[[Desk], Coroutine[Any, Any, Any]]) -> Any:
        """Somebody's deed at the desk, in a transaction of its own."""

        async def turn() -> Any:
            async with self.database.write() as unit:
                return await work(self._desk(unit, who))

        return self.did(turn())

    def same(self, fact: object, expected: str) -> None:
        """The desk's answer is the reference's."""
        name = str(fact) if isinstance(fact, bool) else type(fact).__name__
        assert name == expected, f"the desk says {name}, the reference {expected}"

    def who(self, number: int) -> int:
        return self.people[number % len(self.people)]

    def sign_up(self, who: int, place: int) -> int:
        found = select(signed_up.c.id).where(signed_up.c.shift == self.shifts[place], signed_up.c.person == who)

        async def look() -> int:
            async with self.database.read() as unit:
                return int((await unit.run(found)).scalar_one_or_none() or 0)

        return int(self.did(look()))

    # --- What people do --------------------------------------------------------------------------------------------

    @rule()
    def registers(self) -> None:
        async def met() -> int:
            async with self.database.write() as unit:
                return (await people.meet(unit, "web", secrets.token_hex(8), "en", self.city.now)).person.id

        self.people.append(self.did(met()))

    @precondition(lambda self: self.people)
    @rule(one=somebody, at=somewhere)
    def joins(self, one: int, at: int) -> None:
        who = self.who(one)
        self.same(
            self.asks(who, lambda desk: desk.enrolment.join(self.shifts[at])), self.city.join(who, self.city.places[at])
        )

    @precondition(lambda self: self._held())
    @rule(which=st.integers(0, 9))
    def leaves(self, which: int) -> None:
        held = self._held()
        self._leaves(*held[which % len(held)])

    def _leaves(self, at: int, who: int) -> None:
        mine = self.sign_up(who, at)
        self.same(self.asks(who, lambda desk: desk.enrolment.leave(mine)), self.city.leave(who, self.city.places[at]))

    @precondition(lambda self: self.people)
    @rule(one=somebody, at=somewhere)
    def accepts(self, one: int, at: int) -> None:
        who, mine = self.who(one), self.sign_up(self.who(one), at)
        self.same(self.asks(who, lambda desk: desk.offers.accept(mine)), self.city.accept(who, self.city.places[at]))

    @precondition(lambda self: self._offered())
    @rule(which=st.integers(0, 9), yes=st.booleans())
    def answers_an_offer(self, which: int, yes: bool) -> None:
        offered = self._offered()
        at, who = offered[which % len(offered)]
        mine = self.sign_up(who, at)
        if yes:
            expected = self.city.accept(who, self.city.places[at])
            return self.same(self.asks(who, lambda desk: desk.offers.accept(mine)), expected)
        self._leaves(at, who)

    def _passable(self) -> list[tuple[int, int]]:
        """Seats that go to somebody who waits when they are given back, long before it begins: (place, who has one)."""
        far = timedelta(days=10)
        places = [
            (at, one) for at, one in enumerate(self.city.places)
            if self.city.now + far < one.starts and one.open and one.queue() and one.taken <= one.capacity
        ]  # fmt: skip
        return [(at, who) for at, one in places for who, mine in one.entries.items() if mine.stand in COMING]

    @precondition(lambda self: self._between() and self._passable())
    @rule(which=st.integers(0, 9))
    def nobody_answers_what_is_offered(self, which: int) -> None:
        """A seat comes free, and whoever it is held for lets it run out."""
        passable = self._passable()
        self._leaves(*passable[which % len(passable)])
        self.two_days_pass()

    def _held(self) -> list[tuple[int, int]]:
        places = enumerate(self.city.places)
        return [(at, who) for at, one in places for who, mine in one.entries.items() if mine.stand in HELD]

    def _offered(self) -> list[tuple[int, int]]:
        places = enumerate(self.city.places)
        return [(at, who) for at, one in places for who, mine in one.entries.items() if mine.stand == Stand.OFFERED]

    @precondition(lambda self: self.people)
    @rule(one=somebody, at=somewhere)
    def says_that_they_come(self, one: int, at: int) -> None:
        self._says_that_they_come(at, self.who(one))

    def _says_that_they_come(self, at: int, who: int) -> None:
        mine = self.sign_up(who, at)
        expected = self.city.confirm(who, self.city.places[at])
        self.same(self.asks(who, lambda desk: desk.enrolment.still_coming(mine)), expected)

    def _standing(self, *stands: Stand) -> list[tuple[int, int]]:
        """Sign-ups at places that are on: (place, person)."""
        on = [(at, one) for at, one in enumerate(self.city.places) if one.open]
        on = [(at, one) for at, one in on if one.starts - timedelta(hours=1) <= self.city.now < one.ends]
        return [(at, who) for at, one in on for who, mine in one.entries.items() if mine.stand in stands]

    @precondition(lambda self: self._standing(*COMING, Stand.ARRIVED))
    @rule(which=st.integers(0, 9))
    def checks_in(self, which: int) -> None:
        there = self._standing(*COMING, Stand.ARRIVED)
        at, who = there[which % len(there)]
        code = self._code(at)
        fact = self.asks(who, lambda desk: desk.attendance.check_in(code, self.activities[at]))
        self.same(fact, self.city.arrive(who, self.city.places[at]))

    @precondition(lambda self: self._standing(Stand.ARRIVED))
    @rule(which=st.integers(0, 9))
    def takes_the_check_in_back(self, which: int) -> None:
        there = self._standing(Stand.ARRIVED)
        at, who = there[which % len(there)]
        mine = self.sign_up(who, at)
        expected = self.city.unarrive(who, self.city.places[at])
        self.same(self.asks(who, lambda desk: desk.attendance.undo_check_in(mine)), expected)

    def _there(self) -> list[tuple[int, int]]:
        late = timedelta(hours=2)
        on = [(at, one) for at, one in enumerate(self.city.places) if one.open and self.city.now < one.ends + late]
        return [(at, who) for at, one in on for who, mine in one.entries.items() if mine.stand == Stand.ARRIVED]

    @precondition(lambda self: self._there())
    @rule(which=st.integers(0, 9))
    def checks_out(self, which: int) -> None:
        there = self._there()
        at, who = there[which % len(there)]
        code = self._code(at)
        fact = self.asks(who, lambda desk: desk.attendance.check_out(code))
        self.same(fact, self.city.depart(who, self.city.places[at]))

    def _code(self, at: int) -> str:
        async def look() -> str:
            async with self.database.read() as unit:
                secret = await activities.secret(unit, SECRECY, self.activities[at])
            assert secret is not None
            return code_at(secret, self.activities[at], self.city.now).token

        return str(self.did(look()))

    @precondition(lambda self: len(self.people) > 1)
    @rule(one=somebody, other=somebody)
    def links(self, one: int, other: int) -> None:
        kept, gone = self.who(one), self.who(other)
        if kept == gone or any(place in [*self.city.of(gone)] for place in self.city.of(kept)):
            return
        code = self.asks(kept, lambda desk: desk.linking.show_code())
        assert self.asks(gone, lambda desk: desk.linking.offer(code))
        waiting = self.asks(kept, lambda desk: desk.linking.waiting())
        self.same(self.asks(kept, lambda desk: desk.linking.agree(waiting.offer, False)), "Linked")
        self.city.link(kept, gone)
        self.people.remove(gone)

    @precondition(lambda self: len(self.people) > 2)
    @rule(one=somebody, has_a_seat=st.booleans())
    def is_erased(self, one: int, has_a_seat: bool) -> None:
        coming = [who for _at, who in self._promising() if who in self.people] if has_a_seat else []
        who = coming[one % len(coming)] if coming else self.who(one)
        self.same(self.asks(who, lambda desk: desk.privacy.erase()), "Marked")
        self.time(self.city.now + timedelta(days=8))
        self.did(privacy.tick(self.database, self.town.city, self.city.now))
        for place in self.city.of(who):
            if place.open:
                self.city.leave(who, place)
        self.people.remove(who)

    # --- What organisers do ----------------------------------------------------------------------------------------

    @rule(at=somewhere, count=st.integers(1, 4))
    def sets_the_seats(self, at: int, count: int) -> None:
        fact = self.asks(self.organiser, lambda desk: desk.organising.set_seats(self.shifts[at], count))
        self.same(fact, self.city.seats(self.city.places[at], count))

    @rule(at=st.sampled_from([2, 1, 2]), really=st.integers(0, 3))
    def calls_off(self, at: int, really: int) -> None:
        if really == 0 and self.city.now < self.city.places[at].starts:
            fact = self.asks(self.organiser, lambda desk: desk.organising.call_off(self.activities[at]))
            self.same(fact, self.city.cancel(self.city.places[at]))

    def _movable(self, place: Place) -> bool:
        return self.moved <= 4 and place.open and self.city.now <= place.starts - timedelta(days=1)

    @rule(at=somewhere)
    def moves_by_a_day(self, at: int) -> None:
        place = self.city.places[at]
        if not self._movable(place):
            return
        self.moved += 1
        span = place.starts + timedelta(days=1), place.ends + timedelta(days=1)
        fact = self.asks(self.organiser, lambda desk: desk.organising.reschedule(self.activities[at], *span))
        self.same(fact, self.city.move(place, timedelta(days=1)))

    def _promising(self) -> list[tuple[int, int]]:
        """Who has a seat at what may still be moved: (place, person)."""
        places = [(at, one) for at, one in enumerate(self.city.places) if self._movable(one)]
        return [(at, who) for at, one in places for who, mine in one.entries.items() if mine.stand in COMING]

    @precondition(lambda self: self._promising())
    @rule(which=st.integers(0, 9))
    def moves_what_somebody_has_said_to_come_to(self, which: int) -> None:
        promising = self._promising()
        at, who = promising[which % len(promising)]
        self._says_that_they_come(at, who)
        self.moves_by_a_day(at)

    @rule(yes=st.sampled_from([True, True, False]))
    def decides_about_who_asks(self, yes: bool) -> None:
        place = self.city.places[2]
        asking = [who for who, one in place.entries.items() if one.stand == Stand.WAITING and not one.admitted]
        ids = [self.sign_up(who, 2) for who in asking]

        async def decided(desk: Desk) -> object:
            admission = desk.admission
            return await (admission.admit(self.activities[2], ids) if yes
                          else admission.decline(self.activities[2], ids, "other"))  # fmt: skip

        self.same(self.asks(self.organiser, decided), self.city.decide(place, yes))

    @precondition(lambda self: any(place.minutes for place in self.city.places))
    @rule()
    def corrects_a_record(self) -> None:
        at, place = next((at, one) for at, one in enumerate(self.city.places) if one.minutes)
        who = next(iter(place.minutes))

        async def corrected(desk: Desk) -> object:
            which = record.c.person == who, record.c.activity == self.activities[at]
            number = (await desk.unit.run(select(record.c.id).where(*which))).scalar_one_or_none()
            span = place.starts, place.starts + timedelta(minutes=100)
            return await desk.corrections.correct(number, *span, "They left earlier.") if number else None

        if isinstance(self.asks(self.organiser, corrected), Corrected):
            place.minutes[who] = 100

    # --- What time does --------------------------------------------------------------------------------------------

    def time(self, at: datetime) -> None:
        """A leap over which every offer runs out, with the ticks that follow it."""
        self.city.now = self.town.at = at
        self.did(offers.lapse(self.database, self.town.city, at))
        self.city.lapse()

    @rule()
    def five_minutes_pass(self) -> None:
        self.city.now = self.town.at = self.city.now + timedelta(minutes=5)

    @rule()
    def two_days_pass(self) -> None:
        if self._between():
            self.time(self.city.now + timedelta(days=2))

    def _between(self) -> bool:
        """Is no activity about to begin, or on?"""
        near = timedelta(days=10)
        return all(not one.starts - near < self.city.now < one.ends + timedelta(hours=3) for one in self.city.places)

    @rule(at=st.sampled_from([0, 0, 0, 1, 2]))
    def it_begins(self, at: int) -> None:
        before = self.city.places[at].starts - timedelta(minutes=15)
        if self.city.now < before and all(one.ends <= before for one in self.city.places[:at]):
            for earlier in range(at):
                self._closes(earlier)
            self.time(before)

    @rule(at=somewhere)
    def it_ends(self, at: int) -> None:
        place = self.city.places[at]
        if place.starts - timedelta(minutes=15) <= self.city.now < place.ends:
            self.time(place.ends)

    @rule(at=somewhere)
    def it_is_closed(self, at: int) -> None:
        if self.city.places[at].ends <= self.city.now:
            self._closes(at)

    @rule(minutes=st.sampled_from([0, 90, 120]))
    def somebody_serves(self, minutes: int) -> None:
        """The first activity that has not begun, and somebody who leaves before it begins, before its end, or at it."""
        at = next((at for at, one in enumerate(self.city.places) if self.city.now < one.starts), 0)
        if self.people and not any(one.stand in COMING for one in self.city.places[at].entries.values()):
            self.joins(0, at)
        self.it_begins(at)
        if self._standing(*COMING):
            self.checks_in(0)
            if minutes:
                begun = self.city.places[self._standing(Stand.ARRIVED)[0][0]].starts
                self.time(max(self.city.now, begun + timedelta(minutes=minutes)))
            self.checks_out(0)

    def _closes(self, at: int) -> None:
        place = self.city.places[at]
        self.time(max(self.city.now, place.ends + timedelta(hours=3)))

        async def closed() -> None:
            async with self.database.write() as unit:
                await close_shifts(unit, self.town.city, self.city.now)

        self.did(closed())
        for one in self.city.places:  # time may have passed another one too, while somebody was erased
            if one.ends + CHECKOUT_CLOSES <= self.city.now:
                self.city.close(one)

    @rule()
    def starts_anew(self) -> None:
        """The process ends and another one takes over."""
        self.did(self.database.close())
        self.database = Database(self.url, SECRECY)

    # --- What must be, whatever was done ---------------------------------------------------------------------------

    @invariant()
    def is_as_in_memory(self) -> None:
        if self.shifts:
            self.did(self._compared())

    async def _compared(self) -> None:
        async with self.database.read() as unit:
            seats = {row.id: row for row in await unit.run(select(shift))}
            rows = list(await unit.run(select(signed_up)))
            totals = {who: (await attendance.total(unit, who))[0] for who in self.people}
        for number, place in zip(self.shifts, self.city.places, strict=True):
            live = [row for row in rows if row.shift == number and row.person in self.people]
            stands = {row.person: (row.state, row.admitted) for row in live}
            mine = {who: (one.stand, one.admitted) for who, one in place.entries.items() if who in self.people}
            assert stands == mine
            waiting = [row for row in live if row.state in HELD]
            assert [row.person for row in sorted(waiting, key=lambda row: row.queue)] == [
                one.person
                for one in sorted(place.entries.values(), key=lambda one: one.number)
                if one.stand in HELD and one.person in self.people
            ]
            assert (seats[number].taken, seats[number].capacity) == (place.taken, place.capacity)
            assert place.taken <= place.capacity
        assert totals == {who: self.city.total(who) for who in self.people}


@pytest.fixture
def fresh(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fresh]:
    """Makes an empty city for each example."""
    made: list[str] = []
    if engine == "sqlite":

        def copied() -> str:
            file = tmp_path / f"{len(made)}.db"
            made.append(str(file))
            shutil.copy(request.getfixturevalue("sqlite_at_head"), file)
            return f"sqlite+aiosqlite:///{file}"

        yield copied
        return
    server: Postgres = request.getfixturevalue("postgres")

    def created() -> str:
        made.append(f"machine_{secrets.token_hex(6)}")
        return server.create(made[-1], template=server.template("head", build))

    try:
        yield created
    finally:
        for name in made:
            server.drop(name)


def run(fresh: Fresh, examples: int, *phases: Phase) -> None:
    machine = type("Driven", (Machine,), {"fresh": staticmethod(fresh)})
    how = settings(
        max_examples=examples, stateful_step_count=STEPS, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck), phases=phases or (Phase.generate, Phase.shrink),
        report_multiple_bugs=False,
    )  # fmt: skip
    run_state_machine_as_test(machine, settings=how)


def test_whatever_is_done_the_city_is_as_the_small_one_in_memory(fresh: Fresh, engine: str) -> None:
    run(fresh, EXAMPLES if engine == "sqlite" else EXAMPLES // 3)


def test_it_has_rules_enough() -> None:
    assert len(Machine.setup_state().rules) >= 14


# --- Planted faults --------------------------------------------------------------------------------------------------


async def nothing(*_of_it: object, **_more: object) -> None:
    """It is forgotten."""


async def nobody(*_of_it: object) -> list[int]:
    return []


async def keeps_its_place(unit: Any, id_: int, shift_id: int, lapses: int, now: datetime) -> None:
    """Whoever did not answer keeps the head of the queue."""
    await unit.run(update(signed_up).where(signed_up.c.id == id_).values(lapses=lapses))
    await kept_offers.stand_back(unit, id_, shift_id, now)


def planned(arrived: datetime, left: datetime, on: tuple[datetime, datetime], *_of: object) -> Counted:
    """The planned hours as a gift."""
    return Counted(int((on[1] - on[0]) / timedelta(minutes=1)), *on, None)


FAULTS: dict[str, tuple[object, str, object]] = {
    "the head of the queue is forgotten": (kept_offers, "take_for_head", nothing),
    "a seat that is given back stays taken": (enrolment, "give_back", nothing),
    "an offer that runs out keeps its place": (kept_offers, "queue_again", keeps_its_place),
    "who had confirmed is not asked anew after a move": (enrolment, "ask_again", nobody),
    "the planned hours are counted": (counting, "count", planned),
    "whoever is erased keeps their seat": (privacy.Privacy, "_give_up", nothing),
}


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fresh: Fresh, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where, name, instead = FAULTS[fault]
    monkeypatch.setattr(where, name, instead)
    with pytest.raises((AssertionError, BaseExceptionGroup)):
        run(fresh, FAULT_EXAMPLES, Phase.generate)
