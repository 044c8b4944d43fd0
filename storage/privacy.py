"""One's own data: what is held, the export, what is put right or taken back.

What is left out of the export stands here with its reason, and a test holds the list against every table.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import LargeBinary, Table, and_, func, select, update

from bot.domain.privacy import Consent
from storage.database import Unit
from storage.holdings import addresses, holdings, rows_of, same
from storage.tables import metadata
from storage.tables.kinds import Moment
from storage.tables.people import consent, person

LEFT_OUT = {
    ("person", "phone_index"): "a fingerprint of the phone number, which is there itself",
    ("activity", "secret"): "the secret of check-in codes belongs to the activity; knowing it would forge presences",
    ("takeaway", "token"): "a fingerprint of an address that may still work",
    ("link_code", "code"): "a fingerprint of a code that may still work",
    ("invitation", "code"): "a fingerprint of a code that may still work",
    ("guardian_code", "code"): "a fingerprint of a code that may still work",
    ("audit", "seal"): "a fingerprint of the row, which is there itself",
    ("audit", "hash"): "a fingerprint of the row and the one before it",
    ("merge", "before"): "a second copy of rows that are in the export, for undoing a link",
}
"""Columns of exported tables that are not in the export, and why."""


# --- See ------------------------------------------------------------------------------------------------------------


async def count(unit: Unit, ids: Sequence[int], table: str) -> int:
    """How many rows of a table are these people's."""
    chosen = metadata.tables[table]
    mine = rows_of(chosen, ids, await addresses(unit, ids))
    return int((await unit.run(select(func.count()).select_from(chosen).where(mine))).scalar_one())


async def since(unit: Unit, id_: int) -> datetime:
    """When this person wrote for the first time."""
    at: datetime = (await unit.run(select(person.c.created).where(person.c.id == id_))).scalar_one()
    return at


async def consented(unit: Unit, ids: Sequence[int]) -> datetime | None:
    """Since when there is a consent that was not withdrawn."""
    given = select(func.min(consent.c.given)).where(consent.c.person.in_(ids), consent.c.withdrawn.is_(None))
    at: datetime | None = (await unit.run(given)).scalar()
    return at


async def consents(unit: Unit, ids: Sequence[int]) -> list[Consent]:
    """All that was agreed to and not taken back, oldest first; a purpose agreed to twice is one."""
    rows = select(consent).where(consent.c.person.in_(ids), consent.c.withdrawn.is_(None)).order_by(consent.c.id)
    found = {row.purpose: Consent(row.purpose, row.version, row.given, row.door) for row in await unit.run(rows)}
    return list(found.values())


# --- Take -----------------------------------------------------------------------------------------------------------


def _opened(unit: Unit, table: Table, row: dict[str, Any], name: str) -> Any:
    """One value as plain JSON; sealed columns are opened."""
    value, secrecy = row[name], unit.secrecy
    if value is None:
        return None
    if isinstance(table.c[name].type, Moment):
        return value.isoformat()
    if not isinstance(table.c[name].type, LargeBinary):
        return value.isoformat() if isinstance(value, date) else value
    match table.name, name:
        case "person", ("name" | "phone"):
            return secrecy.open(value, f"person:{row['id']}:{name}")
        case "conversation", "session":
            return secrecy.open_json(value, f"conversation:{row['person']}")
        case "inbox", "raw":
            return secrecy.open(value, f"inbox:{row['door']}:{row['key']}:raw")
        case "inbox", "reply":
            return secrecy.open_json(value, f"inbox:{row['door']}:{row['key']}:reply")
        case "letter", "body":
            return secrecy.open_json(value, f"letter:{row['address']}:{row['sequence']}")
        case "skill", "proof":
            return secrecy.open_json(value, f"skill:{row['id']}")
        case "enrolment", "answers":
            return secrecy.open_json(value, f"enrolment:{row['id']}:answers")
        case "enrolment", "why":
            return secrecy.open(value, f"enrolment:{row['id']}:why")
        case "evaluation", "words":
            return secrecy.open(value, f"evaluation:{row['enrolment']}:words")
        case "claim", "what":
            return secrecy.open(value, f"claim:{row['enrolment']}:what")
        case "claim", "reason":
            return secrecy.open(value, f"claim:{row['id']}:reason")
        case "matter_word", "words":
            return secrecy.open(value, f"matter:{row['matter']}")
        case "correction", "words":
            return secrecy.open(value, f"correction:{row['record']}")
        case "document", "number":
            return secrecy.open(value, f"document:{row['enrolment']}:number")
        case "certificate", ("name" | "responsible"):
            return secrecy.open(value, f"certificate:{row['number']}:{name}")
    raise LookupError(f"nobody has said how {table.name}.{name} is opened for the export")


async def export(unit: Unit, id_: int) -> dict[str, list[dict[str, Any]]]:
    """Every row of this person, by table, opened. Raises LookupError for a sealed column that nobody thought of."""
    ids = await same(unit, id_)
    known = await addresses(unit, ids)
    taken: dict[str, list[dict[str, Any]]] = {}
    for table in holdings():
        rows = await unit.run(select(table).where(rows_of(table, ids, known)).order_by(*table.primary_key.columns))
        names = [column.name for column in table.columns if (table.name, column.name) not in LEFT_OUT]
        taken[table.name] = [{name: _opened(unit, table, dict(row), name) for name in names} for row in rows.mappings()]
    return taken


# --- Correct, withdraw ----------------------------------------------------------------------------------------------


async def clear_name(unit: Unit, ids: Sequence[int]) -> None:
    """Name and phone go."""
    await unit.run(update(person).where(person.c.id.in_(ids)).values(name=None, phone=None, phone_index=None))


async def clear_personal(unit: Unit, ids: Sequence[int]) -> None:
    """Name, phone and year of birth go."""
    bare = {"name": None, "phone": None, "phone_index": None, "born": None}
    await unit.run(update(person).where(person.c.id.in_(ids)).values(bare))


async def withdraw(unit: Unit, ids: Sequence[int], now: datetime, purpose: str | None = None) -> int:
    """End every consent that was given, or those to one purpose. Returns how many."""
    theirs = and_(consent.c.person.in_(ids), consent.c.withdrawn.is_(None))
    if purpose is not None:
        theirs = and_(theirs, consent.c.purpose == purpose)
    return (await unit.run(update(consent).where(theirs).values(withdrawn=now))).rowcount
