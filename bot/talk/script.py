"""Keyed scripts: a conversation is one async function, run again from its first line on every turn.

Each question has a name. An answer kept under that name returns at once; the first unanswered question ends
the turn. So
a conversation reads like a script, is stored as a dictionary of named answers, and survives restarts, replicas
and deploys.
Three rules: ask first, act last (the core raises if a question follows a change); a question's name is its identity;
in a loop, put the index in the name.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

from bot.talk.incoming import Incoming, Intent
from bot.talk.numbers import plain
from bot.talk.session import Session, Thread
from bot.talk.view import Link, Option, Picture, Spot, View, Wants, WebLink
from bot.talk.wording import Text, Wording, Words, _, lines

T = TypeVar("T")

LIST_LENGTH = 7
"""Options that a list shows before “more”: what a person can hold in view, on any door."""

ELDER_LIST_LENGTH = 4

MORE = "more"

_YES = frozenset({"y", "yes", "ok", "okay", "yep", "sure", "是", "是的", "好", "好的", "对", "可以", "行", "确认"})
_YES |= {"确定", "同意", "嗯", "要"}
_NO = frozenset({"n", "no", "nope", "否", "不", "不是", "不要", "不了", "不用", "不行", "算了", "不同意"})
# Not 来 and 不来: to “give up your seat?” they mean the opposite of yes and no.


class AskedAfterActing(RuntimeError):
    """A script asked a question after it had changed something: run again, it would change it twice."""


class Unclear(Exception):
    """A reader could not make sense of an answer; `words` says what is possible."""

    def __init__(self, words: Words, close: bool = False) -> None:
        super().__init__()
        self.words = words
        self.close = close
        """It was half of an answer, and not meant for anything else."""


class Paused(BaseException):
    """The turn ends here, at an open question. A BaseException, so that no handler catches it by accident."""

    def __init__(self, untaken: bool = False, told: bool = False) -> None:
        super().__init__()
        self.untaken = untaken
        """An answer was there, and the question could not take it."""
        self.told = told
        """It was half of an answer, and the question has said what is missing."""


Reader = Callable[[Incoming], Any]
"""Turns what arrived into plain JSON to keep, or raises Unclear."""

Hears = Callable[[str, datetime], Sequence[str] | None]
"""Does a free sentence start this script? It gets the text and the moment in the city's zone; arguments, or None."""

Knows = Callable[[Any, str], Awaitable[Sequence[str] | None]]
"""Does the city know what was typed? It gets the desk and the text; arguments, or None."""


@dataclass(frozen=True, slots=True)
class Script:
    """A conversation by name: what starts it and how it is called when somebody is asked to go on with it."""

    name: str
    run: Callable[..., Awaitable[None]]
    words: tuple[str | Text, ...] = ()
    title: Words = ""
    hears: Hears | None = None
    knows: Knows | None = None
    """Asked last, about what nothing else understood: it looks into the city's data."""
    takes_place: bool = False
    anywhere: bool = False
    """Its words interrupt even a question that could take them (menu, help)."""
    takes_rest: bool = False
    """What follows its word is handed over: `find weekend` is find with “weekend”."""
    silent: bool = False
    """Not something a person says: it has no words, and typing its link does not start it."""
    aside: bool = False
    """Something that the platform tells of itself: it leaves the conversation as it stands."""

    def arguments(self, given: Sequence[str]) -> list[Any] | None:
        """The arguments in the types that the script asks for, or None if they do not fit."""
        required, asked = _parameters(self.run)
        if not required <= len(given) <= len(asked):
            return None
        fitted: list[Any] = []
        for kind, text in zip(asked, given, strict=False):
            if kind is int:
                if not text.isdecimal() or len(text) > 18:
                    return None
                fitted.append(int(text))
            else:
                fitted.append(text)
        return fitted


@lru_cache(maxsize=1024)
def _parameters(run: Callable[..., Awaitable[None]]) -> tuple[int, list[object]]:
    """How many arguments a script needs at least, and the types of all that it takes."""
    asked = list(inspect.signature(run, eval_str=True).parameters.values())[2:]
    required = sum(one.default is inspect.Parameter.empty for one in asked)
    return required, [one.annotation for one in asked]


