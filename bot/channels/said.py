"""When a platform says that a message was said, read from what was kept of the message."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

_CREATED = re.compile(r"<CreateTime>(?:<!\[CDATA\[)?(\d{1,10})\b", re.ASCII)
_LATEST = 2**33
"""Seconds since 1970; the year 2242."""


def said_at(door: str, raw: str) -> datetime | None:
    """By the platform's clock, to the second. None: it does not say (a pressed button, the web chat, the terminal)."""
    match door:
        case "telegram":
            return _moment(_telegram(raw))
        case "wechat":
            created = _CREATED.search(raw)
            return _moment(int(created[1]) if created else None)
    return None


def _telegram(raw: str) -> object:
    """Of a message alone: what stands under a pressed button was said long before."""
    try:
        update = json.loads(raw)
    except ValueError:  # cut off, where somebody wrote very much
        return None
    message = update.get("message") if isinstance(update, dict) else None
    return message.get("date") if isinstance(message, dict) else None


def _moment(seconds: object) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) and 0 < seconds < _LATEST else None
