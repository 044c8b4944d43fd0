"""An issuer's register of certificates as a table: every number, what it says, and whether it stands; names masked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from bot.domain.people import masked
from bot.domain.proofs import GRADES, NOTICE, Certificate, grouped
from bot.papers.takeaway import book_of

COLUMNS = (
    "number", "volunteer", "name", "since", "until", "hours", *GRADES, "issued", "notice until", "state", "withdrawn",
    "reason",
)  # fmt: skip


def register(listed: Sequence[Certificate], zone: tzinfo) -> bytes:
    """The .xlsx file. For a thread."""
    return book_of([("register", [COLUMNS, *(line(one, zone) for one in listed)])])


def line(one: Certificate, zone: tzinfo) -> tuple[str, ...]:
    """One certificate in one row."""
    return (
        grouped(one.number),
        one.volunteer,
        masked(one.name),
        one.period.since.isoformat(),
        one.period.until.isoformat(),
        f"{one.total / 60:.1f}",
        *(f"{one.minutes.get(grade, 0) / 60:.1f}" for grade in GRADES),
        one.issued.astimezone(zone).date().isoformat(),
        (one.issued + NOTICE).astimezone(zone).date().isoformat(),
        one.state,
        one.withdrawn.astimezone(zone).date().isoformat() if one.withdrawn else "",
        one.reason,
    )
