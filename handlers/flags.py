"""The words for why a presence is worth a look."""

from __future__ import annotations

from collections.abc import Iterable

from bot.domain.flags import Flag
from bot.talk import Joined, Text, _

REASONS: dict[Flag, Text] = {
    Flag.OUTSIDE: _("shared a place that is not there"),
    Flag.NO_PLACE: _("showed no place, while most others did"),
    Flag.BURST: _("checked in within seconds of very many"),
    Flag.PHONE: _("has one telephone number with several others"),
}


def reasons(why: Iterable[Flag]) -> Joined:
    """All of them, one after another."""
    return Joined(tuple(REASONS[one] for one in why), "; ")
