"""Makes the rows of a city: organisations, people, activities, sign-ups, presences and records that agree."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.city.stories import (
    BY_DAY,
    GIVEN,
    GROUPS,
    LATIN,
    ONLINE,
    PEOPLE_SHARE,
    STORIES,
    SURNAMES,
    Group,
    Site,
    Story,
    fictional_phone,
    sites,
)
from bot.desk.city import City
from bot.domain.attendance import CHECKOUT_CLOSES, Zero, new_secret
from bot.domain.enrolment import SEATED, Stand
from bot.domain.kinds import KINDS, kind
from bot.domain.offers import answer_until
from bot.domain.people import ALPHABET, CONSENT_VERSION
from bot.domain.questions import Question, written
from bot.domain.records import Counted, count
from bot.domain.reliability import LEAVE_BEFORE
from bot.domain.roles import Role
from bot.domain.rulesets import RuleSet, final_from
from bot.domain.search import tokens
from bot.talk.session import Session

Row = dict[str, Any]
Rows = dict[str, list[Row]]

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

CANCELLED, ABSENT = 0.06, 0.06
"""Shares of sign-ups that were taken back, and of seats that stayed empty."""
FORGOTTEN, HASTY, OWN_WORD = 0.04, 0.04, 0.14
"""Shares of presences without a check-out, cut too short to count, and ended on one's own word."""

_NUMBERS = len(ALPHABET) ** 9
_STEP = 15_485_863_000_009
"""Has no factor in common with 31: numbers that follow each other land far apart and never on the same."""


@dataclass(slots=True)
class Held:
    """An activity in the making, or one role of it: its shift is written when nobody more signs up."""

    id: int
    organisation: int
    story: Story
    site: Site
    starts: datetime
    ends: datetime
    capacity: int
    taken: int = 0
    queue: int = 0
    people: set[int] = field(default_factory=set)
    activity: int = 0
    """Whose further shift it is; 0: its own."""
    role: tuple[str, str] = ("", "")
    """In Chinese and English."""

    @property
    def free(self) -> int:
        """Seats left."""
        return self.capacity - self.taken


