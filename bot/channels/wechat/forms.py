"""Forms of fixed fields, template messages and subscription notices: each field cut to what its kind may hold."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.channels.wechat.replies import clean

FIELD_LENGTHS: Mapping[str, int] = {
    "thing": 20,
    "const": 20,
    "character_string": 32,
    "phone_number": 17,
    "number": 32,
    "time": 20,
    "date": 20,
}
"""Characters by the field's kind, its name without the number. Pages on template messages (since 4 May 2023) and
subscription notices; `time` and `date` are written as `2026年11月28日 09:00`."""
FIELD_LENGTH = 20
"""Of every other kind."""
EMPTY = "—"
"""A field may not be empty (47003)."""

_SPACE = re.compile(r"\s+")


def fitted(field: str, value: str) -> str:
    """What may stand in a field: one line, at most its length, never empty; what is cut ends in an ellipsis."""
    limit = FIELD_LENGTHS.get(field.rstrip("0123456789"), FIELD_LENGTH)
    line = _SPACE.sub(" ", clean(value)).strip()
    if len(line) > limit:
        line = line[: limit - 1].rstrip() + "…"
    return line or EMPTY


def filled(fields: Mapping[str, str], values: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The `data` of a call. `fields`: by the template's own field, the name of our value."""
    return {field: {"value": fitted(field, values.get(name, ""))} for field, name in fields.items()}
