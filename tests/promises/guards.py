"""Guards taken away, for the controls of more than one programme."""

from __future__ import annotations

from sqlalchemy import text

from storage.database import Unit
from storage.prepared import Parameters, Prepared, Unforeseen


async def unlocked(unit: Unit, _shift: int, *then: tuple[Prepared, Parameters]) -> int:
    """Instead of a shift's lock: nobody waits, and what follows it is done without."""
    return await unit.run_through(*then) if then else 0


BEFORE_THE_SEAT = 0x5EA7
"""PostgreSQL's advisory lock by which a control holds back whoever is about to take a seat."""


async def unlocked_together(unit: Unit, shift: int, *then: tuple[Prepared, Parameters]) -> int:
    """The same for several who have all looked, and go on when they are let."""
    await unit.run(text(f"SELECT pg_advisory_xact_lock_shared({BEFORE_THE_SEAT})"))
    return await unlocked(unit, shift, *then)


async def unlocked_foreseen(unit: Unit, shift: int, then: tuple[Prepared, Parameters]) -> None:
    """The same where the outcome is foreseen."""
    await unit.run_foreseen(shift, then)


async def never_foreseen(_unit: Unit, _shift: int, _then: tuple[Prepared, Parameters]) -> None:
    """It is decided at its own place in the turn, where two are more often at once."""
    raise Unforeseen
