"""What somebody may do with their own data, and for how long it can be taken back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.documents import KEEP as DOCUMENTS_KEEP

UNDO = timedelta(days=7)
"""Between asking to be erased and being erased; also how long a link of two chats can be undone."""

TAKEAWAY = timedelta(hours=24)
"""How long the address of an export works, if it is not used before."""

ERASES_ON_LEAVING = frozenset({"wechat"})
"""Doors whose platform obliges us to delete what we have from it when somebody unfollows (rules of its unsubscribe
event). Blocking a Telegram bot only silences: Telegram asks for nothing more, and people block and come back."""


@dataclass(frozen=True, slots=True)
class Timer:
    """How long something of a person is kept, after what, and what it is kept for so long."""

    name: str
    table: str
    columns: tuple[str, ...]
    """What goes; empty: the whole row."""
    keeps: timedelta
    after: str
    why: str


_ALL: tuple[str, ...] = ()
_ITS_END = timedelta(0)

TIMERS = (
    Timer("document", "document", _ALL, DOCUMENTS_KEEP, "the end of its activity", "an insurer's late questions"),
    Timer("letter", "letter", _ALL, timedelta(days=90), "it was written", "the web chat shows them again"),
    # WeChat repeats within a minute, Telegram within a day.
    Timer("message", "inbox", _ALL, timedelta(days=3), "it came in", "the same message gets the same reply"),
    Timer("brought", "brought", _ALL, timedelta(days=3), "it was brought", "another replica need not bring it again"),
    Timer("dead message", "inbox", _ALL, timedelta(days=90), "it came in", "somebody looks into what broke"),
    Timer("wrong code", "wrong_code", _ALL, timedelta(days=1), "it was typed", "the breakers look back for minutes"),
    Timer("link try", "link_try", _ALL, timedelta(days=1), "it was typed", "the breaker looks back for minutes"),
    Timer("takeaway", "takeaway", _ALL, _ITS_END, "its last moment", "an address that still works"),
    Timer("link code", "link_code", _ALL, _ITS_END, "its last moment", "a code that still works"),
    Timer("link offer", "link_offer", _ALL, _ITS_END, "its last moment", "an offer that can still be agreed to"),
    Timer("guardian code", "guardian_code", _ALL, _ITS_END, "its last moment", "a code that still works"),
    Timer("claim", "claim", ("what", "reason"), timedelta(days=180), "it was decided", "disputes about its hours"),
    Timer("claim photo", "claim", ("photo",), timedelta(days=365), "it was decided", "one picture sent twice is seen"),
    Timer("photo", "evidence", ("photo",), timedelta(days=365), "the presence", "one picture sent twice is seen"),
    Timer("answers", "enrolment", ("answers", "why"), timedelta(days=90), "the end of the shift",
          "the organiser looks after who was there"),
    Timer("conversation", "conversation", ("session", "pushed", "pushed_before"), timedelta(days=180),
          "the last message", "somebody goes on where they stopped"),
    Timer("asker", "verification", ("person",), timedelta(days=365), "the check", "its holder sees who asked"),
)  # fmt: skip
"""All that ends by itself. The lengths are ours: the law asks for the shortest time that the purpose needs (PIPL,
article 19) and names none."""

UNTIMED = {
    "person": "as long as they use Menkou; a name and a number go with the consent, the rest with the erasure",
    "identity": "as long as they can be reached there; leaving ends it where the platform demands it",
    "consent": "the proof that there was consent must outlive it",
    "subscription": "until they end it",
    "membership": "until somebody ends the post",
    "attendance": "the reason of hours that are kept",
    "record": "hours are a volunteer's for life: a star needs 1,500 of them",
    "certificate": "its issuer must be able to answer for it as long as somebody shows it",
    "star": "granted for life",
    "objection": "the reason of a decision about a star",
    "step": "each is thanked once in a life",
    "skill": "until they or its last day end it; what was decided is the reason of seats that were given",
    "matter": "the reason of hours that are kept",
    "matter_word": "the reason of hours that are kept",
    "correction": "the history of hours that are kept",
    "audit": "append-only: what could be taken out of it would prove nothing",
    "activity": "belongs to its organisation",
    "guardianship": "until one of them ends it; then it is the proof that there was one",
    "permission": "the proof that a guardian agreed to what a child did",
    "digest": "a letter that its reader has until they end it",
    "evaluation": "the figure of an activity that stays; the words go with an erasure",
    "calendar": "an address that its owner uses until they end it",
    "cover": "belongs to the activity",
    "team": "until its leader ends it",
    "team_member": "until they or the leader end it",
    "invitation": "who was asked is the reason why they are not asked again",
    "terms": "belongs to the activity",
    "campaign": "belongs to the organisation or place that it speaks for",
    "agreement_text": "an agreement in writing; claims out of it run for years",
    "agreement": "an agreement in writing; claims out of it run for years",
    "fanout": "what was said to many; of whom it is nobody's but the outbox's",
    "outbox": "moved to the finished ones by age",
    "outbox_done": "what somebody was told years ago is still answerable; it holds no words",
    "notice_grant": "until they take it back or use it up",
    "tagged": "goes with the tag, when the platform has sent",
    "erasure": "is applied again after an older backup was put back",
    "merge": "what the undo needed goes after its week",
}
"""Tables with something of a person that no timer ends, and why; a test holds that no table is in neither list."""


@dataclass(frozen=True, slots=True)
class Consent:
    """Something that was agreed to and not taken back: to what, by which text, when, through which door."""

    purpose: str
    version: str
    given: datetime
    door: str


@dataclass(frozen=True, slots=True)
class Held:
    """What is stored about a person, as they are shown it. Counts and moments; the personal fields in their words."""

    number: str
    since: datetime
    doors: tuple[str, ...]
    name: str
    phone: str
    consented: datetime | None
    born: int | None
    sign_ups: int
    presences: int
    minutes: int
    subscriptions: int
    posts: int
    messages: int
    letters: int
    agreements: int = 0
    guardianships: int = 0
    teams: int = 0
    documents: tuple[str, ...] = ()
    """Numbers of identity documents, masked."""
    consents: tuple[Consent, ...] = ()


@dataclass(frozen=True, slots=True)
class Takeaway:
    """Where an export can be taken, once in each form: paths below the public address."""

    json: str
    table: str


@dataclass(frozen=True, slots=True)
class Marked:
    """Erasure was asked for and happens at this moment, unless it is taken back."""

    due: datetime


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Consent was withdrawn; name and phone are gone, and these many sign-ups were given up."""

    given_up: int


@dataclass(frozen=True, slots=True)
class NothingHeld:
    """There was nothing that this could be done to."""
