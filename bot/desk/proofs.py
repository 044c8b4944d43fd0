"""Certificates: asked for by volunteers, issued by whoever recorded, checked by anybody, withdrawn with a reason."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from bot.desk.city import City
from bot.desk.subject import Subject
from bot.domain import proofs as rules
from bot.domain.people import ABROAD, masked
from bot.domain.proofs import (
    Certificate,
    Checked,
    Issued,
    Look,
    MayNotIssue,
    Nameless,
    NothingCounted,
    Period,
    Recorder,
    Withdrawn,
)
from bot.domain.roles import Deed, may
from storage import audit, fanouts, people, proofs
from storage.database import Database, Unit
from storage.tables.delivery import Lane

LAST_LOOKS = 5
"""Of those who asked, who are shown beside the certificate."""

MOST_LOOKS = 1_000_000
"""Further back than anybody pages; what a link says is not a number that a database must believe."""

LATEST = 50
"""Certificates of a register that a chat lists; the table holds them all."""


@dataclass(frozen=True, slots=True)
class Papers:
    """Where a certificate's papers are, for its holder only: signed paths below the public address."""

    pdf: str
    png: str


@dataclass(frozen=True, slots=True)
class Held:
    """One of my certificates: how often it was asked about, and by whom last."""

    certificate: Certificate
    papers: Papers
    checks: int
    last: Sequence[Look]


@dataclass(frozen=True, slots=True)
class Printed:
    """What a paper shows."""

    certificate: Certificate
    name: str
    responsible: str
    place: tuple[str, str]
    """The issuer's place, Chinese and English."""
    address: str
    """Of the page where everybody can check it."""
    day: date
    """Of issue, in the city's zone."""
    notice_until: date


