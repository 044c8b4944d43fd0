"""Lazy words: a message keeps its msgid and values, and becomes a sentence in the reader's language when it is
delivered."""

from __future__ import annotations

import gettext
import io
from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import date, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from babel import Locale
from babel.dates import format_date
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from bot.facts import fact

LANGUAGES = ("zh_CN", "en")
"""Languages that are complete; the first is the city's own."""

CATALOGUES = Path(__file__).resolve().parents[2] / "locales"


@fact
class Text:
    """A sentence not yet in any language: the English msgid and its named values."""

    msgid: str
    values: Mapping[str, Any] = field(default_factory=dict)
    plural: str = ""
    count: int = 0


@fact
class Named:
    """A proper name that exists in both languages: a district, a kind of service, an activity with an English title."""

    chinese: str
    english: str = ""


@fact
class Span:
    """From one moment to another: `Sat 28 Nov 09:00–11:30`, `11月28日（周六）09:00–11:30`."""

    start: datetime
    end: datetime


@fact
class Joined:
    """Several words shown one after another, parted by `by` (a line break, a comma)."""

    parts: tuple[Words, ...]
    by: str = "\n"


@fact
class Day:
    """A moment of which only the day matters."""

    at: datetime


@fact
class Date:
    """A moment of which only the day matters, in a year that may be another than this: `15 Sep 2025`."""

    at: datetime


@fact
class Clock:
    """A moment of which only the time of day matters."""

    at: datetime


@fact
class Month:
    """A month of a year, given by any of its days: `Nov 2026`, `2026年11月`."""

    day: date


Words = str | Text | Named | Joined | Span | Day | Date | Clock | Month | datetime
"""Anything that can be said. A plain `str` is the person's own words or data, and is never translated."""


def _(msgid: str, **values: Any) -> Text:
    """A message. The msgid is an English sentence with named values: `_("You are number {n}.", n=3)`."""
    return Text(msgid, values) if values else _bare(msgid)


@lru_cache(maxsize=4096)
def _bare(msgid: str) -> Text:
    """The code has so many sentences without a value: one of each will do."""
    return Text(msgid)


def ngettext(singular: str, plural: str, count: int, **values: Any) -> Text:
    """A message whose form depends on a count, which is also the value `n`."""
    return Text(singular, {"n": count, **values}, plural, count)


def forms(word: str | Text) -> tuple[str, ...]:
    """A word as it is; a message in each language: what somebody may type who read it anywhere."""
    return (word,) if isinstance(word, str) else tuple(catalogue(one).gettext(word.msgid) for one in LANGUAGES)


def lines(*parts: Words | None) -> Joined:
    """Parts under each other; None is left out, so that a line can be conditional."""
    return Joined(tuple([part for part in parts if part is not None]))


