"""How it was proven: each piece of evidence behind a record, in words, and what its grade means."""

from __future__ import annotations

from collections.abc import Sequence

from bot.desk.desk import Desk
from bot.domain.evidence import INSIDE, Evidence, Part, Proof
from bot.talk import Clock, Intent, Joined, Link, Talk, Text, Words, _, lines, script

GRADES: dict[str, Text] = {
    "A": _("A: proven from both sides, by a code at the place and by the organiser."),
    "B": _("B: proven from one side."),
    "C": _("C: a claim that the organiser approved."),
    "D": _("D: entered by the organiser, with nothing that shows it."),
}

PIECES: dict[Proof, Text] = {
    Proof.CODE: _("the code on the wall, typed"),
    Proof.LINK: _("the code on the wall, scanned"),
    Proof.ROLL: _("the leader's roll-call"),
    Proof.SHOWN: _("your own code, read by the leader"),
    Proof.WALKIN: _("added on the spot by the leader"),
    Proof.CLAIM: _("your own claim"),
    Proof.CONFIRMED: _("confirmed by the organiser"),
    Proof.BULK: _("entered by the organiser without evidence"),
    Proof.OWN: _("your own word"),
}

BANDS: dict[str, Text] = {
    INSIDE: _("place shared: there"),
    "near": _("place shared: less than 500 m away"),
    "far": _("place shared: 500 m to 2 km away"),
    "away": _("place shared: more than 2 km away"),
}


@script("proven", title=_("how it was proven"))
async def proven(talk: Talk, desk: Desk, record: int) -> None:
    """Every piece of evidence behind one of my records."""
    pieces = await desk.attendance.proven(record)
    if not pieces:
        return talk.say(_("Nothing more is kept about this record."), Link(_("My hours"), Intent("hours")))
    talk.say(
        lines(_("How it was proven:"), *listed(pieces)),
        Link(_("The record"), Intent("record", (str(record),))),
        Link(_("My hours"), Intent("hours")),
    )


def listed(pieces: Sequence[Evidence]) -> list[Words]:
    """One line a piece."""
    return [piece(one) for one in pieces]


def piece(one: Evidence) -> Words:
    """One piece of evidence in one line."""
    what = BANDS[one.band or INSIDE] if one.kind == Proof.PLACE else PIECES[one.kind]
    parts: list[Words] = [Clock(one.at), what]
    if one.part != Part.WHOLE and one.kind != Proof.PLACE:
        parts.insert(1, _("arrival") if one.part == Part.ARRIVAL else _("departure"))
    if one.photo:
        parts.append(_("with a photo"))
    if one.sampled:
        parts.append(_("drawn for the audit"))
    return Joined(tuple(parts), " · ")