class Maker:
    """One city in the making. The same seed and the same moment make the same rows, ciphertext apart."""

    def __init__(self, city: City, now: datetime, seed: int) -> None:
        self.city = city
        self.now = now
        self.today = now.astimezone(city.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        self.random = random.Random(seed)  # noqa: S311 - stories, not secrets
        self.rows: Rows = defaultdict(list)
        self.groups: list[Group] = []
        self.people = 0
        self.activities = 0
        self.enrolments = 0
        self._offset = self.random.randrange(_NUMBERS)
        self._session = Session().to_json()
        self._sites: dict[tuple[str, int], list[Site]] = defaultdict(list)
        for site in sites(city.places):
            self._sites[site.sort, site.district].append(site)
        self._stories: dict[tuple[bool, str, int], list[Story]] = {}
        self._words: dict[tuple[Story, Site], str] = {}
        self._holders: dict[tuple[str, int], tuple[list[int], list[int]]] = {}

    def taken_rows(self) -> Rows:
        """Hand over the rows made so far."""
        rows, self.rows = self.rows, defaultdict(list)
        return rows

    # --- Organisations -------------------------------------------------------------------------------------------

    def organisations(self, groups: Iterable[Group] = GROUPS) -> None:
        """Organisations, numbered from 1 in their order."""
        for group in groups:
            self.groups.append(group)
            self.rows["organisation"].append(
                {
                    "id": len(self.groups), "name": group.name, "english": group.english, "type": group.type,
                    "level": group.level, "place": group.place, "state": "active",
                    "created": self.now - timedelta(days=400 + 3 * len(self.groups)),
                }
            )  # fmt: skip

    def appoints(self, person: int, role: Role, organisation: int | None = None, place: int | None = None) -> None:
        """Give somebody a post."""
        since = self.now - timedelta(days=300)
        self.rows["membership"].append(
            {"person": person, "role": str(role), "organisation": organisation, "place": place, "since": since}
        )

    def appoints_organisers(self) -> None:
        """The first volunteers look after the organisations, one each as far as they go."""
        for number in range(1, len(self.groups) + 1):
            self.appoints(self.organiser(number), Role.ORGANISER, number)

    def organiser(self, organisation: int) -> int:
        """Whose organisation it is."""
        return (organisation - 1) % max(self.people, 1) + 1

    # --- People --------------------------------------------------------------------------------------------------

    def volunteer(self, name: str = "", external: str = "", district: int = 0, youngest: int = 20) -> int:
        """Somebody with an address at the web chat; with `external`, at the terminal as well.

        `youngest`: years of age that they have at least.
        """
        self.people += 1
        id_, chance = self.people, self.random.random()
        foreign = not name and chance < 0.02
        called = name or (f"{self.random.choice(LATIN)} Example" if foreign else self._chinese_name())
        district = district or self.district()
        born = self.now.year - youngest - 1 - int(self.random.triangular(0, 55, 15))
        phone, secrecy = fictional_phone(id_), self.city.secrecy
        since = self.now - timedelta(days=self.random.randint(200, 900), minutes=self.random.randint(0, 1440))
        language = None if external else "en" if foreign else "zh_CN"
        self.rows["person"].append(
            {
                "id": id_, "number": self._number(id_), "language": language,
                "elder": not external and born < self.now.year - 66 and chance < 0.5,
                "district": district, "born": born,
                "name": secrecy.seal(called, f"person:{id_}:name"), "phone": secrecy.seal(phone, f"person:{id_}:phone"),
                "phone_index": secrecy.index(phone), "created": since, "seen": since,
            }
        )  # fmt: skip
        # The web chat comes before the terminal. Who is only made up has never written.
        wrote = self.now - 30 * DAY
        doors = {"web": wrote + MINUTE, "terminal": wrote} if external else {"web": None}
        self.rows["identity"] += [
            {"person": id_, "door": door, "external": external or f"made-{id_}", "open": True, "inbound": inbound}
            for door, inbound in doors.items()
        ]
        sealed = secrecy.seal_json(self._session, f"conversation:{id_}")
        self.rows["conversation"].append({"person": id_, "session": sealed})
        self.rows["consent"].append(
            {"person": id_, "purpose": "enrolment", "version": CONSENT_VERSION, "door": "web", "given": since}
        )
        if self.random.random() < 0.55:
            self.subscribes(id_, "district", str(district))
        if self.random.random() < 0.35:
            for service in self.random.sample(KINDS, self.random.choice((1, 1, 2))):
                self.subscribes(id_, "kind", service.code)
        return id_

    def _chinese_name(self) -> str:
        return self.random.choice(SURNAMES) + self.random.choice(GIVEN)

    def _number(self, id_: int) -> str:
        """A volunteer number that no other has; scattered like real ones, but the same for the same seed."""
        rest, digits = (self._offset + id_ * _STEP) % _NUMBERS, []
        for _digit in range(9):
            rest, place = divmod(rest, len(ALPHABET))
            digits.append(ALPHABET[place])
        return "V" + "".join(digits)

    def subscribes(self, person: int, topic: str, value: str) -> None:
        """They hear of new activities there, or of that kind."""
        since = self.now - timedelta(days=self.random.randint(3, 180))
        self.rows["subscription"].append({"person": person, "topic": topic, "value": value, "since": since})

    # --- Activities ----------------------------------------------------------------------------------------------

    def district(self) -> int:
        """Some district, the larger ones more often."""
        return self.random.choices(tuple(PEOPLE_SHARE), tuple(PEOPLE_SHARE.values()))[0]

    def day(self, first: int, last: int) -> datetime:
        """Midnight of a day between two, counted from today; weekends more often."""
        for _try in range(2):
            day = self.today + timedelta(days=self.random.randint(first, last))
            if day.weekday() >= 5:
                break
        return day

    def holds(
        self,
        day: datetime,
        service: str = "",
        district: int = 0,
        after: datetime | None = None,
        before: datetime | None = None,
    ) -> Held | None:
        """An activity on this day, of this kind and in this district if named. None: nothing fits."""
        for _try in range(12):
            where = district or self.district()
            fitting = self._fitting(day.weekday() >= 5, service, where)
            if not fitting:
                return None
            story = self.random.choice(fitting)
            # Most of what goes on around the clock is looked for by day.
            hours = BY_DAY if story.at_night else story.starts
            starts = day + timedelta(hours=self.random.choice(hours))
            if (after is None or starts > after) and (before is None or starts < before):
                return self.held(story, starts, self.random.choice(self._sites[story.site, where]))
        return None

    def _fitting(self, weekend: bool, service: str, district: int) -> list[Story]:
        """What can be held then and there."""
        key = weekend, service, district
        if key not in self._stories:
            self._stories[key] = [
                one
                for one in STORIES
                if one.fits(5 if weekend else 0) and service in ("", one.kind) and self.has(one.site, district)
            ]
        return self._stories[key]

    def held(self, story: Story, starts: datetime, site: Site, organisation: int = 0, capacity: int = 0) -> Held:
        """This story, told at this time and place."""
        self.activities += 1
        id_, service = self.activities, kind(story.kind)
        organisation = organisation or self._holder(story, site)
        ends = starts + timedelta(hours=story.hours)
        title, english = story.title.format(place=site.name), story.english.format(place=site.english)
        address = self.random.choice(site.addresses)
        made = min(starts, self.now) - timedelta(days=self.random.randint(2, 20), minutes=self.random.randint(0, 600))
        jitter = 0.004 if site.street else 0.0015
        latitude, longitude = site.point or (None, None)
        self.rows["activity"].append(
            {
                "id": id_, "organisation": organisation, "title": title, "english": english, "about": story.about,
                "kind": story.kind, "risk": service.risk, "minimum_age": service.minimum_age,
                "district": site.district, "street": site.street, "address": address,
                "latitude": latitude and round(latitude + self.random.uniform(-jitter, jitter), 6),
                "longitude": longitude and round(longitude + self.random.uniform(-jitter, jitter), 6),
                "starts": starts, "ends": ends, "state": "open", "revision": 1,
                # A made-up city may be served: its codes must not follow from a seed.
                "secret": self.city.secrecy.seal(new_secret(), f"activity:{id_}:secret"),
                "words": self._search_words(story, site), "created_by": self.organiser(organisation),
                "created": made, "changed": made, "approval": False, "questions": None,
                "leave_before": LEAVE_BEFORE,
            }
        )  # fmt: skip
        return Held(id_, organisation, story, site, starts, ends, capacity or self.random.randint(*story.seats))

    def beside(self, held: Held, role: tuple[str, str], capacity: int) -> Held:
        """A further role of an activity, with seats of its own."""
        self.activities += 1
        return Held(
            self.activities, held.organisation, held.story, held.site, held.starts, held.ends, capacity,
            activity=held.id, role=role,
        )  # fmt: skip

    def lets_in(self, held: Held, question: Question) -> None:
        """Its organiser lets people in, and asks them something first."""
        row = next(row for row in self.rows["activity"] if row["id"] == held.id)
        row |= {"approval": True, "questions": written([question])}

    def site(self, sort: str, district: int, name: str = "") -> Site:
        """A place of this sort; the one of this name. Raises StopIteration where there is none."""
        return next(one for one in self._sites[sort, district] if name in ("", one.name))

    def has(self, sort: str, district: int) -> bool:
        """Is there such a place in the district?"""
        return bool(self._sites.get((sort, district)))

    def _holder(self, story: Story, site: Site) -> int:
        """One of the organisations that look after the place and do such things; those that mostly do, first."""
        place = site.street or site.district
        if (story.kind, place) not in self._holders:
            numbers, weights = [], []
            for number, group in enumerate(self.groups, 1):
                online = site.sort == ONLINE and story.kind in group.kinds
                if not online and not self.city.within(place, group.place):
                    continue
                if group.kinds and story.kind not in group.kinds:
                    continue
                numbers.append(number)
                weights.append((4 if group.kinds else 1) * {"street": 6, "district": 3, "city": 1}[group.level])
            self._holders[story.kind, place] = numbers, weights
        numbers, weights = self._holders[story.kind, place]
        return self.random.choices(numbers, weights)[0]

    def _search_words(self, story: Story, site: Site) -> str:
        """As the desk makes them when somebody publishes."""
        if (story, site) not in self._words:
            service = kind(story.kind)
            title, english = story.title.format(place=site.name), story.english.format(place=site.english)
            said = (title, english, service.chinese, service.english, site.addresses[0], story.about)
            self._words[story, site] = " ".join(["", *dict.fromkeys(tokens(" ".join(said))), ""])
        return self._words[story, site]

    def closes(self, held: Held) -> None:
        """Nobody more signs up: write the shift with its counters."""
        self.rows["shift"].append(
            {
                "id": held.id, "activity": held.activity or held.id, "starts": held.starts, "ends": held.ends,
                "capacity": held.capacity, "taken": held.taken, "next_queue": held.queue, "seated": held.free > 0,
                "role": held.role[0], "role_english": held.role[1],
            }
        )  # fmt: skip

    # --- Sign-ups ------------------------------------------------------------------------------------------------

    def signs_up(self, person: int, held: Held, stand: Stand, changed: datetime | None = None) -> int:
        """One sign-up with the next queue number."""
        self.enrolments += 1
        held.queue += 1
        held.taken += stand in SEATED
        held.people.add(person)
        # As they were answered, so they stand in the queue: each a little later than the one before.
        last = min(held.starts, self.now) - timedelta(minutes=45)
        asked = last - timedelta(minutes=2 * (2 * held.capacity - min(held.queue, 2 * held.capacity - 1)))
        if stand == Stand.JOINED and held.starts - DAY < self.now and self.random.random() < 0.4:
            stand = Stand.CONFIRMED
        self.rows["enrolment"].append(
            {
                "id": self.enrolments, "shift": held.id, "person": person, "queue": held.queue, "state": str(stand),
                "joined": asked,
                "changed": changed or asked + MINUTE if stand == Stand.CANCELLED else changed or asked,
                "offered_until": None, "admitted": True, "answers": None,
            }
        )  # fmt: skip
        return self.enrolments

    def asks(self, person: int, held: Held, question: Question, said: str) -> None:
        """They ask to be let in, with an answer to the organiser's question."""
        number = self.signs_up(person, held, Stand.WAITING)
        answers = [{"asked": question.text, "said": said}]
        sealed = self.city.secrecy.seal_json(answers, f"enrolment:{number}:answers")
        self.rows["enrolment"][-1] |= {"admitted": False, "answers": sealed}

    def is_offered(self, person: int, held: Held) -> None:
        """A seat came free a while ago and is held for them; where it begins too soon for that, it is theirs."""
        until = answer_until(held.starts, self.now, self.city.zone, self.city.quiet)
        self.signs_up(person, held, Stand.OFFERED if until else Stand.JOINED)
        self.rows["enrolment"][-1] |= {"offered_until": until}

    def takes_part(self, person: int, held: Held, sure: bool = False) -> None:
        """A seat, and what became of it by now; `sure`: they came, stayed and checked out with the code."""
        luck = 1.0 if sure else self.random.random()
        if self.now < held.starts:
            self.signs_up(person, held, Stand.CANCELLED if luck < CANCELLED else Stand.JOINED)
        elif luck < CANCELLED:
            self.signs_up(person, held, Stand.CANCELLED)
        elif self.now < held.ends + CHECKOUT_CLOSES and luck < CANCELLED + ABSENT:
            self.signs_up(person, held, Stand.JOINED)
        elif luck < CANCELLED + ABSENT:
            self.signs_up(person, held, Stand.ABSENT, held.ends + CHECKOUT_CLOSES)
        else:
            self._was_there(person, held, sure)

    def arrives(self, person: int, held: Held, arrived: datetime) -> int:
        """A seat taken, and its holder there."""
        number = self.signs_up(person, held, Stand.ARRIVED, arrived)
        self._attendance(number, person, arrived, None, None)
        return number

    def _was_there(self, person: int, held: Held, sure: bool) -> None:
        arrived = held.starts + timedelta(minutes=self.random.randint(-20, 8))
        if self.now < held.ends or arrived >= self.now:
            self.arrives(person, held, min(arrived, self.now - MINUTE))
            return
        luck = 1.0 if sure else self.random.random()
        closed = self.now >= held.ends + CHECKOUT_CLOSES
        if luck < FORGOTTEN:
            self.forgets(person, held, arrived, closed)
            return
        hasty = luck < FORGOTTEN + HASTY
        own = not hasty and luck < FORGOTTEN + HASTY + OWN_WORD
        left = (
            held.starts + (held.ends - held.starts) * 0.3 if hasty else held.ends + self.random.randint(-4, 9) * MINUTE
        )
        self.leaves(person, held, arrived, min(left, self.now), own, closed)

    def leaves(self, person: int, held: Held, arrived: datetime, left: datetime, own: bool, closed: bool) -> None:
        """They checked out, with the code or on their own word, and the minutes were counted by the rules."""
        stand, changed = (Stand.COMPLETED, held.ends + CHECKOUT_CLOSES) if closed else (Stand.LEFT, left)
        number = self.signs_up(person, held, stand, changed)
        self._attendance(number, person, arrived, left, "own" if own else "code")
        counted = count(arrived, left, (held.starts, held.ends), [], self._rules(held))
        self._record(number, person, held, counted, "B" if own else "A", left)

    def forgets(self, person: int, held: Held, arrived: datetime, closed: bool) -> None:
        """They did not check out: two hours after the end that counts nothing, and says so."""
        if not closed:
            self.arrives(person, held, arrived)
            return
        at = held.ends + CHECKOUT_CLOSES
        number = self.signs_up(person, held, Stand.COMPLETED, at)
        self._attendance(number, person, arrived, arrived, "rule")
        self._record(number, person, held, Counted(0, arrived, arrived, Zero("forgotten")), "B", at)

    def _attendance(
        self, number: int, person: int, arrived: datetime, left: datetime | None, left_by: str | None
    ) -> None:
        by = "link" if self.random.random() < 0.3 else "code"
        self.rows["attendance"].append(
            {
                "id": number, "enrolment": number, "person": person, "arrived": arrived, "left": left,
                "arrived_by": by, "left_by": left_by,
            }
        )  # fmt: skip

    def _rules(self, held: Held) -> RuleSet:
        return self.city.rules.on(held.starts.astimezone(self.city.zone).date())

    def _record(self, number: int, person: int, held: Held, counted: Counted, grade: str, made: datetime) -> None:
        rules = self._rules(held)
        self.rows["record"].append(
            {
                "attendance": number, "person": person, "organisation": held.organisation, "activity": held.id,
                "starts": counted.starts, "ends": counted.ends, "minutes": counted.minutes, "grade": grade,
                "state": "counted" if counted.minutes else "zero",
                "why": asdict(counted.why) if counted.why else None, "rules": rules.name, "made": made,
                "settles": final_from(made.astimezone(self.city.zone), rules),
                "cover_starts": counted.starts - rules.cover, "cover_ends": counted.ends + rules.cover,
            }
        )  # fmt: skip
