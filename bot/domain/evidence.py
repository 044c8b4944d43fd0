"""How a presence was proven: pieces of evidence, what stands of them after some were taken back, and the grade."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Proof(StrEnum):
    """What a piece of evidence is."""

    CODE = "code"
    """The eight digits on the wall, typed."""
    LINK = "link"
    """The code on the wall, scanned or opened."""
    PLACE = "place"
    """A shared place: inside the fence or outside, never the point."""
    ROLL = "roll"
    """The leader's roll-call."""
    SHOWN = "shown"
    """The person's own code, shown to the leader, who scanned or typed it."""
    WALKIN = "walkin"
    """Added on the spot by the leader."""
    CLAIM = "claim"
    """The person's own account of what they did."""
    CONFIRMED = "confirmed"
    """The organiser's word."""
    BULK = "bulk"
    """Entered by the organiser, with nothing that shows it."""
    OWN = "own"
    """Left on one's own word."""
    TAKEN_BACK = "takenback"
    """What had been said of this part before does not hold."""


class Part(StrEnum):
    """What of a presence a piece of evidence speaks of."""

    ARRIVAL = "arrival"
    DEPARTURE = "departure"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One piece. `given_by`: the person who gave it, None for Menkou; `step`: of the rotating code, 15 s each since
    1970; `metres` of accuracy; `photo`: a fingerprint."""

    kind: Proof
    part: Part
    at: datetime
    given_by: int | None
    step: int | None = None
    band: str | None = None
    accuracy: int | None = None
    photo: str | None = None
    nonce: str | None = None
    sampled: bool = False
    """Drawn for the audit."""

    def speaks_for_the_organisation(self, who: int) -> bool:
        """Is it the organiser's side, or an entry by hand, and did this person give it?"""
        return self.given_by == who and (self.kind in BY_THE_ORGANISER or self.kind == Proof.BULK)


AT_THE_PLACE = frozenset({Proof.CODE, Proof.LINK, Proof.SHOWN})
"""Only somebody who is there can give these, or somebody whom they help within half a minute."""

BY_THE_ORGANISER = frozenset({Proof.ROLL, Proof.SHOWN, Proof.WALKIN, Proof.CONFIRMED})
"""The other side. A code that the person shows and the leader reads is both sides at once."""


def standing(evidence: Iterable[Evidence]) -> list[Evidence]:
    """What still holds, in the order in which it was given: nothing of a part from before it was taken back. With an
    arrival its departure goes too."""
    holds: list[Evidence] = []
    for one in evidence:
        if one.kind != Proof.TAKEN_BACK:
            holds.append(one)
        elif one.part == Part.ARRIVAL:
            holds.clear()
        else:
            holds = [kept for kept in holds if kept.part != one.part]
    return holds


def grade(evidence: Iterable[Evidence]) -> str:
    """A: proven from both sides. B: from one. C: a claim that a person approved. D: entered without evidence.

    Both sides are the person's, by a rotating code at the place, and the organiser's. Two codes of the same
    person are one side: whoever gets the first by photo gets the second too. An end that rests on the person's word
    alone is proven by the organiser's word, given after it.
    """
    holds = standing(evidence)
    kinds = {one.kind for one in holds}
    if Proof.BULK in kinds:
        return "D"
    if Proof.CLAIM in kinds:
        return "C"
    both = kinds & AT_THE_PLACE and kinds & BY_THE_ORGANISER
    return "A" if both and not _own_word_last(holds) else "B"


def _own_word_last(holds: Sequence[Evidence]) -> bool:
    """Does the end rest on the person's own word?"""
    own = [place for place, one in enumerate(holds) if one.kind == Proof.OWN]
    confirmed = [place for place, one in enumerate(holds) if one.kind == Proof.CONFIRMED]
    return bool(own) and (not confirmed or confirmed[-1] < own[-1])


INSIDE = "inside"
"""The band of a place that lies in the fence."""

SAMPLED = 0.1
"""Share of entries without evidence that are drawn for the audit; of each batch at least one."""


def sample(batch: str, entries: int, share: float = SAMPLED) -> frozenset[int]:
    """Which of the entries of a batch are drawn: by a digest of the batch's own secret name, so that whoever enters
    cannot know before, and whoever audits can draw again."""
    ranked = sorted(range(entries), key=lambda place: hashlib.sha256(f"{batch}:{place}".encode()).digest())
    return frozenset(ranked[: max(1, round(entries * share))])
