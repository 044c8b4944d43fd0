"""Where things are: the city, its districts and streets, what people call them, and how far apart two points are.

Names become places here. What is accepted, and why:
- a district by its Chinese name with or without 区, in either script, by its pinyin, by the names 崇文 and 宣武 of
  the districts that became parts of 东城 and 西城 in 2010;
- a street by its full name; by its short name (many are plain words: 向阳, 新村, 河北) only before 街道, 镇, 乡 or
  地区, beside a word for "near", straight after its district, or as the whole of the text;
- a landmark by any of its names; it stands for its district and brings a point;
- a name that two streets share (八里庄, 东风) gives both, unless the text names the district as well.
"""

from __future__ import annotations

import csv
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from bot.domain.writing import Folded, alternation, fold, fold_with_origin

EARTH_RADIUS = 6_371_008.8
"""Metres, the mean radius of the earth by IUGG."""

CITY, DISTRICT, STREET = "city", "district", "street"

_FORMER = {"崇文": "东城区", "宣武": "西城区", "chongwen": "东城区", "xuanwu": "西城区"}
_UNITS = ("街道", "地区", "镇", "乡")
_ENGLISH_UNITS = ("subdistrict", "sub-district", "street office", "area", "town", "township", "jiedao", "zhen")


@dataclass(frozen=True, slots=True)
class Place:
    """A node of the place tree. Coordinates are WGS-84 degrees; streets come without."""

    code: int
    level: str
    name: str
    english: str
    latitude: float | None
    longitude: float | None
    parent: int | None

    @property
    def short(self) -> str:
        """The Chinese name without the word for its kind: 朝阳, 望京; a name of two characters stays whole (张镇)."""
        units = {CITY: ("市",), DISTRICT: ("区",), STREET: _UNITS}[self.level]
        for unit in units:
            if self.name.endswith(unit) and len(self.name) - len(unit) >= 2:
                return self.name.removesuffix(unit)
        return self.name


@dataclass(frozen=True, slots=True)
class Landmark:
    """A point that people name, and the district that it lies in. WGS-84 degrees, right to about 500 m."""

    name: str
    english: str
    aliases: tuple[str, ...]
    district: int
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Found:
    """A place named in a text at `[start, end)`; `landmark` when it was named by one."""

    place: Place
    start: int
    end: int
    landmark: Landmark | None = None


@dataclass(frozen=True, slots=True)
class _Name:
    """What a written name stands for, and what must stand beside it for the name to count."""

    places: tuple[Place, ...] = ()
    landmark: Landmark | None = None
    timid: bool = False


def distance(a_latitude: float, a_longitude: float, b_latitude: float, b_longitude: float) -> float:
    """Metres between two points along the earth (haversine); both in the same datum, in degrees."""
    a, b = math.radians(a_latitude), math.radians(b_latitude)
    across = math.radians(b_longitude - a_longitude)
    chord = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(across / 2) ** 2
    return 2 * EARTH_RADIUS * math.asin(math.sqrt(min(chord, 1.0)))


_NEAR_AFTER = re.compile(r"\s*(?:附近|这边|那边|那儿|那里|这儿|这里|一带|周边|旁边|边上|左右)")
_NEAR_BEFORE = re.compile(r"(?:\bnear|\bclose to|\baround|\bnext to|附近的|靠近|离)\s*$")
_UNIT_AFTER = re.compile(rf"\s*(?:{'|'.join(_UNITS)})(?!舞)")
_ENGLISH_UNIT_AFTER = re.compile(rf"\s+(?:{'|'.join(_ENGLISH_UNITS)})\b")
_DISTRICT_UNIT_AFTER = re.compile(r"区(?![域间块别])")
_ENGLISH_DISTRICT_AFTER = re.compile(r"\s*(?:district\b|qu\b|dist\.)")
_AROUND = " \t\r\n,.!?;:，。！？；：、…~()（）\"'“”《》"