def script(
    name: str,
    *,
    words: Sequence[str | Text] = (),
    title: Words = "",
    hears: Hears | None = None,
    knows: Knows | None = None,
    takes_place: bool = False,
    anywhere: bool = False,
    takes_rest: bool = False,
    silent: bool = False,
    aside: bool = False,
) -> Callable[[Callable[..., Awaitable[None]]], Script]:
    """Make a script of an async function `(talk, desk, *arguments)`.

    `words` start it when they are typed; a message among them, such as what a menu calls it, does so in each language.
    """

    def made(run: Callable[..., Awaitable[None]]) -> Script:
        return Script(name, run, tuple(words), title, hears, knows, takes_place, anywhere, takes_rest, silent, aside)

    return made


async def _themselves(links: Sequence[Any]) -> Sequence[Link | WebLink]:
    return links


@dataclass
class Talk:
    """A script's side of the conversation in one turn."""

    now: datetime
    wording: Wording
    session: Session
    thread: Thread
    incoming: Incoming
    changed: Callable[[], bool] = lambda: False
    answer: Incoming | None = None
    """What the open question is to take: at most once a turn."""
    picked: str | None = None
    """The key of the option that was pressed, or chosen by its number."""
    note: Words | None = None
    views: list[View] = field(default_factory=list)
    next: Intent | None = None

    def say(
        self,
        text: Words,
        *options: Option | Link | WebLink,
        picture: Picture | None = None,
        spot: Spot | None = None,
    ) -> None:
        """Say something. What is said before a question that has been answered is not said again."""
        self.views.append(View(text, options, picture=picture, spot=spot))

    def go(self, intent: Intent) -> None:
        """Go on with another script when this one has ended."""
        self.next = intent

    def given(self, name: str, value: Any) -> None:
        """Keep an answer that came before its question, such as a place that was shared without being asked for."""
        self.thread.answers[name] = {"value": value}

    def undoable(self, intent: Intent | None) -> None:
        """For ten minutes, “undo” starts this. None: this cannot be undone, and “undo” means nothing before it."""
        self.session.offer_undo(intent, self.now)

    def answered(self, name: str) -> Any:
        """What was answered under a name earlier in this conversation, or None."""
        kept = self.thread.answers.get(name)
        return kept["value"] if isinstance(kept, dict) else kept

    async def choose(
        self,
        name: str,
        text: Words,
        options: Sequence[Option],
        *,
        also: Sequence[Link] = (),
        yes: str = "",
        no: str = "",
    ) -> Any:
        """Ask for one of the options and return its value. A kept answer that is no longer offered is asked again.

        `yes`, `no`: the keys of the options that a plain yes or no means.
        """
        if yes and self._is_for(name) and self.picked is None and self.answer and self.answer.text:
            said = plain(self.answer.text)
            if said in _YES or said in _NO:
                self.picked = yes if said in _YES else no
        kept = self._kept(name)
        if kept is not None:
            for option in options:
                if option.key == kept:
                    return self._passed(option.value if option.value is not None else option.key)
            self._forget(name)
            self.note = _("That is no longer possible.")
        elif self._is_for(name):
            key = self._pick_from(options)
            if key == MORE:
                self.thread.page += 1
            elif key is not None:
                self._keep(name, key)
                value = next(option.value for option in options if option.key == key)
                return self._passed(value if value is not None else key)
            else:
                if self.picked is not None:
                    self.note = _("That is no longer possible.")
                self._refuse(name, text, self._leaf(options, also))
        self._ask(name, text, self._leaf(options, also), "")
        raise Paused

    async def confirm(self, name: str, text: Words, yes: Words | None = None, no: Words | None = None) -> bool:
        """Ask for a yes or a no."""
        options = (Option("yes", yes or _("Yes"), True), Option("no", no or _("No"), False))
        return bool(await self.choose(name, text, options, yes="yes", no="no"))

    async def ask(
        self,
        name: str,
        text: Words,
        read: Reader,
        *,
        wants: Wants = "text",
        options: Sequence[Option] = (),
        also: Sequence[Link] = (),
    ) -> Any:
        """Ask for something that is not in a list. `read` turns the answer into plain JSON or raises Unclear.

        `options` are ready answers under the question; chosen, they return their value.
        """
        kept = self._kept(name)
        if kept is not None:
            if isinstance(kept, dict):
                return self._passed(kept["value"])
            for option in options:
                if option.key == kept:
                    return self._passed(option.value)
            self._forget(name)
        elif self._is_for(name):
            try:
                # Any words would do for a text: a ready answer's own are no text.
                if self.picked is not None or self.answer is None or (wants == "text" and self._names_one(options)):
                    raise Unclear("")
                value = read(self.answer)
                self._keep(name, {"value": value})
                return self._passed(value)
            except Unclear as unclear:
                key = self._pick_from(options)
                if key is not None and key != MORE:
                    self._keep(name, key)
                    return self._passed(next(option.value for option in options if option.key == key))
                if key is None:
                    self.note = unclear.words or None
                    self._refuse(name, text, self._leaf(options, also), wants, unclear.close)
                self.thread.page += 1
        self._ask(name, text, self._leaf(options, also), wants)
        raise Paused

    async def browse(
        self,
        name: str,
        text: Words,
        links: Sequence[T],
        made: Callable[[Sequence[T]], Awaitable[Sequence[Link | WebLink]]] = _themselves,
    ) -> None:
        """Show a list of links, in leaves with “more” where it is long. `made` makes links of those that are shown."""
        if len(links) <= self._length:
            return self.say(text, *await made(links))
        more = Option(MORE, _("More"))
        if self._is_for(name):
            if self._pick_from([more]) != MORE:
                self._refuse(name, text, [*await made(self._shown(links)), more])
            self.thread.page += 1
        self._ask(name, text, [*await made(self._shown(links)), more], "")
        raise Paused

    @property
    def _length(self) -> int:
        return ELDER_LIST_LENGTH if self.wording.elder else LIST_LENGTH

    def _kept(self, name: str) -> Any:
        return self.thread.answers.get(name)

    def _is_for(self, name: str) -> bool:
        return self.thread.question == name and (self.answer is not None or self.picked is not None)

    def _keep(self, name: str, value: Any) -> None:
        self.thread.answers[name] = value
        self.thread.question = ""
        self.thread.page = 0
        self.answer = self.picked = None

    def _passed(self, value: Any) -> Any:
        self.views.clear()
        return value

    def _forget(self, name: str) -> None:
        """Asked again: this answer goes, and all that were given after it."""
        names = list(self.thread.answers)
        for later in names[names.index(name) :]:
            del self.thread.answers[later]
        self.thread.question = ""

    def _pick_from(self, options: Sequence[Option]) -> str | None:
        """The key that was pressed, numbered or named: the whole label, or a part that only one label has."""
        keys = {option.key for option in options}
        if self.picked is not None:
            return self.picked if self.picked in keys or self.picked == MORE else None
        said = plain(self.answer.text or "") if self.answer else ""
        if not said:
            return None
        labels = {option.key: plain(self.wording(option.label)) for option in options}
        for key, label in labels.items():
            if label == said:
                return key
        if said in ("更多", "more", "下一页", "next") and (len(options) > self._length or MORE in keys):
            return MORE
        within = [key for key, label in labels.items() if said in label] if len(said) > 1 else []
        return within[0] if len(within) == 1 else None

    def _names_one(self, options: Sequence[Option]) -> bool:
        """Is the whole label of an option what was typed?"""
        said = plain(self.answer.text or "") if self.answer else ""
        return any(plain(self.wording(option.label)) == said for option in options)

    def _leaf(self, options: Sequence[Option | Link | WebLink], also: Sequence[Link]) -> list[Option | Link | WebLink]:
        """The page of a long list that is to be shown, with “more” at its end."""
        if len(options) <= self._length:
            return [*options, *also]
        return [*self._shown(options), Option(MORE, _("More")), *also]

    def _shown(self, whole: Sequence[T]) -> Sequence[T]:
        """The leaf of a long list that is open now."""
        length = self._length
        page = self.thread.page % -(-len(whole) // length)
        return whole[page * length : (page + 1) * length]

    def _ask(self, name: str, text: Words, options: Sequence[Option | Link | WebLink], wants: Wants) -> None:
        if self.changed():
            raise AskedAfterActing(f"“{name}” was asked after something had been changed")
        if self.thread.question != name:
            self.thread.page = 0 if self.thread.question else self.thread.page
        self.thread.question = name
        whole = lines(self.note, text) if self.note else text
        self.note = None
        self.views.append(View(whole, tuple(options), wants))

    def _refuse(
        self,
        name: str,
        text: Words,
        options: Sequence[Option | Link | WebLink],
        wants: Wants = "",
        close: bool = False,
    ) -> None:
        if self.note is None:
            self.note = _("I did not get that.")
        self._ask(name, text, options, wants)
        raise Paused(untaken=True, told=close)