@lru_cache(maxsize=8)
def catalogue(language: str, folder: Path = CATALOGUES) -> gettext.NullTranslations:
    """The language's messages, read from its .po file into memory: there is no compiled file to forget."""
    source = folder / language / "LC_MESSAGES" / "menkou.po"
    if language == "en" or not source.exists():
        return gettext.NullTranslations()
    with source.open("rb") as po:
        messages = read_po(po, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


# Babel looks through all its languages' names at every call: half of what a turn cost.
_LOCALES = {language: Locale.parse(language) for language in LANGUAGES}


@lru_cache(maxsize=4096)
def _date(day: date, pattern: str, language: str) -> str:
    return format_date(day, pattern, locale=_LOCALES[language])


@lru_cache(maxsize=4096)
def _decimal(number: float | Decimal, language: str) -> str:
    return format_decimal(number, "0.#", locale=_LOCALES[language])


# A city has few activities and many who look at them: their moments are put into words once, not once a reader.


@lru_cache(maxsize=4096)
def _day(at: datetime, zone: tzinfo, language: str) -> str:
    return _date(at.astimezone(zone).date(), "EEE d MMM" if language == "en" else "M月d日（EEE）", language)


@lru_cache(maxsize=4096)
def _clock(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%H:%M}"


@lru_cache(maxsize=4096)
def _moment(at: datetime, zone: tzinfo, language: str) -> str:
    return f"{_day(at, zone, language)}{' ' if language == 'en' else ''}{_clock(at, zone)}"


@lru_cache(maxsize=4096)
def _span(start: datetime, end: datetime, zone: tzinfo, language: str) -> str:
    first, last = _moment(start, zone, language), _moment(end, zone, language)
    same = start.astimezone(zone).date() == end.astimezone(zone).date()
    return f"{first}–{_clock(end, zone)}" if same else f"{first} – {last}"


@lru_cache(maxsize=8192)
def _in_language(language: str, msgid: str, plural: str, count: int) -> str:
    messages = catalogue(language)
    if plural:
        return messages.ngettext(msgid, plural, count)
    return messages.gettext(msgid) if msgid else ""


@lru_cache(maxsize=4096)
def _without_values(language: str, msgid: str, plural: str, count: int) -> str:
    return _in_language(language, msgid, plural, count).format_map({})


@fact
class Wording:
    """One reader's way of putting things: language, the city's time zone, and whether elder mode is on."""

    language: str
    zone: tzinfo
    elder: bool = False

    def put(self, words: Words | int | float | Decimal | date | None) -> str:
        """The words in this reader's language."""
        return _WAYS[type(words)](self, words)

    __call__ = put
    """For whoever holds a wording. Words within words are put by name: calling an object costs a way out of Python."""

    def day(self, at: datetime) -> str:
        """`Sat 28 Nov`, `11月28日（周六）`."""
        return _day(at, self.zone, self.language)

    def clock(self, at: datetime) -> str:
        """`09:00`."""
        return _clock(at, self.zone)

    def _named(self, name: Named) -> str:
        return name.english if self.language == "en" and name.english else name.chinese

    def _joined(self, joined: Joined) -> str:
        by = _PARTED.get(joined.by, joined.by) if self.language == "zh_CN" else joined.by
        return by.join([part if type(part) is str else self.put(part) for part in joined.parts])

    def _moment(self, at: datetime) -> str:
        return _moment(at, self.zone, self.language)

    def _date(self, day: date) -> str:
        return _date(day, "d MMM y" if self.language == "en" else "y年M月d日", self.language)

    def _month(self, month: Month) -> str:
        return _date(month.day, "MMM y" if self.language == "en" else "y年M月", self.language)

    def _span(self, span: Span) -> str:
        return _span(span.start, span.end, self.zone, self.language)

    def _sentence(self, text: Text) -> str:
        if not text.values:
            return _without_values(self.language, text.msgid, text.plural, text.count)
        sentence = _in_language(self.language, text.msgid, text.plural, text.count)
        return sentence.format_map({
            name: value if type(value) is str else self.put(value) for name, value in text.values.items()
        })


_PARTED = {", ": "、", "; ": "；", ": ": "："}
"""What parts several words in Chinese, where English has a sign and a space."""

_Way = Callable[[Wording, Any], str]


class _Ways(dict[type, _Way]):
    """How each kind of words is put. A table, because a `match` asks fourteen questions and a page has sixty words."""

    def __missing__(self, kind: type) -> _Way:
        """What is a kind of one of these, as a member of a StrEnum is a text, is found once; what is none, a number."""
        known = tuple(self.items())  # another thread may find one meanwhile
        self[kind] = found = next((way for one, way in known if issubclass(kind, one)), self[float])
        return found


_WAYS = _Ways({
    type(None): lambda _wording, _nothing: "",
    str: lambda _wording, text: str(text),
    Text: Wording._sentence,
    Named: Wording._named,
    Joined: Wording._joined,
    Span: Wording._span,
    Day: lambda wording, day: wording.day(day.at),
    Date: lambda wording, day: wording._date(day.at.astimezone(wording.zone).date()),
    Clock: lambda wording, clock: wording.clock(clock.at),
    Month: Wording._month,
    datetime: Wording._moment,
    date: Wording._date,
    int: lambda _wording, number: str(number),
    float: lambda wording, number: _decimal(number, wording.language),
})
