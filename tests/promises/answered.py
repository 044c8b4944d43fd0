"""What people say to sign up, what they were answered, and whether the rows agree with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from bot.domain.enrolment import Stand
from bot.talk import Address, Incoming, Intent
from storage.inbox import opened
from storage.tables.enrolment import enrolment
from storage.tables.messages import inbox
from storage.tables.people import identity
from tests.conversations.kit import MONDAY, Town

DOORS = ("web", "wechat", "telegram")

Pages = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A message, and the pages that its platform was given for it."""

    message: Incoming
    pages: Pages
    replayed: bool
    """It had been committed before, and whoever did it was stopped before they could say so."""


def signing_up(activity: int, number: int) -> Iterator[Incoming]:
    """All that one person says, from the link to the outcome."""
    address = Address(DOORS[number % len(DOORS)], f"somebody-{number}")
    yield Incoming(address, f"{number}:link", MONDAY, intent=Intent("join", (str(activity),)), language="en")
    for turn, word in enumerate(("yes", "Ann Lee", f"138{number:08}", "yes")):
        yield Incoming(address, f"{number}:{turn}", MONDAY, text=word, language="en")


async def missing(town: Town, acks: list[Acknowledged]) -> list[Acknowledged]:
    """Acknowledged, and not there with the very reply."""
    async with town.database.read() as unit:
        rows = list(await unit.run(select(inbox.c.door, inbox.c.key, inbox.c.reply)))
        kept = {(row.door, row.key): opened(unit, row.door, row.key, row.reply) for row in rows}
    return [one for one in acks if kept.get((one.message.address.door, one.message.key)) != one.pages]


def told(acks: list[Acknowledged], words: str) -> set[tuple[str, str]]:
    """The addresses of those who were told so."""
    found = (one.message.address for one in acks if any(words in page["text"] for page in one.pages))
    return {(address.door, address.id) for address in found}


async def standing(town: Town, stand: Stand) -> set[tuple[str, str]]:
    """The addresses of those who stand so, by the rows."""
    rows = select(identity.c.door, identity.c.external).join(enrolment, enrolment.c.person == identity.c.person)
    async with town.database.read() as unit:
        return {(row.door, row.external) for row in await unit.run(rows.where(enrolment.c.state == stand))}
