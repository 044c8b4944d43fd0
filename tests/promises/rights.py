"""Who may do what through which script: one table, held against every script by `test_rights`.

A line names a script, what it is asked about (things of `World`), and who may. Whoever is not named must get the same
answer, word for word, as if the thing were not there. A script that stands in no line fails the test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Who(StrEnum):
    """Relations to the things of the world; each is one person."""

    STRANGER = "stranger"
    OTHER = "other volunteer"
    OWNER = "owner"
    ELSEWHERE = "organiser of another organisation"
    ORGANISER = "own organiser"
    LEADER = "own leader"
    STREET_ELSEWHERE = "street centre elsewhere"
    STREET = "street centre here"
    DISTRICT = "district"
    CITY = "city"


EVERYBODY = frozenset(Who)
OWNER = frozenset({Who.OWNER})
ORGANISER = frozenset({Who.ORGANISER})
CENTRES = frozenset({Who.STREET, Who.DISTRICT, Who.CITY})
CHANGE = ORGANISER | CENTRES
ROSTER = CHANGE | {Who.LEADER}
ON_THE_SPOT = frozenset({Who.ORGANISER, Who.LEADER})
ANNOUNCE = frozenset({Who.ORGANISER, Who.CITY})


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table. A thing that begins with `=` is said as it stands."""

    script: str
    things: tuple[str, ...]
    who: frozenset[Who]
    forged: tuple[int, ...] = (0,)
    """Places of the things that are not there when something is asked for that is not there."""

    def __str__(self) -> str:
        return "-".join((self.script, *self.things))


def held(script: str, *things: str, who: frozenset[Who], forged: tuple[int, ...] = (0,)) -> Line:
    """A line of the table."""
    return Line(script, things, who, forged)


TABLE: tuple[Line, ...] = (
    # What is mine alone.
    held("booking", "seat", who=OWNER),
    held("leave", "seat", who=OWNER),
    held("coming", "seat", who=OWNER),
    held("together", "seat", who=OWNER),
    held("companions", "seat", who=OWNER),
    held("bringteam", "seat", who=OWNER),
    held("passon", "seat", "=handover", who=OWNER),
    held("passon", "seat", "=swap", who=OWNER),
    held("document", "seat", who=OWNER),
    held("accept", "offer", who=OWNER),
    held("decline", "offer", who=OWNER),
    held("there", "present", who=OWNER),
    held("notin", "present", who=OWNER),
    held("notout", "left", who=OWNER),
    held("checkin", "running", "code", who=OWNER),
    held("checkin", "running", "code", who=OWNER, forged=(1,)),
    held("checkout", "running", "code", who=OWNER, forged=(1,)),
    held("explain", "absent", who=OWNER),
    held("claim", "absent", who=OWNER),
    held("claimed", "claim", who=OWNER),
    held("feedback", "left", who=OWNER),
    held("record", "record", who=OWNER),
    held("dispute", "record", who=OWNER),
    held("proven", "record", who=OWNER),
    held("skill", "skill", who=OWNER),
    held("teamcard", "team", who=OWNER),
    held("quitteam", "team", who=OWNER),
    held("uninvited", "invitation", who=OWNER),
    held("permit", "permission", who=OWNER),
    held("permit", "permission", "=agreed", who=OWNER),
    held("unguard", "child", who=OWNER),
    held("mycertificate", "certificate", who=OWNER),
    held("whoasked", "certificate", who=OWNER),
    # Activities that are open.
    held("manage", "coming", who=ROSTER),
    held("roster", "coming", who=ROSTER),
    held("calloff", "coming", who=CHANGE),
    held("move", "coming", who=CHANGE),
    held("relocate", "coming", who=CHANGE),
    held("seats", "coming", who=CHANGE),
    held("terms", "coming", who=CHANGE),
    held("squad", "coming", who=CHANGE),
    held("counting", "coming", who=CHANGE),
    held("remind", "coming", who=CHANGE),
    held("joining", "coming", who=CHANGE),
    held("evaluations", "coming", who=ROSTER),
    held("cover", "coming", who=ORGANISER),
    held("insured", "coming", who=ORGANISER),
    held("announce", "coming", who=ANNOUNCE),
    held("deliveries", "coming", who=ROSTER),
    held("poster", "coming", who=ROSTER),
    held("poster", "over", who=ROSTER),
    held("letin", "asking", who=CHANGE),
    held("excuse", "missed", who=CHANGE),
    # While it is on, and afterwards.
    held("roll", "running", who=ROSTER),
    held("roll", "running", "=all here", who=ON_THE_SPOT),
    held("unroll", "running", "=1", "=0", who=ON_THE_SPOT),
    held("present", "number", "shown", who=ON_THE_SPOT),
    held("present", "number", "shown", who=ON_THE_SPOT, forged=(1,)),
    held("walkin", "running", "number", who=ON_THE_SPOT),
    held("walkin", "running", "number", who=ON_THE_SPOT, forged=(1,)),
    held("vouch", "over", who=ORGANISER),
    held("vouchfor", "over", "=1", who=ORGANISER),
    held("enter", "over", who=ORGANISER),
    held("decide", "claim", who=ORGANISER),
    # Records.
    held("minutes", "over", who=CHANGE),
    held("amend", "record", who=CHANGE),
    held("amend", "record", "matter", who=CHANGE),
    held("agree", "correction", who=ROSTER),
    held("history", "record", who=OWNER | CHANGE),
    held("matter", "matter", who=OWNER | ORGANISER),
    held("object", "record", who=frozenset({Who.OTHER}) | ON_THE_SPOT),
    held("withdrawproof", "certificate", who=ORGANISER),
    held("proofregister", "organisation", who=ORGANISER),
    held("starcase", "star", who=CENTRES),
    # Campaigns.
    held("mailing", "campaign", who=CHANGE),
    held("mailingtest", "campaign", who=CHANGE),
    held("mailingpicture", "campaign", who=ORGANISER),
    held("mailingsend", "campaign", who=ORGANISER),
    held("mailinglist", "sent", who=CHANGE),
    held("mailingagree", "proposed", who=CHANGE),
    held("mailingdecline", "proposed", who=CHANGE),
    held("mailingpause", "sent", who=CHANGE),
    held("mailingstop", "sent", who=CHANGE),
    held("mailinggoon", "paused", who=CHANGE),
    held("mailingchange", "campaign", who=ORGANISER),
    held("mailingagain", "declined", who=ORGANISER),
    # Drafts: nobody else learns that there is one.
    *(
        held(script, "draft", who=ORGANISER)
        for script in (
            "draft", "open", "approval", "deadline", "question", "unquestion", "role", "unrole", "retime", "discard",
            "poster",
        )
    ),
    held("activity", "draft", who=frozenset()),
    held("share", "draft", who=frozenset()),
    held("join", "draft", who=frozenset()),
    held("agreement", "draft", who=frozenset()),
    # What the whole city may see.
    held("activity", "coming", who=EVERYBODY),
    held("share", "coming", who=EVERYBODY),
    held("join", "coming", who=EVERYBODY),
    held("agreement", "coming", who=EVERYBODY),
    held("starnotice", "notice", who=EVERYBODY),
    held("proof", "certificate", who=EVERYBODY),
)  # fmt: skip

