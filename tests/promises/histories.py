"""Histories of one queue: what clients asked and were answered, and whether any order of moves explains it.

The witness of an operation is the last row that it wrote into the log of moves while the shift was its own. Two checks,
each in about linear time: witnesses stand in real-time order (what was answered before something else was asked
happened before it), and the moves, replayed one after another, are those of one fair queue and explain every answer.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bot.domain.enrolment import SEATED, Stand


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that one client did."""

    client: int
    deed: str
    asked: float
    answered: float
    said: str
    """The outcome, in a word."""
    about: int = 0
    """The sign-up."""
    number: int = 0
    """What was said beside it: a place in the queue, the seats there are."""
    witness: int = 0
    """The last row of the log that it wrote; 0: none."""


@dataclass(frozen=True, slots=True)
class Move:
    """One row of the log of moves."""

    id: int
    deed: str
    target: str
    before: str | None
    after: str | None

    @property
    def about(self) -> int:
        """The number in its target."""
        return int(self.target.split(":")[1])


@dataclass
class Queue:
    """The reference: one shift, in memory, one move after another."""

    capacity: int
    taken: int = 0
    last: int = 0
    open: bool = True
    stands: dict[int, str] = field(default_factory=dict)
    numbers: dict[int, int] = field(default_factory=dict)
    _waiting: list[tuple[int, int]] = field(default_factory=list)

    def head(self) -> int | None:
        """The sign-up at the head of the queue."""
        while self._waiting:
            number, who = self._waiting[0]
            if self.stands[who] == Stand.WAITING and self.numbers[who] == number:
                return who
            heapq.heappop(self._waiting)
        return None

    def position(self, who: int) -> int:
        """Place in the queue, 1 for the head."""
        mine = self.numbers[who]
        return sum(self.stands[one] == Stand.WAITING and self.numbers[one] <= mine for one in self.numbers)

    def wrong_with(self, move: Move) -> str:
        """Make a move. Returns why it should not have been made."""
        match move.deed:
            case "seats":
                self.capacity = int(move.after or 0)
                return "" if self.capacity >= self.taken else "fewer seats than are taken"
            case "cancel":
                self.open = False
                return ""
            case "publish":
                return ""
        before, who = self.stands.get(move.about, str(Stand.CANCELLED)), move.about
        after = str(move.after)
        why = ""
        if move.before is not None and move.before != before:
            why = f"it stood at {before}"
        elif move.deed == "join" and (before != Stand.CANCELLED or not self.open):
            why = f"it stood at {before}" if self.open else "it was called off"
        elif move.deed == "join" and (after == Stand.JOINED) != (self.taken < self.capacity):
            why = f"{self.taken} of {self.capacity} seats were taken"
        elif move.deed in ("offer", "promote") and self.head() != who:
            why = f"the head of the queue was {self.head()}"
        elif move.deed in ("offer", "promote") and not (self.open and self.taken < self.capacity):
            why = "no seat was free"
        self.taken += (after in SEATED) - (before in SEATED)
        self.stands[who] = after
        if move.deed == "join" or (move.deed == "lapse" and after == Stand.WAITING):
            self.last += 1
            self.numbers[who] = self.last
        if after == Stand.WAITING:
            heapq.heappush(self._waiting, (self.numbers[who], who))
        return why

    def unexplained(self, one: Operation) -> str:
        """What of an answer is not as it was just after its last move."""
        stand = self.stands.get(one.about, "")
        expected = {"joined": Stand.JOINED, "waiting": Stand.WAITING, "accepted": Stand.JOINED, "left": Stand.CANCELLED}
        if one.said in expected and stand != expected[one.said]:
            return f"stands at {stand}"
        if one.said == "waiting" and self.position(one.about) != one.number:
            return f"is number {self.position(one.about)}"
        if one.said == "seats" and self.capacity != one.number:
            return f"there are {self.capacity} seats"
        return ""


def faults(capacity: int, operations: Sequence[Operation], moves: Iterable[Move], rows: Sequence[Any]) -> list[str]:
    """Everything that no fair queue would have done; `rows`: the sign-ups as they stand in the end."""
    found = [f"{one} was answered before {two} was asked, and yet came after it" for one, two in overtaken(operations)]
    queue, ends = Queue(capacity), {one.witness: one for one in operations if one.witness}
    unseen = set(ends)
    for move in moves:
        why = queue.wrong_with(move)
        if why:
            found.append(f"{move}: {why}")
        if move.id not in ends:
            continue
        unseen.discard(move.id)
        why = queue.unexplained(ends[move.id])
        if why:
            found.append(f"{ends[move.id]}, but it {why}")
        if queue.open and queue.taken < queue.capacity and queue.head() is not None:
            found.append(f"after {ends[move.id]} a seat is free and {queue.head()} waits")
    found += [f"{ends[one]} left no trace" for one in sorted(unseen)]
    stand = {row.id: (str(row.state), row.queue) for row in rows}
    reference = {who: (queue.stands[who], queue.numbers[who]) for who in queue.numbers}
    for who in sorted({*stand, *reference}):
        if stand.get(who) != reference.get(who):
            found.append(f"{who} stands as {stand.get(who)}, by its moves {reference.get(who)}")
    return found


def overtaken(operations: Sequence[Operation]) -> list[tuple[Operation, Operation]]:
    """Pairs where what was answered first happened after what was asked only then."""
    seen = [one for one in operations if one.witness]
    answered = sorted(seen, key=lambda one: one.answered)
    found, furthest, index = [], None, 0
    for one in sorted(seen, key=lambda one: one.asked):
        while index < len(answered) and answered[index].answered < one.asked:
            if furthest is None or answered[index].witness > furthest.witness:
                furthest = answered[index]
            index += 1
        if furthest is not None and furthest.witness > one.witness:
            found.append((furthest, one))
    return found


def written(path: Path, operations: Sequence[Operation], moves: Sequence[Move], wrong: Sequence[str]) -> str:
    """Keep a history that went wrong as a file, and say where: it is a test from then on."""
    lines = [{"wrong": one} for one in wrong]
    lines += [asdict(one) for one in sorted(operations, key=lambda one: one.asked)] + [asdict(one) for one in moves]
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in lines), encoding="utf-8")
    return "\n".join([f"{len(wrong)} faults, the history is in {path}", *wrong[:5]])
