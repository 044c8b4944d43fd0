"""From what arrived to the script that answers it: links, numbers, words, sentences, and the way out of everything."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.talk.incoming import BadLink, Incoming, Intent
from bot.talk.numbers import chosen_number, plain
from bot.talk.script import Paused, Script, Talk
from bot.talk.session import Session, Shown, Thread
from bot.talk.view import Link, View
from bot.talk.wording import Wording, Words, _, forms, lines

CANCEL = frozenset({"cancel", "取消", "stop", "算了", "不弄了", "退出", "quit", "exit"})
BACK = frozenset({"back", "返回", "上一步", "后退"})
MORE = frozenset({"more", "更多", "继续看", "下一页"})
UNDO = frozenset({"undo", "撤销", "撤回"})
GO_ON = frozenset({"go on", "继续", "continue", "resume"})
THANKS = frozenset({
    "thanks", "thank you", "thx", "bye", "goodbye",
    "谢谢", "谢谢您", "谢谢你", "谢了", "多谢", "感谢", "辛苦了", "再见", "拜拜",
})  # fmt: skip
FINE = frozenset({
    "ok", "okay", "good", "fine", "got it",
    "好", "好的", "好嘞", "好吧", "行", "嗯", "嗯嗯", "收到", "知道了", "明白", "明白了",
})  # fmt: skip
"""What people say when nothing is asked: they want nothing, and are not told that it was not understood."""

RESUME = "resume"
CHAIN_LENGTH = 4
"""Scripts that may start each other within one turn: more is a loop."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What a turn says, and which script said it (for the log and the meters)."""

    views: list[View]
    script: str
    question: str
    rest: list[dict[str, Any]] | None = None
    """Kept pages to show as they are, instead of views."""


class Router:
    """Knows every script by its name, its words and the sentences it hears."""

    def __init__(self, scripts: Iterable[Script], menu: str = "menu") -> None:
        self.scripts = {one.name: one for one in scripts}
        self.menu = menu
        self.words: dict[str, Script] = {}
        for one in self.scripts.values():
            for typed in (form for word in one.words for form in forms(word)):
                if self.words.setdefault(plain(typed), one) is not one:
                    raise ValueError(f"two scripts want the word “{typed}”")
        self.hearing = [(one.hears, one) for one in self.scripts.values() if one.hears]
        self.knowing = [(one.knows, one) for one in self.scripts.values() if one.knows]
        # The longest first: one word may be the beginning of another.
        self.openings = sorted(((word, one) for word, one in self.words.items() if one.takes_rest), key=_longest_first)

    async def take(
        self,
        session: Session,
        incoming: Incoming,
        now: datetime,
        wording: Wording,
        desk: Any,
        changed: Callable[[], bool] = lambda: False,
        pushed: Sequence[Shown] = (),
    ) -> Answered:
        """Answer one message: changes the session, runs at most one conversation, returns what is to be said."""
        told = self.scripts.get(incoming.intent.script) if incoming.intent else None
        if told is not None and told.aside:
            # A blocked chat or a live place every few seconds is no turn of the conversation: its buttons stay good.
            talk = Talk(now, wording, Session(), Thread(told.name), incoming, changed)
            await told.run(talk, desk)
            return Answered(talk.views, told.name, "")
        turn = _Turn(self, session, incoming, now, wording, desk, changed, pushed)
        answered = await turn.answer()
        session.touched = now.timestamp()
        return answered


def _as_link(text: str) -> str:
    """A link as phones make it when it is typed: begun with a capital, its hyphen as wide as a Chinese character."""
    name, hyphen, rest = unicodedata.normalize("NFKC", text).strip().partition("-")
    return f"{name.lower()}{hyphen}{rest}"


def _longest_first(opening: tuple[str, Script]) -> int:
    return -len(opening[0])


def only_one_named(said: str, shown: Sequence[Shown]) -> Shown | None:
    """The one line of a list that begins with this name, before its time, place and seats."""
    named = [one for one in shown if said == plain(one.label.partition(" · ")[0])]
    return named[0] if len(named) == 1 else None


