"""What became of something that we said first or meant to: the answer to “why did it not arrive?”."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.reach import Reason, Way


class Outcome(StrEnum):
    """Where a message stands, as people ask about it."""

    WAITS = "waits"
    """It leaves as soon as it can."""
    HELD = "held"
    """It waits until they write."""
    SENT = "sent"
    """The platform took it."""
    FAILED = "failed"
    """The platform will not take it."""
    UNCERTAIN = "uncertain"
    """Nobody can know whether it arrived."""
    DROPPED = "dropped"
    """It was not sent any more."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one person."""

    kind: str
    title: str
    english: str
    """Of the activity that it speaks of; empty where it speaks of none."""
    outcome: Outcome
    door: str
    way: Way | None
    reason: Reason | None
    """Ours; None where there is none, or where it is the platform's."""
    code: str
    """The platform's own word for its refusal, empty where it refused nothing."""
    at: datetime
    """When it was settled, else when it is due."""
    person: int = 0
    name: str = ""
    """Of the reader, as whoever asks may see it."""


_REASONS = {one.value: one for one in Reason}


def reason_of(kept: str | None) -> Reason | None:
    """Our own reason, from what is kept with the row."""
    return _REASONS.get(kept or "")


def code_of(kept: str | None, outcome: Outcome) -> str:
    """The platform's word in what is kept with the row: a number, or `failed:user block`."""
    if not kept or outcome is not Outcome.FAILED:
        return ""
    found = re.search(r"\b\d{3,6}\b", kept) or re.search(r"(?<=platform: ).+", kept)
    return found[0] if found else ""
