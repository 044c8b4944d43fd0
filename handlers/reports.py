"""How far a campaign is, in words: where it stands, whom it reached, what held it up; the list of its messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo

from bot.domain.campaigns import Campaign, Progress, Standing, Told
from bot.domain.deliveries import reason_of
from bot.talk import Joined, Text, Words, _, ngettext
from handlers.routes import DOORS
from handlers.whynot import PLATFORMS, REASONS, ROUTED, SENDERS, WAITS

STANDINGS: dict[Standing, Text] = {
    Standing.DRAFT: _("A draft: nothing has been sent."),
    Standing.ASKED: _("It waits for a second person's yes."),
    Standing.DECLINED: _("The second person did not agree."),
    Standing.RUNNING: _("It is on its way."),
    Standing.PAUSED: _("It rests."),
    Standing.STOPPED: _("It was stopped."),
    Standing.DONE: _("It is through."),
}


def why(one: Campaign) -> Words | None:
    """Why it rests, or why it was declined, in the words of whoever did it."""
    if one.standing is Standing.DECLINED and one.reason:
        return _("Because: {reason}", reason=one.reason)
    if one.standing is Standing.PAUSED and one.reason:
        return _("Too many of its last messages failed.")
    return None


def in_numbers(found: Progress) -> list[Words]:
    """How far it is, and why what did not arrive did not."""
    told = [
        _("Sent: {sent}. Waiting: {waiting}.", sent=found.sent, waiting=found.waiting),
        *by_reason(held(found)),
        _("Refused: {n}", n=found.failed) if found.failed else None,
        *by_reason(found.refusals),
        *doubtful(found),
        _("Left out by rule: {n}", n=found.spared) if found.spared else None,
        *by_reason(found.omissions),
        _("Signed up afterwards: {n}", n=found.joined) if found.campaign.activity else None,
        _("The next message leaves {at}.", at=found.next) if found.next else None,
    ]
    return [one for one in told if one is not None]


def held(found: Progress) -> list[tuple[str, int]]:
    """What waits for something else than its turn, and for what."""
    return [(why, count) for why, count in found.delays if reason_of(why) in WAITS]


def by_reason(reasons: Sequence[tuple[str, int]]) -> list[Words]:
    """A line for each."""
    return [Joined(("–", because(reason), str(count)), " ") for reason, count in reasons]


def doubtful(found: Progress) -> list[Words]:
    """Whom it perhaps reached, by name: the platform gave no answer, and it is not sent twice."""
    if not found.uncertain:
        return []
    names: list[Words] = [name or "—" for name in found.perhaps]
    if found.unnamed:
        names.append(ngettext("and {n} more", "and {n} more", found.unnamed))
    return [_("Perhaps arrived: {n}", n=found.uncertain), Joined(("–", Joined(tuple(names), " · ")), " ")]


def because(reason: str) -> Words:
    """A reason that is kept with messages: ours in words, the platforms' commonest too, the others as given."""
    ours = reason_of(reason)
    known = {**REASONS, **WAITS}
    if ours is not None and ours in known:
        return known[ours]
    if reason in ROUTED:
        return ROUTED[reason]
    theirs = next((words for said, words in (*SENDERS.items(), *PLATFORMS.items()) if said in reason), None)
    return theirs or reason or _("no reason was given")


# --- The list of its messages ----------------------------------------------------------------------------------------

SHEET = _("Messages")
COLUMNS = (_("Name"), _("Message"), _("What became of it"), _("Why"), _("Chat"), _("When"))

STATES: Mapping[str, Text] = {
    "pending": _("waits"),
    "sending": _("on its way"),
    "sent": _("sent"),
    "failed": _("refused by the platform"),
    "dead": _("given up after many tries"),
    "uncertain": _("perhaps arrived"),
    "suppressed": _("left out by rule"),
}


def in_rows(listed: Sequence[Told], zone: tzinfo) -> list[Sequence[Words]]:
    """What became of each message, and why it went that way or did not; moments so that a table can sort them."""
    return [
        COLUMNS,
        *(
            (
                one.name,
                str(one.step + 1),
                STATES[one.state],
                because(one.reason) if one.reason else "",
                DOORS.get(one.door, one.door),
                one.at.astimezone(zone).strftime("%Y-%m-%d %H:%M") if one.at else "",
            )
            for one in listed
        ),
    ]
