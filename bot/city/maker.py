"""Makes the rows of a city: organisations, people, activities, sign-ups, presences and records that agree."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.city.stories import GIVEN, STORIES, SURNAMES, THEMES, Story, fictional_phone
from bot.desk.city import City
from bot.domain.attendance import Zero
from bot.domain.enrolment import SEATED, Stand
from bot.domain.kinds import KINDS, kind
from bot.domain.people import ALPHABET, CONSENT_VERSION
from bot.domain.places import Landmark
from bot.domain.records import RULES, Counted, count
from bot.domain.search import tokens
from bot.talk.session import Session

Row = dict[str, Any]
Rows = dict[str, list[Row]]

LATE = timedelta(minutes=25)
FORGETFUL = 0.04
"""Share of presences without a check-out."""
HASTY = 0.04
"""Share of presences that ended too early to count."""
NO_SHOW = 0.06


@dataclass(slots=True)
class Held:
    """An activity as the maker remembers it."""

    id: int
    shift: int
    organisation: int
    starts: datetime
    ends: datetime
    seats: int


@dataclass
class Maker:
    """One city in the making. The same seed and the same moment make the same rows, ciphertext apart."""

    city: City
    now: datetime
    seed: int = 1
    person: int = 0
    """The last number given out, by subject."""
    organisation: int = 0
    activity: int = 0
    enrolment: int = 0
    rows: Rows = field(default_factory=lambda: defaultdict(list))
    busy: dict[int, list[tuple[datetime, datetime]]] = field(default_factory=lambda: defaultdict(list))
    seated: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    queues: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311 - stories, not secrets
        self.landmarks: Sequence[Landmark] = self.city.places.landmarks
        self.places: dict[int, int] = {}

    def taken_rows(self) -> Rows:
        """Hand over the rows made so far."""
        rows, self.rows = self.rows, defaultdict(list)
        return rows

    # --- Organisations -------------------------------------------------------------------------------------------

    def organisations(self, number: int) -> None:
        """A centre for each district, associations with a theme, street teams and firms, `number` in all."""
        districts = list(self.city.places.districts)
        for index in range(number):
            district = districts[index % len(districts)]
            short, english = district.short, district.english
            round_ = index // len(districts)
            if round_ == 0:
                name, en, type_ = (
                    f"{district.name}志愿服务指导中心",
                    f"{english} Volunteer Service Centre",
                    "government",
                )
            elif round_ == 1:
                theme = THEMES[index % len(THEMES)]
                name, en, type_ = f"{short}{theme[0]}志愿服务队", f"{english} {theme[1]}", "association"
            elif round_ == 2:
                street = self.random.choice(self.city.places.streets(district.code))
                name, en, type_ = f"{street.short}邻里互助队", f"{street.english} Neighbours", "residents"
            else:
                name, en, type_ = (
                    f"{short}企业志愿者联盟{round_ - 2}",
                    f"{english} Employers' Volunteers {round_ - 2}",
                    "employer",
                )
            self.organisation += 1
            self.places[self.organisation] = district.code
            self.rows["organisation"].append(
                {
                    "id": self.organisation, "name": name, "english": en, "type": type_,
                    "level": "district" if type_ == "government" else "street", "place": district.code,
                    "state": "active", "created": self.now - timedelta(days=400),
                }
            )  # fmt: skip

    # --- People --------------------------------------------------------------------------------------------------

    def volunteer(self, external: str = "", name: str = "", english: bool = False, known: bool = True) -> int:
        """Somebody with an address at the web chat (and the terminal, for those whom one can be)."""
        self.person += 1
        id_, seal = self.person, self.city.secrecy.seal
        called = name or self.random.choice(SURNAMES) + self.random.choice(GIVEN)
        since = self.now - timedelta(days=self.random.randint(30, 700))
        number = "V" + "".join(self.random.choice(ALPHABET) for _digit in range(9))
        district = self.random.choice(self.city.places.districts).code
        phone = fictional_phone(id_)
        self.rows["person"].append(
            {
                "id": id_, "number": number, "language": "en" if english else "zh_CN", "elder": False,
                "district": district, "born": self.random.randint(1948, 2004) if known else None,
                "name": seal(called, f"person:{id_}:name") if known else None,
                "phone": seal(phone, f"person:{id_}:phone") if known else None,
                "phone_index": self.city.secrecy.index(phone) if known else None, "created": since, "seen": since,
            }
        )  # fmt: skip
        for door in ("web", "terminal") if external else ("web",):
            self.rows["identity"].append(
                {
                    "person": id_, "door": door, "external": external or f"made-{id_}", "open": True,
                    "inbound": since if door == "terminal" else since + timedelta(seconds=1),
                }
            )  # fmt: skip
        session = self.city.secrecy.seal_json(Session().to_json(), f"conversation:{id_}")
        self.rows["conversation"].append({"person": id_, "session": session})
        if known:
            self.rows["consent"].append(
                {"person": id_, "purpose": "enrolment", "version": CONSENT_VERSION, "door": "web", "given": since}
            )
        if self.random.random() < 0.5:
            self.subscribes(id_, district)
        return id_

    def subscribes(self, id_: int, district: int) -> None:
        """To their district, and perhaps a kind."""
        since = self.now - timedelta(days=20)
        self.rows["subscription"].append({"person": id_, "topic": "district", "value": str(district), "since": since})
        if self.random.random() < 0.4:
            service = self.random.choice(KINDS).code
            self.rows["subscription"].append({"person": id_, "topic": "kind", "value": service, "since": since})

    # --- Activities ----------------------------------------------------------------------------------------------

    def holds(self, days: tuple[int, int], organisation: int = 0) -> Held:
        """An activity on a day between `days` from now, at its story's hour, near a landmark of its organisation."""
        story = self.random.choice(STORIES)
        day = (self.now + timedelta(days=self.random.randint(*days))).astimezone(self.city.zone)
        # More happens at weekends.
        if day.weekday() < 4 and self.random.random() < 0.4:
            day += timedelta(days=5 - day.weekday())
        minute = self.random.choice((0, 0, 30))
        starts = day.replace(hour=story.starts, minute=minute, second=0, microsecond=0)
        return self.held(story, starts, organisation or self.random.randint(1, self.organisation))

    def held(self, story: Story, starts: datetime, organisation: int, seats: int = 0) -> Held:
        """This story, told by this organisation at this time."""
        district = self.places[organisation]
        near = [one for one in self.landmarks if one.district == district] or list(self.landmarks)
        where = self.random.choice(near)
        title, english = story.title.format(place=where.name), story.english.format(place=where.english)
        ends = starts + timedelta(hours=story.hours)
        service = kind(story.kind)
        words = dict.fromkeys(tokens(f"{title} {english} {service.chinese} {service.english} {where.name}"))
        self.activity += 1
        id_ = self.activity
        made = min(starts, self.now) - timedelta(days=10)
        seats = seats or story.seats
        secret = self.random.randbytes(32)
        self.rows["activity"].append(
            {
                "id": id_, "organisation": organisation, "title": title, "english": english, "about": story.about,
                "kind": story.kind, "risk": service.risk, "minimum_age": service.minimum_age,
                "district": where.district, "street": None,
                "address": f"{where.name}{self.random.choice(('南门', '东门', '集合点', '服务台'))}",
                "latitude": where.latitude + self.random.uniform(-0.003, 0.003),
                "longitude": where.longitude + self.random.uniform(-0.003, 0.003),
                "starts": starts, "ends": ends, "state": "open", "revision": 1,
                "secret": self.city.secrecy.seal(secret, f"activity:{id_}:secret"),
                "words": " ".join(["", *words, ""]), "created_by": 1, "created": made, "changed": made,
            }
        )  # fmt: skip
        self.rows["shift"].append(
            {
                "id": id_, "activity": id_, "starts": starts, "ends": ends, "capacity": seats, "taken": 0,
                "next_queue": 0, "seated": False,
            }
        )  # fmt: skip
        return Held(id_, id_, organisation, starts, ends, seats)

    # --- Sign-ups ------------------------------------------------------------------------------------------------

    def is_free(self, person: int, held: Held) -> bool:
        """Have they nothing else at these hours?"""
        return all(end <= held.starts or start >= held.ends for start, end in self.busy[person])

    def signs_up(self, person: int, held: Held, stand: Stand) -> int:
        """One sign-up; who only waits is not busy."""
        self.enrolment += 1
        self.queues[held.shift] += 1
        if stand in SEATED:
            self.seated[held.shift] += 1
            self.busy[person].append((held.starts, held.ends))
        asked = min(held.starts, self.now) - timedelta(hours=self.random.randint(20, 200))
        self.rows["enrolment"].append(
            {
                "id": self.enrolment, "shift": held.shift, "person": person, "queue": self.queues[held.shift],
                "state": str(stand), "joined": asked, "changed": asked,
            }
        )  # fmt: skip
        return self.enrolment

    def fills(self, held: Held, people: Sequence[int], share: float, queue: int = 0) -> None:
        """Seats taken up to a share, and a queue behind a full shift."""
        wanted = min(round(held.seats * share), held.seats)
        able = (one for one in people if self.is_free(one, held))
        for one in take(able, wanted):
            self.signs_up(one, held, Stand.JOINED)
        if wanted == held.seats:
            for one in take(able, queue):
                self.signs_up(one, held, Stand.WAITING)

    def was_held(self, held: Held, people: Sequence[int]) -> None:
        """A past activity: who came, who did not, and what it counted."""
        able = (one for one in people if self.is_free(one, held))
        for one in take(able, max(1, round(held.seats * self.random.uniform(0.5, 1.0)))):
            if self.random.random() < NO_SHOW:
                self.signs_up(one, held, Stand.ABSENT)
            else:
                self.attends(one, held)

    def attends(self, person: int, held: Held, whole: bool = False) -> None:
        """Arrived, perhaps a little late; left, perhaps too early, perhaps without a word."""
        luck = 1.0 if whole else self.random.random()
        number = self.signs_up(person, held, Stand.COMPLETED)
        arrived = held.starts + timedelta(minutes=self.random.randint(-20, 8))
        forgot, hasty = luck < FORGETFUL, FORGETFUL <= luck < FORGETFUL + HASTY
        left = held.starts + (held.ends - held.starts) * 0.3 if hasty else held.ends + timedelta(minutes=5)
        counted = count(arrived, left, (held.starts, held.ends), [])
        if forgot:
            left, counted = arrived, Counted(0, arrived, arrived, Zero("forgotten"))
        two_sided = not forgot and (whole or self.random.random() < 0.7)
        by = "code" if two_sided else "rule" if forgot else "own"
        self.rows["attendance"].append(
            {
                "id": number, "enrolment": number, "person": person, "arrived": arrived, "left": left,
                "arrived_by": "code", "left_by": by,
            }
        )  # fmt: skip
        self.rows["record"].append(
            {
                "attendance": number, "person": person, "organisation": held.organisation, "activity": held.id,
                "starts": counted.starts, "ends": counted.ends, "minutes": counted.minutes,
                "grade": "A" if two_sided else "B", "state": "counted" if counted.minutes else "zero",
                "why": asdict(counted.why) if counted.why else None, "rules": RULES.name, "made": held.ends,
            }
        )  # fmt: skip


def take(people: Iterator[int], number: int) -> list[int]:
    """The first so many of an iterator, without looking at one more."""
    return [one for _place, one in zip(range(number), people, strict=False)]
