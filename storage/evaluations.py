"""What people said of activities."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from storage.database import Unit
from storage.tables.activities import shift
from storage.tables.enrolment import enrolment
from storage.tables.evaluations import evaluation


async def keep(unit: Unit, enrolment_id: int, person: int, stars: int, words: str, now: datetime) -> None:
    """One answer a sign-up; a second one takes the first one's place."""
    said = {"stars": stars, "words": unit.secrecy.seal(words, place(enrolment_id)) if words else None, "at": now}
    row = unit.insert(evaluation).values(enrolment=enrolment_id, person=person, **said)
    await unit.run(row.on_conflict_do_update(index_elements=["enrolment"], set_=said))


def place(enrolment_id: int) -> str:
    """The row that the words of an answer are bound to."""
    return f"evaluation:{enrolment_id}:words"


async def of_activity(unit: Unit, activity: int) -> list[tuple[int, str]]:
    """Stars and words of everybody who answered."""
    rows = (
        select(evaluation.c.enrolment, evaluation.c.stars, evaluation.c.words)
        .join(enrolment, enrolment.c.id == evaluation.c.enrolment)
        .join(shift, shift.c.id == enrolment.c.shift)
        .where(shift.c.activity == activity)
        .order_by(evaluation.c.id)
    )
    return [
        (row.stars, unit.secrecy.open(row.words, place(row.enrolment)) if row.words else "")
        for row in await unit.run(rows)
    ]
