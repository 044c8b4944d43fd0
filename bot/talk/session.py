"""Where one person's conversation stands: plain data, one row a person, read back from JSON on every turn."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.talk.incoming import Intent

PATIENCE = timedelta(minutes=30)
"""How long an open question waits before “go on where you were?” is asked instead of taking the next words as
its answer."""

SHELF_LIFE = timedelta(hours=24)
"""How long an interrupted conversation can be taken up again."""

UNDO_TIME = timedelta(minutes=10)


@dataclass(slots=True)
class Shown:
    """One numbered line or button of the last reply: either an answer's key or a link."""

    label: str
    pick: str = ""
    link: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, without what is empty."""
        kept = {"label": self.label}
        if self.pick:
            kept["pick"] = self.pick
        if self.link:
            kept["link"] = self.link
        return kept


@dataclass(slots=True)
class Thread:
    """A conversation that can be gone on with: the script, its arguments and the answers by question name."""

    script: str
    arguments: list[str] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    question: str = ""
    """The open question's name; empty when the script has ended."""
    page: int = 0
    """How far a long list of options has been leafed through."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "script": self.script,
            "arguments": self.arguments,
            "answers": self.answers,
            "question": self.question,
            "page": self.page,
        }


@dataclass(slots=True)
class Session:
    """Everything that must survive a restart between two messages of one person."""

    thread: Thread | None = None
    shelf: Thread | None = None
    offered: bool = False
    """The way back to what is on the shelf has been shown once; typing “go on” works as long as it lies there."""
    shown: list[Shown] = field(default_factory=list)
    turn: int = 0
    touched: float = 0.0
    """When the person last wrote, in seconds since 1970."""
    rest: list[dict[str, Any]] = field(default_factory=list)
    """Pages of the last reply that did not fit; shown on “more”."""
    undo: str = ""
    undo_until: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        # By hand: dataclasses.asdict copies everything deeply, at five times the cost.
        return {
            "thread": self.thread.to_json() if self.thread else None,
            "shelf": self.shelf.to_json() if self.shelf else None,
            "offered": self.offered,
            "shown": [one.to_json() for one in self.shown],
            "turn": self.turn,
            "touched": self.touched,
            "rest": self.rest,
            "undo": self.undo,
            "undo_until": self.undo_until,
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any] | None) -> Session:
        """The session that `to_json` wrote; fields of older versions are dropped, new ones get their defaults."""
        if not kept:
            return cls()
        known = dict(kept)
        for name in kept.keys() - cls.__dataclass_fields__.keys():
            del known[name]
        for name in ("thread", "shelf"):
            if known.get(name):
                known[name] = Thread(**known[name])
        known["shown"] = [Shown(**entry) for entry in known.get("shown", ())]
        return cls(**known)

    def expire(self, now: datetime) -> bool:
        """Put a conversation that was left lying on the shelf. True if there was one."""
        idle = now.timestamp() - self.touched
        if self.shelf and idle > SHELF_LIFE.total_seconds():
            self.shelf = None
        if self.thread and self.thread.question and idle > PATIENCE.total_seconds():
            self.put_aside()
            return True
        return False

    def put_aside(self) -> None:
        """Keep the open conversation for later and close it."""
        if self.thread and self.thread.question:
            self.shelf, self.offered = self.thread, False
        self.thread = None

    def offer_undo(self, intent: Intent | None, now: datetime) -> None:
        """Remember how the last effect is taken back."""
        self.undo, self.undo_until = intent.link if intent else "", (now + UNDO_TIME).timestamp()
