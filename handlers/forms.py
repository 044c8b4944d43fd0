"""What a notice says where only a form fits: a name, a time, a place, and one short sentence."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bot.domain.notices import Notice
from bot.talk import Named, Text, Words, _

WHAT: Mapping[str, Text] = {
    "reminder": _("Still coming? Tell me in the chat"),
    "checkout": _("Please do not forget to check out"),
    "promotion": _("A seat came free: it is yours"),
    "offer": _("A seat is held for you: please answer soon"),
    "change": _("The time has changed"),
    "cancellation": _("Called off: you need not come"),
    "announcement": _("A new activity"),
}
"""By kind of notice; a field holds twenty characters, and longer ones are cut."""


def fields(notice: Notice) -> Mapping[str, Words | datetime]:
    """By the names that the operator's templates use; nothing for a notice that is not about an activity."""
    event, what = notice.event, WHAT.get(notice.kind)
    if event is None or what is None:
        return {}
    return {
        "title": Named(event.title, event.english),
        "what": what,
        "when": event.starts,
        "where": event.address,
        "who": Named(event.organisation, event.organisation_english),
    }
