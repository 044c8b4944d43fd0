"""An organiser's own questions at sign-up: data that the script asks, and what fits as an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

MOST = 5
"""Questions of one activity: whoever is asked more goes away."""
LENGTH = 80
ANSWER_LENGTH = 200
CHOICES = range(2, 7)
"""How many answers a choice may offer."""


class Sort(StrEnum):
    """What an answer is."""

    TEXT = "text"
    NUMBER = "number"
    CHOICE = "choice"
    YES = "yes"
    """Yes or no."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question, in the organiser's words."""

    text: str
    sort: Sort
    options: tuple[str, ...] = ()


def read(kept: Sequence[Mapping[str, Any]] | None) -> tuple[Question, ...]:
    """Questions as the database keeps them."""
    if not kept:
        return ()
    return tuple(Question(one["text"], Sort(one["sort"]), tuple(one["options"])) for one in kept)


def written(questions: Sequence[Question]) -> list[dict[str, Any]] | None:
    """Questions for the database; None where there are none."""
    return [asdict(one) for one in questions] or None
