"""Whom a campaign means: one condition after another, each said back in words, with the count as it is now."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.desk.campaigns import Voice
from bot.desk.desk import Desk
from bot.domain.campaigns import Audience, By, Condition
from bot.domain.kinds import KINDS, match_kinds
from bot.domain.skills import SKILLS
from bot.domain.writing import fold
from bot.talk import Date, Incoming, Joined, Named, Option, Talk, Text, Unclear, Words, _, lines, ngettext
from handlers.answers import count
from handlers.cards import kind_name
from handlers.skills import skill_name

CONDITIONS = 8
"""Of one campaign: more of them nobody can hold in view."""

@dataclass(frozen=True, slots=True)
class Choice:
    """A value, what it is called, and the day that tells it from others of its name."""

    value: str | int
    called: Named
    day: datetime | None = None

    @property
    def label(self) -> Words:
        """How it stands in a list and in the condition."""
        return self.called if self.day is None else Joined((self.called, Date(self.day)), " ")


LANGUAGES = (Choice("zh_CN", Named("中文", "Chinese")), Choice("en", Named("英文", "English")))

ASKED: Mapping[By, tuple[Text, Text]] = {
    "district": (_("District"), _("Which district? Several are parted by commas.")),
    "subscribed": (_("Subscribers of a kind of service"), _("Which kind? Several are parted by commas.")),
    "served": (_("Kind of service done before"), _("Which kind? Several are parted by commas.")),
    "joined": (_("An activity of ours"), _("Who signed up for which activity?")),
    "skill": (_("Proven skill"), _("Which skill? Several are parted by commas.")),
    "team": (_("Team"), _("Which team?")),
    "language": (_("Language"), _("Which language?")),
    "hours": (_("Hours so far"), _("How many hours? Like “10-50”, “10+” or “-50”.")),
    "seen": (_("Heard from lately"), _("Who wrote to me in the last how many days? Like 90.")),
}
"""What a condition is called, and what is asked about it."""


async def asked(talk: Talk, desk: Desk, voice: Voice) -> Audience:
    """Ask for conditions until it is enough; each of them narrows."""
    audience = Audience(voice.scope)
    for step in range(CONDITIONS):
        name = f"whom.{step}"
        by, at_once = await talk.ask(name, await _so_far(talk, desk, audience, name), a_district(desk), options=_ways())
        if by == "enough":
            break
        values = at_once or await _values(talk, desk, voice, by, f"{name}.what")
        condition = Condition(by, tuple(values))
        means = lines(await condition_in_words(desk, condition), _("With these people, or without them?"))
        sides = [Option("with", _("With them"), False), Option("without", _("Without them"), True)]
        without = await talk.choose(f"{name}.side", means, sides)
        audience = audience.narrowed(Condition(by, condition.values, without))
    return audience


def _ways() -> list[Option]:
    return [
        Option("enough", _("Done"), ["enough", []]),
        *(Option(by, label, [by, []]) for by, (label, _question) in ASKED.items()),
    ]


def a_district(desk: Desk) -> Callable[[Incoming], list[Any]]:
    """Districts named at once: whoever is asked whom it shall reach answers “Haidian” rather than “district”."""
    read = several(districts(desk), nothing_else, {})

    def named(answer: Incoming) -> list[Any]:
        try:
            return ["district", read(answer)]
        except Unclear:
            raise Unclear("") from None

    return named


def districts(desk: Desk) -> list[Choice]:
    """All of the city."""
    return [Choice(one.code, Named(one.name, one.english)) for one in desk.city.places.districts]


async def _so_far(talk: Talk, desk: Desk, audience: Audience, name: str) -> Words:
    """The audience in words, counted only where it is shown."""
    if talk.answered(name) is not None:
        return ""
    people = await desk.campaigns.count(audience)
    return lines(
        _("Whom shall it reach?"),
        *await in_words(desk, audience),
        ngettext("That is {n} person now.", "That is {n} people now.", people),
        "",
        _("Add a condition, or are you done?"),
    )


async def _values(talk: Talk, desk: Desk, voice: Voice, by: By, name: str) -> Sequence[str | int]:
    """What a condition speaks of."""
    question: Words = ASKED[by][1]
    if by == "hours":
        return list(await talk.ask(name, question, from_to))
    if by == "seen":
        return [await talk.ask(name, question, count(1, 3650))]
    choices = await _choices(desk, voice, by)
    if not choices:
        question = lines(_("There is none yet."), _("Type “back” for another condition."))
    options = [Option(str(one.value), one.label, [one.value]) for one in choices]
    read = several(choices, kinds if by in ("subscribed", "served") else nothing_else, numbered(talk, choices))
    return list(await talk.ask(name, question, read, options=options))


async def _choices(desk: Desk, voice: Voice, by: By) -> Sequence[Choice]:
    if by == "district":
        return districts(desk)
    if by in ("subscribed", "served"):
        return [Choice(one.code, kind_name(one.code)) for one in KINDS]
    if by == "skill":
        return [Choice(one.code, skill_name(one.code)) for one in SKILLS]
    if by == "language":
        return LANGUAGES
    if by == "team":
        return [Choice(number, Named(*called)) for number, called in (await desk.campaigns.teams(voice)).items()]
    return [Choice(one.number, Named(one.title, one.english), one.starts) for one in await desk.campaigns.past(voice)]


# --- In words --------------------------------------------------------------------------------------------------------


async def in_words(desk: Desk, audience: Audience) -> list[Words]:
    """A line for whom the sender may write to at all, and one for each condition."""
    return [await scope_in_words(desk, audience), *[await condition_in_words(desk, one) for one in audience.conditions]]


async def scope_in_words(desk: Desk, audience: Audience) -> Words:
    """Whom the sender may write to."""
    scope = audience.scope
    if scope.organisation is not None:
        name = Named(*await desk.campaigns.name_of("organisation", scope.organisation))
        return _(
            "Of {name}: whoever signed up with it, the teams that came along, and subscribers of its district or kinds",
            name=name,
        )
    if scope.whole_city:
        return _("The whole city")
    places = [desk.city.place(code) for code in (*scope.districts, *scope.streets)]
    names = Joined(tuple(Named(one.name, one.english) for one in places if one), " / ")
    return _("Of {place}: whoever signed up there or subscribes to it", place=names)


async def condition_in_words(desk: Desk, one: Condition) -> Words:
    """One condition, like “has served: environment / care”."""
    return said(one.by, await _what(desk, one))[one.without]


def said(by: By, what: Words) -> tuple[Text, Text]:
    """A condition in words, and its opposite."""
    return {
        "district": (_("around there: {what}", what=what), _("not around there: {what}", what=what)),
        "subscribed": (_("subscribed to: {what}", what=what), _("not subscribed to: {what}", what=what)),
        "served": (_("has served: {what}", what=what), _("has never served: {what}", what=what)),
        "joined": (_("signed up for: {what}", what=what), _("did not sign up for: {what}", what=what)),
        "skill": (_("has proven: {what}", what=what), _("has not proven: {what}", what=what)),
        "team": (_("in the team: {what}", what=what), _("not in the team: {what}", what=what)),
        "language": (_("reads: {what}", what=what), _("does not read: {what}", what=what)),
        "hours": (_("counted so far: {what}", what=what), _("counted so far is not: {what}", what=what)),
        "seen": (_("wrote to me within: {what}", what=what), _("did not write to me within: {what}", what=what)),
    }[by]


async def _what(desk: Desk, one: Condition) -> Words:
    names: Sequence[Words]
    match one.by:
        case "hours":
            return _hours(*one.values)
        case "seen":
            return ngettext("{n} day", "{n} days", int(one.values[0]))
        case "district":
            found = [desk.city.place(int(code)) for code in one.values]
            names = [Named(place.name, place.english) for place in found if place]
        case "subscribed" | "served":
            names = [kind_name(str(code)) for code in one.values]
        case "skill":
            names = [skill_name(str(code)) for code in one.values]
        case "language":
            names = [language.called for language in LANGUAGES if language.value in one.values]
        case "joined":
            held = [await desk.campaigns.occasion(int(number)) for number in one.values]
            names = [Choice(past.number, Named(past.title, past.english), past.starts).label for past in held if past]
        case by:
            names = [Named(*await desk.campaigns.name_of(by, int(number))) for number in one.values]
    return Joined(tuple(names), " / ")


def _hours(least: str | int, most: str | int) -> Text:
    if least == "":
        return _("{most} hours at most", most=int(most) // 60)
    if most == "":
        return _("{least} hours or more", least=int(least) // 60)
    return _("{least} to {most} hours", least=int(least) // 60, most=int(most) // 60)


# --- Readers ---------------------------------------------------------------------------------------------------------


def kinds(text: str) -> list[str]:
    """Kinds of service by any of their names: 种树 is the environment."""
    return list(dict.fromkeys(found.kind.code for found in match_kinds(text)))


def nothing_else(_text: str) -> list[str]:
    """No other names are known."""
    return []


def numbered(talk: Talk, choices: Sequence[Choice]) -> dict[str, str | int]:
    """What the numbers on the screen mean: a long list shows them leaf by leaf, each beginning at 1."""
    known = {str(one.value): one.value for one in choices}
    return {str(n): known[one.pick] for n, one in enumerate(talk.session.shown, 1) if one.pick in known}


def several(
    choices: Sequence[Choice], otherwise: Callable[[str], list[str]], numbers: Mapping[str, str | int]
) -> Callable[[Incoming], list[Any]]:
    """Some of the choices by names, in either language, or numbers: `海淀、朝阳`, `Haidian, Chaoyang`, `3、6`.

    `otherwise`: what else a text may mean, where a name is not known. A name's beginning is enough, else any part of
    it; one that fits several is asked about, because it was an answer all the same.
    """
    known = [
        (_folded(name), one) for one in choices for name in (one.called.chinese, one.called.english) if name
    ]

    def meant(part: str) -> Any:
        if part in numbers:
            return numbers[part]
        close = (
            _of(known, lambda name: name == part)
            or (_of(known, lambda name: name.startswith(part)) if len(part) > 1 else {})
            or (_of(known, lambda name: part in name) if len(part) > 1 else {})
        )
        values = list(close) or otherwise(part)
        if len(values) > 1 and close:
            names = Joined(tuple(one.label for one in close.values()), " / ")
            raise Unclear(_("“{name}” fits several of them: {names}. Which do you mean?", name=part, names=names), True)
        if len(values) != 1:
            raise Unclear("")
        return values[0]

    def read(answer: Incoming) -> list[Any]:
        text = _folded(answer.text or "")
        parts = [part for part in map(_folded, re.split(r"[,，、;；/]|\band\b", text)) if part]
        if any(name == text for name, _one in known):
            parts = [text]
        return list(dict.fromkeys(meant(part) for part in parts))

    return read


def _of(known: Sequence[tuple[str, Choice]], fits: Callable[[str], bool]) -> dict[str | int, Choice]:
    return {one.value: one for name, one in known if fits(name)}


def _folded(text: str) -> str:
    return " ".join(fold(text).split())


_FROM_TO = re.compile(r"(\d{1,5})\s*(?:h|hours?|小时)?\s*(?:-|–|—|~|to|到|至)\s*(\d{1,5})")
_FROM = re.compile(r"(?:from|at least|over|至少|超过)\s*(\d{1,5})|(\d{1,5})\s*(?:h|hours?|小时)?\s*(?:\+|or more|以上)")
_UP_TO = re.compile(
    r"(?:-|up to|at most|under|最多|不超过|不到)\s*(\d{1,5})|(\d{1,5})\s*(?:h|hours?|小时)?\s*(?:以下|以内)"
)


def from_to(answer: Incoming) -> list[int | str]:
    """Hours from and to, in minutes; an empty end is open: `10-50`, `10+`, `50小时以内`."""
    text = _folded(answer.text or "")
    if found := _FROM_TO.search(text):
        least, most = sorted(map(int, found.groups()))
        return [least * 60, most * 60]
    if found := _UP_TO.search(text):
        return ["", int(found[1] or found[2]) * 60]
    if found := _FROM.search(text):
        return [int(found[1] or found[2]) * 60, ""]
    raise Unclear(_("Please send hours like “10-50”, “10+” (at least) or “-50” (at most)."))