class Proofs(Subject):
    """My certificates, and those that I look after."""

    async def recorders(self) -> list[Recorder]:
        """The organisations that recorded hours of mine, most first."""
        return await proofs.recorders(self.unit, self.me.id)

    @property
    def today(self) -> date:
        """The day in the city."""
        return self.now.astimezone(self.city.zone).date()

    def periods(self, recorders: Sequence[Recorder]) -> dict[str, Period]:
        """What is usually asked for, given what was recorded."""
        first = min(one.first for one in recorders).astimezone(self.city.zone).date()
        return rules.usual_periods(first, self.today)

    async def name(self) -> str:
        """My name as it will stand on a certificate, as far as my door may show it."""
        return self.called(await self._name())

    async def _name(self) -> str:
        return (await people.personal(self.unit, self.city.secrecy, [self.me.id])).get(self.me.id, ("", ""))[0]

    async def minutes(self, organisation: int, period: Period) -> dict[str, int]:
        """What a certificate would say now, by grade."""
        found = await proofs.entries(self.unit, self.me.id, organisation, period, self.city.zone)
        return rules.by_grade(found)

    async def issue(self, organisation: int, period: Period) -> Issued | NothingCounted | MayNotIssue | Nameless:
        """Certify what an organisation recorded of me in a period; the same content keeps its number."""
        mine = {one.issuer.id: one.issuer for one in await self.recorders()}
        issuer = mine.get(organisation)
        if issuer is None:
            return NothingCounted(None)
        if not issuer.may_issue:
            return MayNotIssue(issuer)
        name = await self._name()
        if not name:
            return Nameless()
        return await self._issued(self.me.id, self.me.number, name, issuer, period)

    async def _issued(
        self, person: int, volunteer: str, name: str, issuer: rules.Issuer, period: Period, replaces: int | None = None
    ) -> Issued | NothingCounted:
        found = await proofs.entries(self.unit, person, issuer.id, period, self.city.zone)
        if not found:
            return NothingCounted(issuer)
        content = self.city.secrecy.index(rules.content_text(name, volunteer, issuer.id, period, found))
        known = await proofs.same(self.unit, person, content)
        if known is not None:
            return Issued(known, anew=False)
        new = Certificate(
            id=0,
            number=rules.new_number(),
            person=person,
            volunteer=volunteer,
            issuer=issuer,
            period=period,
            minutes=rules.by_grade(found),
            entries=found,
            name=name,
            responsible=await proofs.responsible(self.unit, issuer.id),
            issued=self.now,
            state="valid",
        )
        kept = await proofs.keep(self.unit, new, content, replaces)
        await audit.log(self.unit, self.now, self.me.id, "certify", f"certificate:{kept.id}", None, "valid")
        return Issued(kept, anew=True)

    async def mine(self) -> list[Certificate]:
        """All that was ever certified of me, newest first."""
        return await proofs.of_person(self.unit, self.me.id)

    async def held(self, number: str) -> Held | None:
        """One certificate of mine with its papers and who asked; None: there is none of mine with this number."""
        found = await proofs.by_number(self.unit, number)
        if found is None or found.person != self.me.id:
            return None
        last = await proofs.looks(self.unit, found.id, 0, LAST_LOOKS)
        return Held(found, self.papers(number), await proofs.checks(self.unit, found.id), last)

    async def looks(self, number: str, after: int, limit: int) -> list[Look] | None:
        """Who asked about one of mine, newest first; None: there is none of mine with this number."""
        found = await proofs.by_number(self.unit, number)
        if found is None or found.person != self.me.id:
            return None
        return await proofs.looks(self.unit, found.id, min(max(after, 0), MOST_LOOKS), limit)

    def papers(self, number: str) -> Papers:
        """The signed paths. A picture that another platform fetches has the names masked."""
        whole = self.city.secrecy.signature(f"proof:{number}")
        picture = self.city.secrecy.signature(f"proof:{number}:masked") if self.me.door in ABROAD else whole
        return Papers(f"/proof/{number}.pdf?k={whole}", f"/proof/{number}.png?k={picture}")

    async def check(self, number: str, name: str = "") -> Checked:
        """Is it valid? The holder will see that somebody asked; their own looks are not counted."""
        found = await check(self.unit, number, name, self.me.id, self.now)
        return replace(found, name=self.called(found.name))

    async def named_otherwise(self, name: str) -> int:
        """How many valid certificates of mine bear another name."""
        mine = await proofs.of_person(self.unit, self.me.id)
        return sum(one.valid and not rules.same_name(name, one.name) for one in mine)

    async def looked_after(self, number: str) -> Certificate | None:
        """A valid certificate of an organisation that I may withdraw it for; None says nothing about why."""
        found = await proofs.by_number(self.unit, number)
        if found is None or not found.valid:
            return None
        posts = await people.posts(self.unit, self.me.id)
        issuer, within = found.issuer, self.city.within
        allowed = may(posts, Deed.CERTIFY, organisation=issuer.id, place=issuer.place, within=within)
        return found if allowed else None

    async def register(self, organisation: int) -> tuple[list[Certificate], str] | None:
        """The latest of an issuer's register, and the path of the whole as a table. None says nothing about why."""
        if not await _keeps(self.unit, self.me.id, organisation, self.city):
            return None
        key = self.city.secrecy.signature(_register(organisation, self.me.number))
        path = f"/register/{organisation}.xlsx?by={self.me.number}&k={key}"
        return await proofs.of_organisation(self.unit, organisation, LATEST), path

    async def withdraw(self, number: str, reason: str, anew: bool) -> Withdrawn | None:
        """Take a certificate back; issue it anew from today's records and name where that is wanted and possible."""
        found = await self.looked_after(number)
        if found is None or reason not in rules.REASONS:
            return None
        if not await proofs.withdraw(self.unit, found.id, reason, self.now):
            return None
        await audit.log(self.unit, self.now, self.me.id, "withdraw", f"certificate:{found.id}", "valid", "withdrawn")
        instead = None
        if anew and found.issuer.may_issue:
            names = await people.personal(self.unit, self.city.secrecy, [found.person])
            name = names.get(found.person, ("", ""))[0] or found.name
            made = await self._issued(found.person, found.volunteer, name, found.issuer, found.period, found.id)
            instead = made.certificate if isinstance(made, Issued) else None
        await tell_withdrawn(self.unit, found, reason, instead, self.now, self.me.id)
        return Withdrawn(found, instead)


