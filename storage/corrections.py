"""Corrections of records: each keeps what was there before; none is ever deleted."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import insert, or_, select, update

from bot.domain.attendance import Zero
from bot.domain.corrections import Correction, Values
from storage.database import Unit
from storage.tables.activities import organisation
from storage.tables.enrolment import record
from storage.tables.kinds import from_milliseconds, to_milliseconds
from storage.tables.matters import correction


def _plain(values: Values) -> dict[str, Any]:
    why = asdict(values.why) if values.why else None
    return {
        "starts": to_milliseconds(values.starts),
        "ends": to_milliseconds(values.ends),
        "minutes": values.minutes,
        "why": why,
    }


def _values(kept: dict[str, Any]) -> Values:
    why = Zero(**kept["why"]) if kept["why"] else None
    return Values(from_milliseconds(kept["starts"]), from_milliseconds(kept["ends"]), kept["minutes"], why)


async def keep(
    unit: Unit, record_id: int, who: int, before: Values, after: Values, words: str, state: str, now: datetime,
    matter_id: int | None,
) -> int:  # fmt: skip
    """Write down a correction, made or asked for."""
    row = insert(correction).values(
        record=record_id,
        person=who,
        matter=matter_id,
        before=_plain(before),
        after=_plain(after),
        words=unit.secrecy.seal(words, f"correction:{record_id}"),
        state=state,
        asked=now,
        decided=now if state == "done" else None,
    )
    return int((await unit.run(row.returning(correction.c.id))).scalar_one())


async def decide(unit: Unit, id_: int, state: str, second: int, after: Values, now: datetime) -> bool:
    """The second person has spoken. False: somebody was faster."""
    waiting = update(correction).where(correction.c.id == id_, correction.c.state == "waiting")
    done = await unit.run(waiting.values(state=state, second=second, after=_plain(after), decided=now))
    return bool(done.rowcount)


def _read(unit: Unit, row: Any) -> Correction:
    words = unit.secrecy.open(row.words, f"correction:{row.record}") if row.words else ""
    return Correction(
        row.id, row.record, row.person, _values(row.before), _values(row.after), words, row.state, row.asked,
        row.matter, row.second,
    )  # fmt: skip


async def of_record(unit: Unit, record_id: int) -> list[Correction]:
    """The history of a record, oldest first."""
    rows = await unit.run(select(correction).where(correction.c.record == record_id).order_by(correction.c.id))
    return [_read(unit, row) for row in rows]


async def waiting(
    unit: Unit, organisations: Collection[int], nodes: Collection[int], limit: int = 50
) -> list[Correction]:
    """Corrections of these organisations' records, and of those at these places, that wait for a second person."""
    of = or_(record.c.organisation.in_(organisations), organisation.c.place.in_(nodes))
    found = (
        select(correction)
        .join(record, record.c.id == correction.c.record)
        .join(organisation, organisation.c.id == record.c.organisation)
        .where(correction.c.state == "waiting", of)
    )
    return [_read(unit, row) for row in await unit.run(found.order_by(correction.c.id).limit(limit))]