@dataclass(frozen=True, eq=False)
class Gazetteer:
    """The place tree and the names that people use for it."""

    places: Sequence[Place]
    landmarks: Sequence[Landmark]
    _by_code: dict[int, Place] = field(init=False, repr=False)
    _children: dict[int, tuple[Place, ...]] = field(init=False, repr=False)
    _names: dict[str, _Name] = field(init=False, repr=False)
    _chinese: re.Pattern[str] = field(init=False, repr=False)
    _latin: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        children: defaultdict[int, list[Place]] = defaultdict(list)
        for place in self.places:
            if place.parent is not None:
                children[place.parent].append(place)
        names = _names(self.places, self.landmarks)
        object.__setattr__(self, "_by_code", {place.code: place for place in self.places})
        object.__setattr__(self, "_children", {code: tuple(below) for code, below in children.items()})
        object.__setattr__(self, "_names", names)
        object.__setattr__(self, "_chinese", re.compile(alternation(name for name in names if not name.isascii())))
        latin = alternation(name for name in names if name.isascii())
        object.__setattr__(self, "_latin", re.compile(rf"\b(?:{latin})(?![a-z0-9])", re.ASCII))

    @property
    def city(self) -> Place:
        """The root of the tree."""
        return next(place for place in self.places if place.level == CITY)

    @property
    def districts(self) -> tuple[Place, ...]:
        """All districts, in the order of their codes."""
        return tuple(place for place in self.places if place.level == DISTRICT)

    def streets(self, district: int) -> tuple[Place, ...]:
        """The streets, towns and townships of a district, in the order of their codes; empty for an unknown code."""
        return self._children.get(district, ()) if district != self.city.code else ()

    def place(self, code: int) -> Place:
        """The place with this code. Raises KeyError."""
        return self._by_code[code]

    def at(self, code: int | None) -> Place | None:
        """The place with this code; None where there is none."""
        return self._by_code.get(code) if code is not None else None

    def knows(self, code: int) -> bool:
        """Whether there is a place with this code."""
        return code in self._by_code

    def ancestors(self, code: int) -> tuple[Place, ...]:
        """What a place lies in, the nearest first, without itself. Raises KeyError."""
        above = []
        parent = self.place(code).parent
        while parent is not None:
            place = self.place(parent)
            above.append(place)
            parent = place.parent
        return tuple(above)

    def below(self, code: int) -> list[int]:
        """A place and all that lies in it."""
        return [code, *(deeper for one in self._children.get(code, ()) for deeper in self.below(one.code))]

    def within(self, code: int, ancestor: int) -> bool:
        """Whether a place is that other place or lies in it. Raises KeyError."""
        return code == ancestor or any(place.code == ancestor for place in self.ancestors(code))

    def match(self, text: str) -> list[Found]:
        """The places that a text names, in order; a name that several places share gives one Found for each."""
        folded = fold_with_origin(text)
        found: list[Found] = []
        for hit, name, start, end in self._accepted(folded):
            span = folded.original(start, end)
            if name.landmark is not None:
                found.append(Found(self.place(name.landmark.district), *span, name.landmark))
            else:
                found.extend(Found(place, *span) for place in hit)
        return self._narrowed(found)

    def _accepted(self, folded: Folded) -> Iterator[tuple[tuple[Place, ...], _Name, int, int]]:
        plain = folded.plain
        whole = plain.strip(_AROUND)
        district: tuple[Place, int] | None = None  # the last district named, and where its name ended
        position = 0
        while hit := self._next(plain, position):
            start, end = hit.span()
            name = self._names[hit[0]]
            places = name.places
            position = end
            if name.timid:
                accepted = self._bold_enough(plain, whole, start, end, places, district)
                if accepted is None:
                    position = start + 1  # a shorter name may begin inside
                    continue
                places, end = accepted
                position = end
            elif len(places) == 1 and places[0].level == DISTRICT:
                unit = (_DISTRICT_UNIT_AFTER if not hit[0].isascii() else _ENGLISH_DISTRICT_AFTER).match(plain, end)
                position = end = unit.end() if unit else end
                district = places[0], end
            yield places, name, start, end

    def _next(self, plain: str, position: int) -> re.Match[str] | None:
        """The first name that starts at this position or later, the longest of those that start there."""
        chinese = self._chinese.search(plain, position)
        latin = self._latin.search(plain, position)
        if chinese is None or latin is None:
            return chinese or latin
        return min(chinese, latin, key=lambda hit: hit.start())

    def _bold_enough(
        self,
        plain: str,
        whole: str,
        start: int,
        end: int,
        places: tuple[Place, ...],
        district: tuple[Place, int] | None,
    ) -> tuple[tuple[Place, ...], int] | None:
        """The streets that a short name stands for here and where it ends; None: here it is a plain word."""
        latin = plain[start:end].isascii()
        unit = (_ENGLISH_UNIT_AFTER if latin else _UNIT_AFTER).match(plain, end)
        if unit:
            return places, unit.end()
        if _NEAR_AFTER.match(plain, end) or _NEAR_BEFORE.search(plain, 0, start) or plain[start:end] == whole:
            return places, end
        if district is not None and not plain[district[1] : start].strip(_AROUND + "的"):
            inside = tuple(place for place in places if place.parent == district[0].code)
            if inside:
                return inside, end
        return None

    def _narrowed(self, found: list[Found]) -> list[Found]:
        """Of places that share a name, those in a district that the text names too, where there are such."""
        districts = {hit.place.code for hit in found if hit.place.level == DISTRICT}
        shared = {
            (hit.start, hit.end) for hit in found if hit.place.level == STREET and hit.place.parent in districts
        }
        return [
            hit
            for hit in found
            if hit.place.level != STREET or (hit.start, hit.end) not in shared or hit.place.parent in districts
        ]


