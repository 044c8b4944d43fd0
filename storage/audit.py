"""The append-only log of every move: who did what to which row, from where to where. Never a name or an address.

Each row carries a seal from the moment it is written, and a tick chains the rows: each hash covers the row and the
hash before it, and the head covers the last. All three are keyed, so that whoever can write to the database but does
not have the city's key can alter, delete, insert or put back nothing without its being found.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any, Literal

from sqlalchemy import bindparam, func, insert, select, text, update

from storage.database import Unit
from storage.prepared import Prepared
from storage.secrecy import Secrecy
from storage.tables.audit import audit_head
from storage.tables.enrolment import audit
from storage.tables.kinds import to_milliseconds

AT_ONCE = 500
"""Rows that one transaction chains: SQLite's other writers wait for five milliseconds."""

NONCE = 16
MAC = 32
"""Hex digits of a seal: a chance number, so that no row is the copy of another, and the keyed hash."""

BEGINNING = "0" * 64

_COLUMNS = ("at", "actor", "door", "deed", "target", "before", "after", "seal")
# Inline: nobody asks for the number that the row got, and PostgreSQL would send it.
_WRITE = Prepared(insert(audit).inline().values({name: bindparam(f"its_{name}") for name in _COLUMNS}))
_WAITING = Prepared(
    select(audit).where(audit.c.chain.is_(None)).order_by(audit.c.id).limit(bindparam("at_most"))
)
_LINK = Prepared(
    update(audit).where(audit.c.id == bindparam("of")).values(chain=bindparam("place"), hash=bindparam("covers"))
)
_CANONICAL = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""Made once: `json.dumps` makes an encoder for each row."""


async def log(
    unit: Unit, now: datetime, actor: int | None, deed: str, target: str, before: str | None, after: str | None
) -> None:
    """One row for every move. `target`: `enrolment:17`; `actor`: a person's number, None for Menkou itself."""
    row = sealed(unit.secrecy, now, actor, deed, target, before, after)
    await unit.run_late(_WRITE, {f"its_{name}": value for name, value in row.items()})