def only_one_with(said: str, shown: Sequence[Shown]) -> Shown | None:
    """The one line that has this in its label: two signs at least, and no half of a word that is spelt."""
    whole = re.compile(rf"(?<![a-z0-9]){re.escape(said)}(?![a-z0-9])")
    within = [one for one in shown if whole.search(plain(one.label))] if len(said) > 1 else []
    return within[0] if len(within) == 1 else None


@dataclass
class _Turn:
    """One message on its way through the router."""

    router: Router
    session: Session
    incoming: Incoming
    now: datetime
    wording: Wording
    desk: Any
    changed: Callable[[], bool]
    pushed: Sequence[Shown]

    async def answer(self) -> Answered:
        lay_idle = self.session.expire(self.now)
        old, self.session.turn = self.session.turn, self.session.turn + 1
        kept_rest, self.session.rest = self.session.rest, []
        if self.incoming.intent is not None:
            return await self.start(self.incoming.intent)
        if self.incoming.pick is not None:
            return await self.press(self.incoming.pick, old, lay_idle)
        if self.incoming.text is not None:
            return await self.read(self.incoming.text, kept_rest, lay_idle)
        if self.asking:
            answered = await self.carry_on(self.incoming)
            if answered is not None:
                return answered
        if self.incoming.place is not None:
            for one in self.router.scripts.values():
                if one.takes_place:
                    return await self.run(one, ())
        if self.incoming.photo is not None:
            text = _("I see no code of ours in that picture. Come closer for a sharp one, or type the number.")
            return self.lost(text)
        return self.lost(_("I can read text, numbers and places. Send “find” to see what is on, or “menu”."))

    @property
    def asking(self) -> bool:
        return bool(self.session.thread and self.session.thread.question)

    async def press(self, pick: str, turn: int, lay_idle: bool) -> Answered:
        """An answer button: only those of the last reply are answers."""
        number, _dot, place = pick.partition(".")
        if number.isdecimal() and place.isdecimal() and int(number) == turn:
            entry = self.entry(int(place), self.session.shown)
            if entry is not None and entry.link:
                return await self.follow(entry.link)
            if entry is not None and self.asking:
                return await self.go_on(self.incoming, entry.pick)
        if self.asking:
            return await self.go_on(note=_("That button belongs to an earlier message. This is the question now:"))
        if lay_idle:
            return self.ask_to_go_on()
        return self.lost(_("That button belongs to an earlier message."))

    async def read(self, text: str, rest: list[dict[str, Any]], lay_idle: bool) -> Answered:
        """Something typed: the way out first, then the open question, then words and sentences."""
        said = plain(text)
        if said in CANCEL:
            return self.cancel()
        if said in BACK:
            return await self.back()
        if said in MORE and rest:
            return Answered([], "more", "", rest)
        if said in UNDO:
            return await self.undo()
        if said in GO_ON and self.session.shelf and not self.asking:
            return await self.resume()
        called = self.router.words.get(said)
        if called is not None and called.anywhere:
            return await self.run(called, ())
        if self.asking:
            answered = await self.carry_on(self.incoming, self.picked_by_number(text))
            if answered is not None:
                return answered
        entry = self.numbered(text)
        if entry is not None:
            return await self.follow(entry.link)
        if called is not None:
            return await self.run(called, ())
        if said in THANKS and not self.asking:
            return self.lost(_("You are welcome. I am here whenever you need me."))
        if said in FINE and not self.asking:
            return self.lost(_("Good. I am here whenever you need me."))
        heard = self.hear(text, said) or await self.recognise(text)
        if heard is not None:
            return await self.run(*heard)
        partly = only_one_with(said, self.pushed) or only_one_with(said, self.session.shown)
        if partly is not None and partly.link:
            return await self.follow(partly.link)
        if lay_idle:
            return self.ask_to_go_on()
        if self.asking:
            return await self.go_on(note=_("I did not get that."))
        return self.ask_to_go_on(lost=True) if self.session.shelf else self.lost(_("I did not understand that."))

    def picked_by_number(self, text: str) -> str | None:
        """The answer that a typed number stands for in the last reply."""
        number = chosen_number(text)
        entry = self.entry(number, self.session.shown) if number is not None else None
        return entry.pick if entry and entry.pick else None

    def numbered(self, text: str) -> Shown | None:
        """The link that a typed number or label stands for: under the last reply, or under what we last said first."""
        number = chosen_number(text)
        said = plain(text)
        for shown in (self.pushed, self.session.shown):
            entry = self.entry(number, shown) if number is not None else None
            if entry is None:
                entry = next((one for one in shown if plain(one.label) == said), None) or only_one_named(said, shown)
            if entry is not None and entry.link:
                return entry
        return None

    @staticmethod
    def entry(number: int | None, shown: Sequence[Shown]) -> Shown | None:
        return shown[number - 1] if number is not None and 1 <= number <= len(shown) else None

    def hear(self, text: str, said: str) -> tuple[Script, Sequence[str]] | None:
        """The script that a sentence means: a link that was typed, a word with something after it, or a free
        sentence."""
        if "-" in said:
            try:
                intent = Intent.parse(_as_link(text))
                one = self.router.scripts.get(intent.script)
                if one and not one.silent and one.arguments(intent.arguments) is not None:
                    return one, intent.arguments
            except BadLink:
                pass
        for word, one in self.router.openings:
            if not said.startswith(word):
                continue
            after = said.removeprefix(word)
            if not after or (word[-1].isascii() and not after.startswith(" ")):
                continue
            if one.arguments((after.strip(),)) is not None:
                return one, (after.strip(),)
        local = self.now.astimezone(self.wording.zone)
        for hears, one in self.router.hearing:
            arguments = hears(text, local)
            if arguments is not None:
                return one, arguments
        return None

    async def recognise(self, text: str) -> tuple[Script, Sequence[str]] | None:
        """The script that knows what was typed as something of the city's, such as the name of an activity."""
        for knows, one in self.router.knowing:
            arguments = await knows(self.desk, text)
            if arguments is not None:
                return one, arguments
        return None

    async def follow(self, link: str) -> Answered:
        try:
            return await self.start(Intent.parse(link))
        except BadLink:
            return self.lost(_("I do not know that button."))

    async def start(self, intent: Intent) -> Answered:
        """A link, a command, a scan: starts its script, whatever was going on."""
        if intent.script == RESUME:
            return await self.resume()
        one = self.router.scripts.get(intent.script)
        if one is None or one.arguments(intent.arguments) is None:
            return self.lost(_("I do not know that button."))
        return await self.run(one, intent.arguments)

    async def run(self, one: Script, arguments: Sequence[str]) -> Answered:
        """A script from its beginning; an open conversation is put aside, and offered again when this one has ended."""
        if self.asking and self.session.thread and self.session.thread.script == one.name:
            self.session.thread = None
        self.session.put_aside()
        self.session.thread = Thread(one.name, list(arguments))
        return await self.go_on()

    async def go_on(
        self, answer: Incoming | None = None, picked: str | None = None, note: Words | None = None
    ) -> Answered:
        """Run the open conversation; whatever the question makes of the answer is the answer."""
        answered = await self.carry_on(answer, picked, note, yielding=False)
        return answered or self.lost(_("I did not understand that."))

    async def carry_on(
        self,
        answer: Incoming | None,
        picked: str | None = None,
        note: Words | None = None,
        yielding: bool = True,
    ) -> Answered | None:
        """Run the open conversation. None: its question could not take what came, and something else can."""
        views: list[View] = []
        for _step in range(CHAIN_LENGTH):
            thread = self.session.thread
            one = self.router.scripts.get(thread.script) if thread else None
            fitted = one.arguments(thread.arguments) if one and thread else None
            if thread is None or one is None or fitted is None:
                self.session.thread = None
                return self.lost(_("That conversation is no longer possible."))
            talk = Talk(
                now=self.now,
                wording=self.wording,
                session=self.session,
                thread=thread,
                incoming=self.incoming,
                changed=self.changed,
                answer=answer,
                picked=picked,
                note=note,
            )
            try:
                await one.run(talk, self.desk, *fitted)
            except Paused as paused:
                yields = yielding and paused.untaken and picked is None
                if yields and self.interrupts(loosely=not paused.told):
                    return None
                return Answered(views + talk.views, one.name, thread.question)
            self.session.thread = None
            views += talk.views
            if talk.next is None:
                return Answered(self.with_shelf(views, one), one.name, "")
            self.session.thread = Thread(talk.next.script, list(talk.next.arguments))
            answer = picked = note = None
        raise RecursionError(f"more than {CHAIN_LENGTH} scripts start each other")

    def interrupts(self, loosely: bool) -> bool:
        """Could something else take this, now that the open question could not? A plain word always can; a free
        sentence and a shared place only where the question had nothing to say to it."""
        text = self.incoming.text
        if text is None:
            return loosely and self.incoming.place is not None
        said = plain(text)
        if said in self.router.words:
            return True
        return loosely and (self.numbered(text) is not None or self.hear(text, said) is not None)

    def with_shelf(self, views: list[View], ended: Script) -> list[View]:
        """Offer to go on with what this conversation interrupted."""
        shelf = self.session.shelf
        if shelf is None or not views or self.session.offered:
            return views
        if shelf.script == ended.name:
            self.session.shelf = None
            return views
        title = self.router.scripts[shelf.script].title if shelf.script in self.router.scripts else ""
        self.session.offered = True
        last = views[-1]
        go_on = Link(_("Go on: {title}", title=title), Intent(RESUME))
        views[-1] = View(last.text, (*last.options, go_on), last.wants, last.picture, last.spot)
        return views

    async def resume(self) -> Answered:
        """Take up what was put aside."""
        if self.session.shelf is None:
            return self.lost(_("There is nothing to go on with."))
        self.session.thread, self.session.shelf = self.session.shelf, None
        return await self.go_on()

    async def back(self) -> Answered:
        """Forget the last answer and ask again; before the first question, leave."""
        thread = self.session.thread
        if thread is None or not self.asking:
            menu = self.router.scripts.get(self.router.menu)
            return await self.run(menu, ()) if menu else self.lost(_("There is nothing to go back to."))
        if not thread.answers:
            return self.cancel()
        thread.answers.popitem()
        thread.question, thread.page = "", 0
        return await self.go_on()

    def cancel(self) -> Answered:
        """Leave the open conversation; nothing was changed, because scripts ask first and act last."""
        was_asking = self.asking
        self.session.thread = self.session.shelf = None
        text = _("All right, I stopped. Nothing was changed.") if was_asking else _("There was nothing to stop.")
        return Answered([View(text, self.ways())], "cancel", "")

    async def undo(self) -> Answered:
        """Take back the last effect, for ten minutes."""
        link, until = self.session.undo, self.session.undo_until
        self.session.undo = ""
        if not link or self.now.timestamp() > until:
            return self.lost(_("There is nothing left to undo: that works for ten minutes after a change."))
        return await self.follow(link)

    def ask_to_go_on(self, lost: bool = False) -> Answered:
        """What was typed after a long pause may not be meant as an answer; `lost`: it is nothing at all."""
        shelf = self.session.shelf
        if shelf is None or shelf.script not in self.router.scripts:
            return self.lost(_("I did not understand that."))
        asked = _("Go on where you were: {title}?", title=self.router.scripts[shelf.script].title)
        text = lines(_("I did not understand that.") if lost else None, asked)
        return Answered([View(text, (Link(_("Go on"), Intent(RESUME)), *self.ways()))], "resume", "")

    def ways(self) -> tuple[Link, ...]:
        """What is always possible."""
        known = self.router.scripts
        return tuple(
            Link(label, Intent(name))
            for name, label in (("find", _("Find activities")), (self.router.menu, _("Menu")))
            if name in known
        )

    def lost(self, text: Words) -> Answered:
        """Nothing was understood: at most three lines that say what is possible now."""
        return Answered([View(text, self.ways())], "lost", "")
