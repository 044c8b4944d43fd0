"""Calendar files: shifts as iCalendar entries that calendars can tell apart, move and cross out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bot.domain.calendars import Feed
from bot.talk.wording import Named, Wording, _

FRESH = timedelta(hours=1)
"""How often calendars are asked to look."""


def write(feed: Feed, wording: Wording) -> bytes:
    """The .ics file. For a thread."""
    # Its first import reads time zones for a tenth of a second: whoever never asks for a calendar need not wait for it.
    import icalendar

    book: Any = icalendar.Calendar()
    book.add("prodid", "-//Menkou//Calendar//EN")
    book.add("version", "2.0")
    book.add("method", "PUBLISH")
    book.add("x-wr-calname", wording(_("My volunteering")))
    book.add("refresh-interval", FRESH, parameters={"VALUE": "DURATION"})
    book.add("x-published-ttl", "PT1H")
    for one in feed.entries:
        entry: Any = icalendar.Event()
        role = wording(Named(one.role, one.role_english))
        title = wording(Named(one.title, one.english))
        entry.add("uid", f"shift-{one.shift}@menkou")
        entry.add("sequence", one.revision - 1)
        entry.add("dtstamp", one.changed)
        entry.add("last-modified", one.changed)
        entry.add("dtstart", one.starts.astimezone(wording.zone))
        entry.add("dtend", one.ends.astimezone(wording.zone))
        entry.add("summary", f"{title} ({role})" if role else title)
        entry.add("location", one.address)
        entry.add("description", wording(Named(one.organisation, one.organisation_english)))
        entry.add("status", one.status.value)
        if one.latitude is not None and one.longitude is not None:
            entry.add("geo", (one.latitude, one.longitude))
        book.add_component(entry)
    book.add_missing_timezones()
    body: bytes = book.to_ical()
    return body