def sealed(
    secrecy: Secrecy, now: datetime, actor: int | None, deed: str, target: str, before: str | None, after: str | None
) -> dict[str, Any]:
    """The row, with its seal, of a move that a statement makes and logs by itself."""
    row = {"at": now, "actor": actor, "door": "", "deed": deed, "target": target, "before": before, "after": after}
    return row | {"seal": _seal(secrecy, secrets.token_hex(NONCE // 2), content(row))}


_SAID = itemgetter("at", "actor", "door", "deed", "target", "before", "after")


def content(row: Any) -> str:
    """What a row says, in one canonical text: equal for equal rows on both databases."""
    at, *rest = _SAID(row)
    return _CANONICAL([to_milliseconds(at), *rest])


def _seal(secrecy: Secrecy, nonce: str, said: str) -> str:
    return nonce + secrecy.witness(f"seal\n{nonce}\n{said}")[:MAC]


def _is_ours(secrecy: Secrecy, row: Any) -> bool:
    seal = row["seal"] or ""
    return hmac.compare_digest(seal.encode(), _seal(secrecy, seal[:NONCE], content(row)).encode())


def _hash(secrecy: Secrecy, before: str, row: Any) -> str:
    return secrecy.witness(f"chain\n{before}\n{row['id']}\n{row['seal']}\n{content(row)}")


def _mac(secrecy: Secrecy, number: int, last: str) -> str:
    return secrecy.witness(f"head\n{number}\n{last}")


# --- Chaining -------------------------------------------------------------------------------------------------------


async def begin(unit: Unit, now: datetime) -> None:
    """Begin the chain where there is none: rows from before there was one are taken as they stand."""
    if (await unit.run(select(audit_head.c.id))).first() is not None:
        return
    mac = _mac(unit.secrecy, 0, BEGINNING)
    first = unit.insert(audit_head).values(id=1, number=0, hash=BEGINNING, at=now, mac=mac)
    if (await unit.run(first.on_conflict_do_nothing())).rowcount:
        await seal_bare(unit)


async def seal_bare(unit: Unit) -> None:
    """Seal rows that were written without: those from before the chain, and those of a city that is made up."""
    rows = [dict(row) for row in (await unit.run(select(audit).where(audit.c.seal.is_(None)))).mappings()]
    seals = [
        {"of": row["id"], "with": _seal(unit.secrecy, secrets.token_hex(NONCE // 2), content(row))} for row in rows
    ]
    if seals:
        sealing = update(audit).where(audit.c.id == bindparam("of")).values(seal=bindparam("with"))
        await unit.run(sealing, seals)


async def is_waiting(unit: Unit) -> bool:
    """Is there a row that is not chained yet?"""
    return (await unit.run(select(audit.c.id).where(audit.c.chain.is_(None)).limit(1))).first() is not None


async def chain(unit: Unit, now: datetime, at_once: int = AT_ONCE) -> int:
    """Chain what was committed since, in the order of numbers. Returns how many rows.

    Only ticks touch the head's row, and wait for each other there; turns never do. PostgreSQL gives out numbers before
    it commits, so a lower number may be chained after a higher one: the chain has an order of its own. A row whose seal
    is not ours is chained too: it shall not be taken away again unseen, and `verify` names it.
    """
    await begin(unit, now)
    head = (await unit.run(select(audit_head).with_for_update())).one()
    rows = [row._asdict() for row in await unit.run(_WAITING, {"at_most": at_once})]
    if not rows:
        return 0
    number, last = head.number, head.hash
    links = []
    for row in rows:
        number, last = number + 1, _hash(unit.secrecy, last, row)
        links.append({"of": row["id"], "place": number, "covers": last})
    await unit.run_each(_LINK, links)
    mac = _mac(unit.secrecy, number, last)
    await unit.run(update(audit_head).values(number=number, hash=last, at=now, mac=mac))
    return len(links)


# --- Verification ---------------------------------------------------------------------------------------------------

Fault = Literal["foreign", "altered", "missing", "copied", "head"]


@dataclass(frozen=True, slots=True)
class Verified:
    """The chain as it was found: its head, the rows that wait to be chained, and the first fault, if there is one."""

    number: int
    hash: str
    at: datetime | None
    waiting: int
    fault: Fault | None = None
    where: int = 0
    """The row's number; of a missing one its place in the chain."""


async def verify(unit: Unit) -> Verified:
    """Compute every seal and every hash again; about ten seconds for a million rows. The unit must be fresh."""
    if unit.locks_rows:  # head and rows of one moment; on SQLite a reading transaction is one anyway
        await unit.connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    head = (await unit.run(select(audit_head))).first()
    counted = select(func.count()).select_from(audit).where(audit.c.chain.is_(None))
    waiting = int((await unit.run(counted)).scalar_one())
    number, last, at = (head.number, head.hash, head.at) if head else (0, BEGINNING, None)
    fault, where = await _first_fault(unit, number, last, head.mac if head else None)
    return Verified(number, last, at, waiting, fault, where)


async def _first_fault(unit: Unit, number: int, last: str, mac: str | None) -> tuple[Fault | None, int]:
    secrecy = unit.secrecy
    if mac is None:
        chained = select(audit.c.id).where(audit.c.chain.is_not(None)).limit(1)
        return ("head", 0) if (await unit.run(chained)).first() else (None, 0)
    if not hmac.compare_digest(mac.encode(), _mac(secrecy, number, last).encode()):
        return "head", number
    place, found = 0, BEGINNING
    async for row in _in_order(unit):
        place += 1
        if row["chain"] != place:
            return "missing", place
        if not _is_ours(secrecy, row):
            return ("foreign" if row["hash"] == _hash(secrecy, found, row) else "altered"), row["id"]
        found = _hash(secrecy, found, row)
        if not hmac.compare_digest(found.encode(), (row["hash"] or "").encode()):
            return "altered", row["id"]
    if place != number:
        return ("missing", place + 1) if place < number else ("head", number)
    if found != last:
        return "head", number
    return await _fault_of_tail(unit)


async def _in_order(unit: Unit) -> AsyncIterator[Any]:
    place = 0
    while True:
        chained = select(audit).where(audit.c.chain > place).order_by(audit.c.chain).limit(5_000)
        rows: Sequence[Any] = (await unit.run(chained)).mappings().all()
        for row in rows:
            yield row
        if not rows:
            return
        place = rows[-1]["chain"]


async def _fault_of_tail(unit: Unit) -> tuple[Fault | None, int]:
    """What is not chained yet must at least be ours, and nothing must be there twice."""
    rows = (await unit.run(select(audit).where(audit.c.chain.is_(None)).order_by(audit.c.id))).mappings()
    for row in rows:
        if not _is_ours(unit.secrecy, row):
            return "foreign", row["id"]
    twice = select(func.max(audit.c.id)).group_by(audit.c.seal).having(func.count() > 1).limit(1)
    copied = (await unit.run(twice)).scalar()
    return ("copied", int(copied)) if copied is not None else (None, 0)
