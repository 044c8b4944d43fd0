"""How facts are declared that a turn makes by the dozen: frozen for whoever writes code, made without guards.

`@dataclass(frozen=True)` guards a fact at its own birth too: each field goes through a call of `object.__setattr__`, at
four to nine times the cost of an assignment. mypy refuses to change one of these as well, before anything runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def fact(shape: type[T]) -> type[T]:
    """A dataclass with slots, equal and hashed by what it says, that nobody changes."""
    return dataclass(slots=True, unsafe_hash=True)(shape)
