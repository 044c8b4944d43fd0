"""What ends a command with a line or two for the operator."""

from __future__ import annotations


class BadSettings(Exception):
    """The settings cannot be used; `problems` are lines for the operator, each with its fix and without values."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class NotPossible(Exception):
    """What the operator asked for cannot be done; the text is one line with the way out, and names no person."""
