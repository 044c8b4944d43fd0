"""1+N: a shift that takes so many people for each proven professional; without one the squad freezes."""

from __future__ import annotations

from dataclasses import dataclass

PER = range(1, 51)
"""How many people one professional may lead."""


@dataclass(frozen=True, slots=True)
class Squad:
    """What a shift demands, and who is coming."""

    shift: int
    skill: str
    """Code of the skill that must be proven for the day."""
    per: int
    leads: int
    others: int
    """Seats of everybody else, companions among them."""
    full: bool
    frozen: bool
    """Its people have been told that it waits for a professional."""

    @property
    def led(self) -> bool:
        """Are there enough professionals for whoever is coming?"""
        return self.others <= self.leads * self.per

    @property
    def lacking(self) -> int:
        """Professionals who are missing; one even before anybody else comes."""
        return max(-(-self.others // self.per) - self.leads, 1 - self.leads, 0)

    def takes(self, more: int = 1) -> bool:
        """May so many more come who are no professionals? In the queue of a full shift nobody needs a lead yet."""
        return self.full or self.others + more <= self.leads * self.per


@dataclass(frozen=True, slots=True)
class NoLead:
    """There is no professional yet for one more person."""

    skill: str
    per: int
