"""Who may do what: one table, deny by default; a right held at a place flows down the tree of places."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What somebody is to an organisation or to a place."""

    ORGANISER = "organiser"
    LEADER = "leader"
    CENTRE = "centre"
    CITY = "city"


class Deed(StrEnum):
    """What the table speaks of."""

    PUBLISH = "publish"
    CHANGE = "change"
    ROSTER = "roster"
    WALL = "wall"
    ANNOUNCE = "announce"
    CERTIFY = "certify"
    """Withdraw a certificate of hours and issue it anew."""
    INSURE = "insure"
    """Ask an activity's volunteers for document numbers, and give them to the insurer."""
    ROLL = "roll"
    """Say who is there, add whoever came without a seat."""
    CONFIRM = "confirm"
    """Give the organiser's word for presences: confirm them, decide on claims, enter hours."""
    COVER = "cover"
    """Call for people where an activity is short of them."""
    VOUCH = "vouch"
    """Accept the proof of a skill."""
    STAR = "star"
    """Decide about an application for a star."""
    CAMPAIGN = "campaign"
    """Write to the people of one's organisation or place; see, pause and stop what was written for them."""
    AGREE = "agree"
    """Be the second person who lets somebody else's campaign go out."""
    RECORDS = "records"
    """See what an activity's presences counted."""
    AMEND = "amend"
    """Correct a record; beyond the limits only with a second person."""
    SECOND = "second"
    """Be that second person."""
    ANSWER = "answer"
    """Speak for who recorded, in disputes and overlaps."""
    DECIDE = "decide"
    """Speak for the centre above, in disputes, objections and reviews."""


@dataclass(frozen=True, slots=True)
class Post:
    """A role held in an organisation (organiser, leader) or over a place of the tree (centre, city)."""

    role: Role
    organisation: int | None = None
    place: int | None = None


_OVER_RECORDS = frozenset({Deed.RECORDS, Deed.AMEND, Deed.SECOND, Deed.DECIDE})
_OVER_A_PLACE = _OVER_RECORDS | {
    Deed.STAR, Deed.VOUCH, Deed.ROSTER, Deed.WALL, Deed.CHANGE, Deed.CAMPAIGN, Deed.AGREE,
}  # fmt: skip

MAY: dict[Role, frozenset[Deed]] = {
    Role.ORGANISER: frozenset(
        {
            Deed.PUBLISH,
            Deed.CHANGE,
            Deed.ROSTER,
            Deed.WALL,
            Deed.ANNOUNCE,
            Deed.CAMPAIGN,
            Deed.AGREE,
            Deed.CERTIFY,
            Deed.ROLL,
            Deed.CONFIRM,
            Deed.VOUCH,
            Deed.INSURE,
            Deed.RECORDS,
            Deed.AMEND,
            Deed.SECOND,
            Deed.ANSWER,
            Deed.COVER,
        }
    ),
    Role.LEADER: frozenset({Deed.ROSTER, Deed.WALL, Deed.ROLL, Deed.SECOND}),
    Role.CENTRE: _OVER_A_PLACE,
    Role.CITY: _OVER_A_PLACE | {Deed.ANNOUNCE},
}
"""The role table. What is not here is not allowed."""


def may(
    posts: Iterable[Post],
    deed: Deed,
    *,
    organisation: int | None,
    place: int | None,
    within: Callable[[int, int], bool],
) -> bool:
    """Does one of the posts allow the deed on something of this organisation at this place?

    `within(place, node)` tells whether a place lies in a node of the tree.
    """
    for post in posts:
        if deed not in MAY[post.role]:
            continue
        if post.organisation is not None and post.organisation == organisation:
            return True
        if post.organisation is None and post.place is not None and place is not None and within(place, post.place):
            return True
    return False