CODES: dict[str, str] = {
    "team": "joins a team",
    "guardian": "becomes a guardian",
    "take": "takes somebody's place",
    "link": "links two chats",
}
"""Scripts that are opened by a code which somebody handed over: whoever has it may; a wrong one says nothing."""

OWN: frozenset[str] = frozenset(
    {
        # They take no argument: each shows or changes what is the asker's own, or what waits for them by their posts.
        "mycode", "claims", "my", "promises", "newteam", "children", "hours", "records", "chart", "matters", "notice",
        "certificate", "certificates", "stars", "applystar", "starcases", "starnotices", "subscriptions", "mydata",
        "takeout", "withdraw", "erase", "erasing", "keep", "unlink", "organise", "publish", "skills", "proofs",
        "everything", "calendar", "newcalendar", "digest", "nodigest", "sample", "messages", "noreminders", "nocalls",
        "nocampaigns", "campaign", "campaigns", "start", "menu", "help", "settings", "quiet", "whynot", "gone",
        "returned", "whereabouts", "myguardian", "city",
        # Their arguments are words or choices, and nobody's thing; every organisation may be asked to look at a proof.
        "newskill", "hush", "hear", "subscribe", "unsubscribe", "correct", "language", "elder", "near", "find",
    }
)  # fmt: skip


def without_a_line(scripts: Sequence[str]) -> list[str]:
    """Scripts that the table does not speak of."""
    return sorted({*scripts} - {line.script for line in TABLE} - {*CODES} - OWN)


@dataclass
class World:
    """Who there is, and one thing of each sort."""

    people: dict[Who, int] = field(default_factory=dict)
    things: dict[str, str] = field(default_factory=dict)
    forged: dict[str, str] = field(default_factory=dict)
    """What such a thing looks like that is not there; numbers are far away."""

    def asked(self, line: Line, there: bool) -> tuple[str, ...]:
        """The arguments of a line: of things that are there, or of one that is not."""
        return tuple(
            one[1:]
            if one.startswith("=")
            else self.things[one]
            if there or place not in line.forged
            else self.forged.get(one, FAR)
            for place, one in enumerate(line.things)
        )


FAR = "999999999"
