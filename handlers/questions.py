"""An organiser's own questions: asked one after another at sign-up, and made by the organiser in the same way."""

from __future__ import annotations

from zlib import crc32

from bot.domain.activities import Activity
from bot.domain.digits import read_count
from bot.domain.questions import ANSWER_LENGTH, CHOICES, LENGTH, Question, Sort
from bot.talk import Incoming, Named, Option, Talk, Unclear, Words, _
from handlers.answers import words

NO = Named("否", "No")
"""Of a fact. The plain no of the other questions means “rather not” in Chinese."""


async def answered(talk: Talk, card: Activity) -> list[dict[str, str]]:
    """Ask the organiser's questions; each answer with its question as it was asked."""
    return [
        {"asked": one.text, "said": await answer(talk, asked_as(place, one), one, card)}
        for place, one in enumerate(card.questions, 1)
    ]


def asked_as(place: int, question: Question) -> str:
    """The name of the question in a sign-up: another text is another question, also where one was being answered."""
    return f"own.{place}.{crc32(question.text.encode()):x}"


async def answer(talk: Talk, name: str, question: Question, card: Activity) -> str:
    """One of them."""
    asked = _("The organiser asks: {question}", question=question.text)
    if question.sort == Sort.YES:
        return "✓" if await talk.confirm(name, asked, no=NO) else "✗"
    if question.sort == Sort.CHOICE:
        offered = [Option(str(place), one, one) for place, one in enumerate(question.options, 1)]
        return str(await talk.choose(name, asked, offered))
    return str(await talk.ask(name, asked, number if question.sort == Sort.NUMBER else words(1, ANSWER_LENGTH)))


def number(said: Incoming) -> int:
    """A whole number, zero among them."""
    text = (said.text or "").strip()
    found = int(text) if text.isdecimal() and len(text) <= 9 else read_count(text)
    if found is None:
        raise Unclear(_("Please send a number."))
    return found


SORTS: dict[Sort, Words] = {
    Sort.TEXT: _("In their own words"),
    Sort.NUMBER: _("A number"),
    Sort.CHOICE: _("One of several answers"),
    Sort.YES: _("Yes or no"),
}


async def made(talk: Talk) -> Question:
    """A question in the making: its words, what an answer is, and what may be chosen."""
    text = await talk.ask("text", _("What do you want to ask everybody who signs up?"), words(3, LENGTH))
    sort = await talk.choose("sort", _("How do they answer?"), [Option(one, said, one) for one, said in SORTS.items()])
    if sort != Sort.CHOICE:
        return Question(text, Sort(sort))
    options = await talk.ask("options", _("Which answers are there? Separate them with commas."), choices)
    return Question(text, Sort.CHOICE, tuple(options))


def choices(said: Incoming) -> list[str]:
    """Two to six answers, separated by commas, semicolons or lines."""
    text = said.text or ""
    for mark in "，、；;\n":
        text = text.replace(mark, ",")
    found = list(dict.fromkeys(part.strip()[:ANSWER_LENGTH] for part in text.split(",") if part.strip()))
    if len(found) not in CHOICES:
        raise Unclear(
            _("Please send {least} to {most} answers, separated by commas.", least=CHOICES[0], most=CHOICES[-1])
        )
    return found