def _names(places: Iterable[Place], landmarks: Iterable[Landmark]) -> dict[str, _Name]:
    """Every written name in its plain form. A landmark's name wins over a street's short one: it brings a point."""
    names: dict[str, _Name] = {}
    short: defaultdict[str, list[Place]] = defaultdict(list)
    full: defaultdict[str, list[Place]] = defaultdict(list)
    districts: dict[str, Place] = {}
    for place in places:
        if place.level == STREET:
            full[fold(place.name)].append(place)
            full[fold(place.english)].append(place)
            latin = fold(place.english).rsplit(" ", 1)[0]
            for name in {fold(place.short), latin, latin.replace("'", "")} - {fold(place.name)}:
                short[name].append(place)
        else:
            districts[place.name] = place
            for name in (place.name, place.short, place.english):
                names[fold(name)] = _Name((place,))
    for name, place_name in _FORMER.items():
        if place_name in districts:
            names[name] = _Name((districts[place_name],))
    for landmark in landmarks:
        for name in (landmark.name, landmark.english, *landmark.aliases):
            names.setdefault(fold(name), _Name(landmark=landmark))
    for written, sharing in full.items():
        names.setdefault(written, _Name(tuple(sharing)))
    for written, sharing in short.items():
        if len(written) >= 2:
            names.setdefault(written, _Name(tuple(sharing), timid=True))
    return names


def read_places(lines: Iterable[str]) -> list[Place]:
    """The rows of a file like `data/beijing.csv`. Raises ValueError or KeyError for a row that is not one."""
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return [
        Place(
            code=int(row["code"]),
            level=row["level"],
            name=row["name"],
            english=row["english"],
            latitude=float(row["latitude"]) if row["latitude"] else None,
            longitude=float(row["longitude"]) if row["longitude"] else None,
            parent=int(row["parent"]) if row["parent"] else None,
        )
        for row in rows
    ]


def read_landmarks(lines: Iterable[str]) -> list[Landmark]:
    """The rows of a file like `data/landmarks.csv`. Raises ValueError or KeyError for a row that is not one."""
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return [
        Landmark(
            name=row["name"],
            english=row["english"],
            aliases=tuple(alias for alias in row["aliases"].split("|") if alias),
            district=int(row["district"]),
            latitude=float(row["latitude"]),
            longitude=float(row["longitude"]),
        )
        for row in rows
    ]


@cache
def beijing() -> Gazetteer:
    """Beijing, from the data files beside this module; read once."""
    data = resources.files("bot.domain") / "data"
    return Gazetteer(
        read_places((data / "beijing.csv").read_text(encoding="utf-8").splitlines()),
        read_landmarks((data / "landmarks.csv").read_text(encoding="utf-8").splitlines()),
    )