async def tell_withdrawn(
    unit: Unit, old: Certificate, reason: str, instead: Certificate | None, now: datetime, by: int | None
) -> None:
    """Whoever shows a paper that proves nothing any more shall not learn it from a school's clerk."""
    await fanouts.plan(
        unit,
        kind="withdrawn",
        source=old.id,
        lane=Lane.PERSONAL,
        segment={"person": old.person},
        not_before=now,
        expires=now + rules.TELL_WITHIN,
        words={
            "issuer": old.issuer.name,
            "english": old.issuer.english,
            "number": old.number,
            "reason": reason,
            "instead": instead.number if instead else "",
        },
        created_by=by,
    )


async def records_changed(unit: Unit, person: int, records: Collection[int], now: datetime, by: int | None) -> None:
    """Certificates that say something else than their records do now are worth nothing; their holder is told."""
    for one in await proofs.of_person(unit, person):
        if one.valid and any(entry.record in records for entry in one.entries):
            await proofs.withdraw(unit, one.id, "corrected", now)
            await audit.log(unit, now, by, "withdraw", f"certificate:{one.id}", "valid", "withdrawn")
            await tell_withdrawn(unit, one, "corrected", None, now, by)


async def renamed(unit: Unit, person: int, name: str, now: datetime) -> list[Certificate]:
    """One person has one name on what proves: certificates that bear another are worth nothing from now on."""
    others = [one for one in await proofs.of_person(unit, person) if one.valid and not rules.same_name(name, one.name)]
    for one in others:
        await proofs.withdraw(unit, one.id, "name", now)
        await audit.log(unit, now, person, "withdraw", f"certificate:{one.id}", "valid", "withdrawn")
    return others


def _register(organisation: int, number: str) -> str:
    return f"register:{organisation}:{number}"


async def _keeps(unit: Unit, person: int, organisation: int, city: City) -> bool:
    """May this person look after what an organisation certifies?"""
    return may(
        await people.posts(unit, person), Deed.CERTIFY, organisation=organisation, place=None, within=city.within
    )  # fmt: skip


async def registered(
    database: Database, city: City, organisation: int, number: str, key: str
) -> list[Certificate] | None:
    """An issuer's whole register for whoever holds the signed address, with the rights that they have now."""
    if not city.secrecy.signed(_register(organisation, number), key):
        return None
    async with database.read() as unit:
        who = await people.by_number(unit, number)
        if who is None or not await _keeps(unit, who, organisation, city):
            return None
        return await proofs.of_organisation(unit, organisation)


async def check(unit: Unit, number: str, name: str, asker: int | None, now: datetime) -> Checked:
    """What anybody may know of a number."""
    found = await proofs.by_number(unit, number) if rules.is_number(number) else None
    if found is None:
        return Checked("unknown", number)
    if found.person != asker:
        await proofs.note_check(unit, found.id, asker, now)
    match = rules.same_name(name, found.name) if name.strip() else None
    return Checked(
        found.state,
        number,
        found.issuer,
        found.period,
        found.minutes,
        found.issued,
        found.name if match else masked(found.name),
        match,
        found.withdrawn,
        found.reason,
    )


async def checked(database: Database, number: str, name: str, now: datetime) -> Checked:
    """What the public page shows of a number; the check of one that exists is remembered for its holder."""
    async with database.read() as unit:
        known = rules.is_number(number) and await proofs.by_number(unit, number) is not None
    if not known:
        return Checked("unknown", number)  # guesses never wait for whoever writes, nor make them wait
    async with database.write() as unit:
        return await check(unit, number, name, None, now)


async def printed(database: Database, city: City, number: str, key: str) -> Printed | None:
    """What the paper of a valid certificate shows to whoever holds its signed address; None for everybody else."""
    if not rules.is_number(number):
        return None
    whole = city.secrecy.signed(f"proof:{number}", key)
    if not whole and not city.secrecy.signed(f"proof:{number}:masked", key):
        return None
    async with database.read() as unit:
        found = await proofs.by_number(unit, number)
    if found is None or not found.valid:
        return None
    node = city.place(found.issuer.place)
    return Printed(
        found,
        found.name if whole else masked(found.name),
        found.responsible if whole else masked(found.responsible),
        (node.name, node.english) if node else ("", ""),
        f"{city.public_url}/proof/{number}",
        found.issued.astimezone(city.zone).date(),
        (found.issued + rules.NOTICE).astimezone(city.zone).date(),
    )
