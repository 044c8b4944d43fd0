"""What a made-up city is made of: what there is to do, where, who holds it, what people are called. All invented."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.domain.places import Gazetteer

ONLINE = "home"
"""The sort of site that is no place."""

AROUND_THE_CLOCK = tuple(quarter / 4 for quarter in range(96))
"""Hours at which something may begin that goes on at night as well."""

BY_DAY = tuple(hour for hour in AROUND_THE_CLOCK if 9 <= hour <= 20 and hour % 0.5 == 0)

IN_EVERY_STREET = (
    ("community", "{name}市民活动中心"),
    ("care", "{name}养老服务驿站"),
    ("youth", "{name}青少年活动站"),
    ("room", "{name}24小时城市书房"),
    ("crossing", "{short}主路口岗亭"),
)
"""Rooms that each street has: the sort, and the address by the street's name."""

SPOTS = ("志愿者服务点", "集合点", "服务台旁")
"""Where people meet at a larger place: words that fit any of them."""


@dataclass(frozen=True, slots=True)
class Story:
    """A kind of activity that happens again and again: titles, what to know, usual hours and seats."""

    kind: str
    title: str
    english: str
    about: str
    site: str
    days: str
    """`any`, `weekday` or `weekend`."""
    starts: tuple[float, ...]
    """Hours of the day."""
    hours: float
    seats: tuple[int, int]

    @property
    def at_night(self) -> bool:
        """Does it go on around the clock?"""
        return self.starts is AROUND_THE_CLOCK

    def fits(self, weekday: int) -> bool:
        """May it be held on this day of the week, 0 for Monday?"""
        return self.days == "any" or (self.days == "weekend") == (weekday >= 5)


@dataclass(frozen=True, slots=True)
class Site:
    """A place of one sort. WGS-84 degrees; none online."""

    sort: str
    name: str
    english: str
    addresses: tuple[str, ...]
    district: int
    street: int | None
    point: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Group:
    """An organisation: its type, its level and node of the place tree, and the kinds that it mostly does."""

    name: str
    english: str
    type: str
    level: str
    place: int
    kinds: frozenset[str]


def _rows(file: str) -> Iterator[dict[str, str]]:
    """The rows of a file beside this module; lines that begin with # are not data."""
    text = Path(__file__).with_name(file).read_text(encoding="utf-8")
    return iter(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))


def _story(row: dict[str, str]) -> Story:
    least, most = row["seats"].split("-")
    return Story(
        kind=row["kind"],
        title=row["title"],
        english=row["english"],
        about=f"{row['about']}\n{row['about_english']}",
        site=row["site"],
        days=row["days"],
        starts=AROUND_THE_CLOCK if row["starts"] == "*" else tuple(float(hour) for hour in row["starts"].split()),
        hours=float(row["hours"]),
        seats=(int(least), int(most)),
    )


STORIES = tuple(_story(row) for row in _rows("stories.csv"))

GROUPS = tuple(
    Group(
        row["name"], row["english"], row["type"], row["level"], int(row["place"]), frozenset(row["kinds"].split())
    )
    for row in _rows("organisations.csv")
)  # fmt: skip

_STREETS = tuple((int(row["code"]), float(row["latitude"]), float(row["longitude"])) for row in _rows("streets.csv"))
_SITES = tuple(_rows("sites.csv"))


def sites(places: Gazetteer) -> list[Site]:
    """Every place where something is held: the rooms of each street, larger places, and none at all in each district.

    Raises KeyError for a name that is no landmark, or a code that is no place.
    """
    landmarks = {one.name: one for one in places.landmarks}
    found = [Site(ONLINE, "线上", "online", ("线上（不必到场）",), one.code, None, None) for one in places.districts]
    for code, latitude, longitude in _STREETS:
        street = places.place(code)
        english = street.english.rsplit(" ", 1)[0]
        for sort, address in IN_EVERY_STREET:
            written = address.format(name=street.name, short=street.short)
            point = (latitude, longitude)
            found.append(Site(sort, street.short, english, (written,), code // 1000, code, point))
    for row in _SITES:
        addresses = tuple(row["name"] + spot for spot in SPOTS)
        if row["latitude"]:
            point = (float(row["latitude"]), float(row["longitude"]))
            found.append(Site(row["sort"], row["name"], row["english"], addresses, int(row["district"]), None, point))
        else:
            mark = landmarks[row["name"]]
            point = (mark.latitude, mark.longitude)
            found.append(Site(row["sort"], mark.name, mark.english, addresses, mark.district, None, point))
    return found


def street_groups(places: Gazetteer) -> Iterator[Group]:
    """A team for every street that has none: for cities larger than the demonstration's."""
    taken = {group.place for group in GROUPS}
    for place in places.places:
        if place.level == "street" and place.code not in taken:
            english = place.english.rsplit(" ", 1)[0]
            yield Group(
                f"{place.name}志愿服务队", f"{english} Volunteers", "residents", "street", place.code, frozenset()
            )


PEOPLE_SHARE = {
    110101: 8, 110102: 8, 110105: 15, 110106: 8, 110107: 4, 110108: 14, 110109: 3, 110111: 4,
    110112: 7, 110113: 5, 110114: 8, 110115: 6, 110116: 3, 110117: 3, 110118: 3, 110119: 3,
}  # fmt: skip
"""How much goes on in each district, roughly as many people live there; no district is left out."""

SURNAMES: Sequence[str] = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
GIVEN = (
    "立春", "雨水", "惊蛰", "春分", "清明", "谷雨", "立夏", "小满", "芒种", "夏至", "小暑", "立秋", "处暑", "白露",
    "秋分", "寒露", "霜降", "立冬", "小雪", "冬至", "知秋", "晓晨", "若云", "子墨", "文博", "思源", "嘉禾", "明远",
    "雨桐", "清扬", "予安", "星河", "念初", "长青", "海棠", "永康", "慧敏", "望舒", "南星", "半夏", "青禾", "松年",
)  # fmt: skip
"""Half of them are solar terms: nobody takes a list of these for one of real people."""

LATIN = ("Robin", "Alex", "Sam", "Kim", "Jo", "Maya", "Noa", "Luca", "Mika", "Sasha")


def fictional_phone(number: int) -> str:
    """A number in the form of a mobile one, from 138 0000 0000 on: valid to programs, plainly made up to people."""
    return f"+86138{number % 100_000_000:08d}"
