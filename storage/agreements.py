"""Terms of activities, the texts that were accepted, and by whom: each text kept once, as it was read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from bot.domain.agreements import VERSION, Acceptance, Accepted, Condition, Terms
from storage.database import Unit
from storage.prepared import Prepared
from storage.tables.activities import activity
from storage.tables.agreements import agreement, agreement_text, terms


async def state(unit: Unit, activity_id: int, stated: Terms, by: int, now: datetime) -> None:
    """Keep what the organiser states of an activity; what was stated before is replaced."""
    values = {
        "insurance": stated.insurance,
        "risks": stated.risks,
        "conditions": sorted(stated.conditions),
        "stated_by": by,
        "stated": now,
    }
    row = unit.insert(terms).values(activity=activity_id, **values)
    await unit.run(row.on_conflict_do_update(index_elements=["activity"], set_=values))


def acceptance(whose: ColumnElement[int]) -> Select[Any]:
    """Agreements of somebody with the activity as it stands now; the activity is the statement's own."""
    return (
        select(agreement.c.id)
        .join(agreement_text, agreement_text.c.id == agreement.c.text)
        .where(
            agreement.c.person == whose,
            agreement_text.c.activity == activity.c.id,
            agreement_text.c.revision == activity.c.revision,
        )
        .correlate(activity)
    )


STATED = (terms.c.insurance, terms.c.risks, terms.c.conditions)


def stated(row: Any) -> Terms:
    """The terms in a row of `STATED`; none, where nobody stated anything."""
    if row.conditions is None:
        return Terms()
    return Terms(row.insurance, row.risks, frozenset(Condition(one) for one in row.conditions))


def _stands(accepted: Select[Any]) -> Prepared:
    return Prepared(
        select(*STATED, accepted.exists().label("accepted"))
        .select_from(activity.outerjoin(terms, terms.c.activity == activity.c.id))
        .where(activity.c.id == bindparam("wanted"))
    )


_OF_WHOM = acceptance(bindparam("whose"))
_BY_ANYBODY = _stands(_OF_WHOM)
_BY_SOMEBODY_ELSE = _stands(_OF_WHOM.where(agreement.c.accepted_by != agreement.c.person))


async def stands(unit: Unit, activity_id: int, person: int, minor: bool = False) -> tuple[Terms, bool]:
    """What is stated of an activity, and has this person accepted its agreement as it stands now?

    For a minor the guardian must have.
    """
    statement = _BY_SOMEBODY_ELSE if minor else _BY_ANYBODY
    row = (await unit.run(statement, {"wanted": activity_id, "whose": person})).first()
    return (Terms(), False) if row is None else (stated(row), row.accepted)


async def of(unit: Unit, activity_id: int) -> Terms:
    """What is stated of an activity; nothing if nobody stated anything."""
    return (await stands(unit, activity_id, 0))[0]


_KEPT = (agreement_text.c.activity == bindparam("about"), agreement_text.c.text == bindparam("as_read"))
_COLUMNS = ("text", "person", "accepted_by", "conditions", "door", "accepted")


def _agreeing(insert: Callable[[Table], Any]) -> Any:
    names = ("whose", "by", "why", "through", "at")
    given = (bindparam(name, type_=agreement.c[column].type) for name, column in zip(names, _COLUMNS[1:], strict=True))
    known = (
        select(agreement_text.c.id, *given)
        .join(activity, activity.c.id == agreement_text.c.activity)
        .where(*_KEPT, agreement_text.c.revision == activity.c.revision)
    )
    row = insert(agreement).from_select(_COLUMNS, known, include_defaults=False)
    return row.on_conflict_do_nothing(index_elements=["text", "person"]).returning(agreement.c.id)


AGREE = _agreeing(postgresql.insert)
"""On PostgreSQL: keep that somebody accepted a text that is known. Gives no row where it is not, or they had before."""

_AGREE = {"postgresql": Prepared(AGREE), "sqlite": Prepared(_agreeing(sqlite.insert))}


def names(accepted: Acceptance, person: int, by: int, door: str, now: datetime) -> dict[str, Any]:
    """What an acceptance is kept by. `by`: who accepts it, the person or their guardian."""
    return {
        "about": accepted.activity, "as_read": accepted.text, "whose": person, "by": by,
        "why": list(accepted.conditions), "through": door, "at": now,
    }  # fmt: skip


async def accept(unit: Unit, accepted: Acceptance, person: int, by: int, door: str, now: datetime) -> None:
    """Keep that a person, or their guardian for them, has accepted this text. Twice is once."""
    agreed = names(accepted, person, by, door, now)
    if (await unit.run(_AGREE[unit.dialect], agreed)).first() is None:  # the first who reads it, or twice
        await _keep_text(unit, accepted.activity, accepted.text)
        await unit.run(_AGREE[unit.dialect], agreed)


async def _keep_text(unit: Unit, activity_id: int, text: str) -> None:
    """Keep a text once, however many are just as quick."""
    subject = (
        await unit.run(
            select(activity.c.revision, activity.c.created_by, activity.c.created, terms.c.stated_by, terms.c.stated)
            .outerjoin(terms, terms.c.activity == activity.c.id)
            .where(activity.c.id == activity_id)
        )
    ).one()
    kept = unit.insert(agreement_text).values(
        activity=activity_id,
        digest=hashlib.sha256(f"{subject.revision}\n{text}".encode()).hexdigest()[:32],
        version=VERSION,
        revision=subject.revision,
        text=text,
        offered_by=subject.stated_by or subject.created_by,
        offered=subject.stated or subject.created,
    )
    await unit.run(kept.on_conflict_do_nothing(index_elements=["activity", "digest"]))


async def mine(unit: Unit, person: int) -> list[Accepted]:
    """What this person has agreed to in writing, newest first."""
    rows = await unit.run(
        select(activity.c.title, activity.c.english, agreement_text.c.text, agreement_text.c.version,
               agreement.c.accepted)
        .select_from(agreement)
        .join(agreement_text, agreement_text.c.id == agreement.c.text)
        .join(activity, activity.c.id == agreement_text.c.activity)
        .where(agreement.c.person == person)
        .order_by(agreement.c.id.desc())
    )  # fmt: skip
    return [Accepted(row.title, row.english, row.text, row.version, row.accepted) for row in rows]
