"""Terms of activities, the texts that were accepted, and by whom: each text kept once, as it was read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from bot.domain.agreements import VERSION, Accepted, Condition, Terms
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


_STATED = Prepared(select(terms).where(terms.c.activity == bindparam("wanted")))


async def of(unit: Unit, activity_id: int) -> Terms:
    """What is stated of an activity; nothing if nobody stated anything."""
    row = (await unit.run(_STATED, {"wanted": activity_id})).first()
    if row is None:
        return Terms()
    return Terms(row.insurance, row.risks, frozenset(Condition(one) for one in row.conditions))


_ACCEPTED = (
    select(agreement.c.id)
    .join(agreement_text, agreement_text.c.id == agreement.c.text)
    .join(activity, activity.c.id == agreement_text.c.activity)
    .where(agreement.c.person == bindparam("whose"), activity.c.id == bindparam("wanted"))
    .where(agreement_text.c.revision == activity.c.revision)
    .limit(1)
)
_BY_ANYBODY = Prepared(_ACCEPTED)
_BY_SOMEBODY_ELSE = Prepared(_ACCEPTED.where(agreement.c.accepted_by != agreement.c.person))


async def accepted(unit: Unit, activity_id: int, person: int, minor: bool = False) -> bool:
    """Has this person accepted the agreement of the activity as it stands now? For a minor the guardian must have."""
    found = await unit.run(_BY_SOMEBODY_ELSE if minor else _BY_ANYBODY, {"wanted": activity_id, "whose": person})
    return found.first() is not None


_SUBJECT = Prepared(
    select(activity.c.revision, activity.c.created_by, activity.c.created, terms.c.stated_by, terms.c.stated)
    .outerjoin(terms, terms.c.activity == activity.c.id)
    .where(activity.c.id == bindparam("wanted"))
)
_SAME = Prepared(
    select(agreement_text.c.id).where(
        agreement_text.c.activity == bindparam("wanted"), agreement_text.c.digest == bindparam("as_read")
    )
)
_AGREED: dict[str, Any] = {
    "text": bindparam("the_text"),
    "person": bindparam("whose"),
    "accepted_by": bindparam("by"),
    "conditions": bindparam("why"),
    "door": bindparam("through"),
    "accepted": bindparam("at"),
}
_AGREE = {
    name: Prepared(own.insert(agreement).values(_AGREED).on_conflict_do_nothing(index_elements=["text", "person"]))
    for name, own in (("postgresql", postgresql), ("sqlite", sqlite))
}


async def accept(
    unit: Unit,
    activity_id: int,
    text: str,
    person: int,
    by: int,
    why: Sequence[Condition],
    door: str,
    now: datetime,
) -> None:
    """Keep that a person, or their guardian for them, has accepted this text. Twice is once."""
    subject = (await unit.run(_SUBJECT, {"wanted": activity_id})).one()
    digest = hashlib.sha256(f"{subject.revision}\n{text}".encode()).hexdigest()[:32]
    same = {"wanted": activity_id, "as_read": digest}
    number = (await unit.run(_SAME, same)).scalar_one_or_none()
    if number is None:  # the first who reads it; somebody else may be just as quick
        kept = unit.insert(agreement_text).values(
            activity=activity_id,
            digest=digest,
            version=VERSION,
            revision=subject.revision,
            text=text,
            offered_by=subject.stated_by or subject.created_by,
            offered=subject.stated or subject.created,
        )
        await unit.run(kept.on_conflict_do_nothing(index_elements=["activity", "digest"]))
        number = (await unit.run(_SAME, same)).scalar_one()
    values = {"the_text": number, "whose": person, "by": by, "why": list(why), "through": door, "at": now}
    await unit.run(_AGREE[unit.dialect], values)


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
