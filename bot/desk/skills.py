"""Skills: mine with their proofs, and, for organisers and centres, the proofs that they are asked to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from bot.desk.city import City
from bot.desk.subject import Subject
from bot.domain.activities import Shift
from bot.domain.roles import Deed, may
from bot.domain.skills import Proof, Proven, missing
from storage import audit, fanouts, organisations, people, skills
from storage.database import Database, Unit
from storage.tables.delivery import Lane

TELL_WITHIN = timedelta(days=14)

WARNED = ((60, 14), (14, 0))
"""Days before the last day on which a warning goes out, and until which it is of use."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A proof that I am asked to look at."""

    proof: Proof
    name: str


@dataclass(frozen=True, slots=True)
class Lacking:
    """Skills that a role asks for and that are not proven."""

    codes: tuple[str, ...]
    shown: bool
    """A proof of each was sent, and nobody has looked at it yet."""


class Skills(Subject):
    """What I can do, and what I may vouch for."""

    async def mine(self) -> list[Proof]:
        """My proofs, oldest first."""
        return await skills.of(self.unit, self.me.id)

    async def lacking(self, shift: Shift) -> Lacking | None:
        """What this role asks for and I have not proven for that day; None: nothing."""
        if not shift.needs:
            return None
        proofs = await self.mine()
        codes = missing(shift.needs, proofs, shift.starts.astimezone(self.city.zone).date())
        shown = {one.code for one in proofs if one.state == Proven.PROPOSED}
        return Lacking(codes, shown >= set(codes)) if codes else None

    async def lookers(self, asked_by: int = 0) -> dict[int, tuple[str, str]]:
        """Organisations that may look at a proof of mine: those I signed up with, and the one that asks for it."""
        asks = await organisations.names(self.unit, [asked_by] if asked_by else [])
        known = await skills.known_to(self.unit, self.me.id)
        return {number: (one[0], one[1]) for number, one in asks.items()} | known

    async def propose(self, code: str, organisation: int, proof: dict[str, str], expires: date | None) -> bool:
        """Show a proof to an organisation."""
        if organisation not in await organisations.names(self.unit, [organisation]):
            return False
        id_ = await skills.propose(self.unit, self.me.id, code, organisation, proof, expires, self.now)
        await self._log(id_, None, Proven.PROPOSED)
        await fanouts.plan(
            self.unit,
            kind="proving",
            source=id_,
            lane=Lane.PERSONAL,
            segment={"organisers": organisation},
            words={"code": code},
            not_before=self.now,
            expires=self.now + TELL_WITHIN,
        )
        return True

    async def withdraw(self, id_: int) -> bool:
        """Take a proof of mine back."""
        done = await skills.withdraw(self.unit, self.me.id, id_)
        if done:
            await self._log(id_, None, "withdrawn")
        return done

    async def to_look_at(self) -> Sequence[Shown]:
        """Proofs that wait for my yes."""
        posts = await people.posts(self.unit, self.me.id)
        shown = []
        for proof, organisation, place in await skills.waiting(self.unit) if posts else ():
            allowed = may(posts, Deed.VOUCH, organisation=organisation, place=place, within=self.city.within)
            if allowed and proof.person != self.me.id:
                whole = any(post.organisation == organisation for post in posts)
                shown.append(Shown(proof, await self._name(proof.person, whole)))
        return shown

    async def _name(self, person: int, whole: bool) -> str:
        name = (await people.personal(self.unit, self.city.secrecy, [person])).get(person, ("", ""))[0]
        return self.called(name, whole)

    async def decide(self, id_: int, accepted: bool) -> bool:
        """Accept a proof, or not; its owner is told. Nobody vouches for themselves. False: it is not mine to decide."""
        proof = next((one.proof for one in await self.to_look_at() if one.proof.id == id_), None)
        state = Proven.ACCEPTED if accepted else Proven.DECLINED
        if proof is None or not await skills.decide(self.unit, id_, state, self.now):
            return False
        await self._log(id_, Proven.PROPOSED, state)
        await fanouts.plan(
            self.unit,
            kind="skill",
            source=id_,
            lane=Lane.PERSONAL,
            segment={"person": proof.person},
            words={"code": proof.code, "state": state},
            not_before=self.now,
            expires=self.now + TELL_WITHIN,
        )
        return True

    async def _log(self, id_: int, before: str | None, after: str) -> None:
        await audit.log(self.unit, self.now, self.me.id, "skill", f"skill:{id_}", before, after)


async def tick(database: Database, city: City, now: datetime) -> int:
    """Warn whose proof runs out, early and late; what was accepted later than its warning is not warned of. Returns
    how many warnings were planned."""
    today = now.astimezone(city.zone).date()
    planned = 0
    for days, until in WARNED:
        first, last = today + timedelta(days=until + bool(until)), today + timedelta(days=days)
        async with database.read() as unit:
            found = await skills.to_warn(unit, first, last, -days)
        for one in found:
            day = one.expires - timedelta(days=days)
            if one.decided is None or one.decided.astimezone(city.zone).date() <= day:
                async with database.write() as unit:
                    planned += await _warn(unit, city, one, days, until, now)
    return planned


async def _warn(unit: Unit, city: City, one: Any, days: int, until: int, now: datetime) -> bool:
    """Once for each proof and time; the early warning is of use until the late one comes."""
    useful = one.expires + timedelta(days=1 - until)
    number = await fanouts.plan(
        unit,
        kind="expiring",
        source=one.id,
        offset=-days,
        lane=Lane.REMINDER,
        segment={"person": one.person},
        words={"code": one.code, "expires": one.expires.isoformat()},
        not_before=now,
        expires=datetime.combine(useful, time(0), city.zone),
    )
    return number is not None
