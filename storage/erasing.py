"""Erasing a person or an address in two steps, and scrubbing the database's file.

What outlives an erasure stands here with its reason, and a test holds the list against every table.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, select, update

from bot.domain.matters import State
from bot.domain.people import new_number
from storage import erased
from storage.database import Database, Unit
from storage.holdings import addresses, replies_to, rows_of, same
from storage.privacy import clear_personal, withdraw
from storage.tables.activities import membership
from storage.tables.calendars import calendar
from storage.tables.claims import claim
from storage.tables.delivery import fanout, outbox, outbox_done
from storage.tables.digests import digest
from storage.tables.documents import document
from storage.tables.enrolment import enrolment, record, wrong_code
from storage.tables.evaluations import evaluation
from storage.tables.evidence import evidence
from storage.tables.grants import notice_grant
from storage.tables.guardians import guardian_code, guardianship, permission
from storage.tables.matters import correction, matter, matter_word
from storage.tables.messages import inbox, letter
from storage.tables.official import tagged
from storage.tables.parties import invitation, team, team_member
from storage.tables.people import conversation, identity, person, subscription
from storage.tables.privacy import erasure, link_code, link_offer, link_try, merge, takeaway
from storage.tables.proofs import verification
from storage.tables.skills import skill
from storage.tables.stars import objection, star, step

FATES = {
    "person": "a tombstone stays with a fresh number: name, phone, year of birth, language and habits are gone",
    "identity": "erased",
    "conversation": "erased",
    "consent": "stays as the proof that there was consent and when it ended; it names nobody any more",
    "subscription": "erased",
    "evaluation": "the stars stay for the counts of the activity, of nobody; the words are erased",
    "digest": "erased",
    "calendar": "erased: its address answers nobody",
    "membership": "erased",
    "enrolment": "stays for the counts of the activity; reasons, answers and free text are erased",
    "attendance": "stays for the counts of the activity",
    "evidence": "stays as the reason of the hours, of nobody; the fingerprint of a photo is erased",
    "claim": "stays for the counts of the activity; what was written in it is erased",
    "record": "hours stay for the city's figures, of nobody",
    "wrong_code": "erased",
    "certificate": "stays as issued: its issuer must keep a copy, and whoever was given it can have it checked",
    "document": "erased",
    "star": "stays as granted or refused, of nobody; what was only applied for is refused",
    "objection": "erased",
    "step": "erased",
    "skill": "erased",
    "verification": "stays as a count for the certificate's owner; who asked is erased",
    "matter": "stays: what was asked about hours that stay",
    "matter_word": "that something was said stays; the words are erased, theirs and those in matters about them",
    "correction": "stays as the history of hours that stay; the reason's words are erased",
    "audit": "append-only; rows name deeds and numbers, never a name or an address",
    "activity": "belongs to the organisation that published it",
    "guardian_code": "erased",
    "guardianship": "erased",
    "permission": "erased with the child; who answered is erased with the guardian",
    "cover": "belongs to the activity",
    "team": "who led it is nobody any more; a team without its leader is ended, its name erased",
    "team_member": "erased",
    "invitation": "erased with whoever was asked; who asked is erased",
    "terms": "belongs to the activity",
    "campaign": "belongs to the organisation or place that it speaks for",
    "agreement_text": "belongs to the organisation; it names no volunteer",
    "agreement": "stays as the organisation's proof that there was one; it names nobody any more",
    "fanout": "belongs to the activity; which message a late reply was for is erased",
    "outbox": "what was sent stays for the reports; what waits is dropped; the platform's receipt is erased",
    "outbox_done": "what was sent stays for the reports; the platform's receipt is erased",
    "notice_grant": "erased",
    "tagged": "erased",
    "inbox": "erased",
    "letter": "erased",
    "erasure": "stays: it is applied again after an older backup was put back",
    "takeaway": "erased",
    "link_code": "erased",
    "link_try": "erased",
    "link_offer": "erased",
    "merge": "stays without what the undo needed",
}
"""What an erasure does to each table that holds something of a person."""


async def mark(unit: Unit, id_: int, door: str, now: datetime, due: datetime) -> None:
    """Somebody asked to be erased: from now on only the undo reaches them."""
    await unit.run(insert(erasure).values(person=id_, door=door, asked=now, due=due))
    await unit.run(update(person).where(person.c.id == id_).values(erasing=due))


async def unmark(unit: Unit, id_: int, now: datetime) -> None:
    """They stay."""
    open_ones = and_(erasure.c.person == id_, erasure.c.identity.is_(None), erasure.c.done.is_(None))
    await unit.run(update(erasure).where(open_ones, erasure.c.undone.is_(None)).values(undone=now))
    await unit.run(update(person).where(person.c.id == id_).values(erasing=None))


async def mark_address(unit: Unit, door: str, external: str, now: datetime, due: datetime) -> bool:
    """An address was left whose platform wants its data deleted. False: that had begun already."""
    here = select(identity.c.id, identity.c.person).where(identity.c.door == door, identity.c.external == external)
    row = (await unit.run(here)).first()
    if row is None:
        return False
    open_one = and_(erasure.c.identity == row.id, erasure.c.undone.is_(None), erasure.c.done.is_(None))
    if (await unit.run(select(erasure.c.id).where(open_one))).first() is not None:
        return False
    await unit.run(insert(erasure).values(person=row.person, identity=row.id, door=door, asked=now, due=due))
    return True


async def unmark_address(unit: Unit, identity_id: int, now: datetime) -> None:
    """They came back to an address that they had left."""
    open_one = and_(erasure.c.identity == identity_id, erasure.c.undone.is_(None), erasure.c.done.is_(None))
    await unit.connection.execute(update(erasure).where(open_one).values(undone=now))


async def due(unit: Unit, now: datetime, limit: int = 100) -> list[Any]:
    """Erasures whose time has come, locked; other replicas take others: number, person, identity."""
    ripe = select(erasure.c.id, erasure.c.person, erasure.c.identity).where(
        erasure.c.undone.is_(None), erasure.c.scrubbed.is_(None), erasure.c.done.is_(None), erasure.c.due <= now
    )
    first = ripe.order_by(erasure.c.due, erasure.c.id).limit(limit)
    return list(await unit.run(first.with_for_update(skip_locked=True)))


async def mark_done(unit: Unit, id_: int, door: str, now: datetime) -> None:
    """Somebody is erased again who had been erased before: written down, so that the file is scrubbed of them too."""
    await unit.run(insert(erasure).values(person=id_, door=door, asked=now, due=now, done=now))


async def finish(unit: Unit, id_: int, now: datetime) -> None:
    """An erasure has been carried out."""
    await unit.run(update(erasure).where(erasure.c.id == id_).values(done=now))


async def erase_address(unit: Unit, identity_id: int, now: datetime) -> int | None:
    """Forget one address with everything that was said there. Returns its person if that was their last address."""
    row = (await unit.run(select(identity).where(identity.c.id == identity_id))).first()
    if row is None:
        return None
    await erased.note_address(unit, row.door, row.external, now)
    await _forget_messages(unit, [(row.id, row.door, row.external)])
    for by_address in (notice_grant, tagged):
        await unit.run(delete(by_address).where(by_address.c.external == row.external))
    others = select(func.count()).select_from(identity)
    left = others.where(identity.c.person == row.person, identity.c.id != identity_id)
    if not (await unit.run(left)).scalar_one():
        return int(row.person)
    await unit.run(update(outbox).where(outbox.c.person == row.person, _by(row.door)).values(receipt=None))
    done = outbox_done.c.person == row.person
    await unit.run(update(outbox_done).where(done, outbox_done.c.account == row.door).values(receipt=None))
    await unit.run(update(fanout).where(replies_to([row.person])).values(words=None))
    await unit.run(delete(identity).where(identity.c.id == identity_id))
    return None


def _by(door: str) -> ColumnElement[bool]:
    return outbox.c.account == door


async def _forget_messages(unit: Unit, known: Sequence[tuple[int, str, str]]) -> None:
    for table in (inbox, letter):
        await unit.run(delete(table).where(rows_of(table, [], known)))


_ERASED = (
    subscription, membership, wrong_code, conversation, notice_grant, tagged, identity, takeaway, link_code, link_try,
    objection, step, skill, document, calendar, digest,
)  # fmt: skip


async def erase_person(unit: Unit, id_: int, now: datetime) -> None:
    """Everything of a person that the law lets us erase; what stays, stays of nobody (`FATES`)."""
    ids = await same(unit, id_)
    known = await addresses(unit, ids)
    await erased.note_people(unit, ids, now)
    await _forget_messages(unit, known)
    await withdraw(unit, ids, now)
    open_stars = and_(star.c.person.in_(ids), star.c.state.in_(("applied", "notice")))
    await unit.run(update(star).where(open_stars).values(state="refused", settled=now, reason="wish"))
    await unit.run(delete(link_offer).where(or_(link_offer.c.shower.in_(ids), link_offer.c.typer.in_(ids))))
    for table in _ERASED:
        await unit.run(delete(table).where(table.c.person.in_(ids)))
    await unit.run(delete(team_member).where(team_member.c.person.in_(ids)))
    await unit.run(update(team).where(team.c.leader.in_(ids)).values(name="", ended=now))
    await unit.run(delete(invitation).where(invitation.c.person.in_(ids)))
    await unit.run(update(invitation).where(invitation.c.inviter.in_(ids)).values(inviter=None))
    await unit.run(delete(guardian_code).where(guardian_code.c.child.in_(ids)))
    both = or_(guardianship.c.guardian.in_(ids), guardianship.c.child.in_(ids))
    await unit.run(delete(guardianship).where(both))
    await unit.run(delete(permission).where(permission.c.child.in_(ids)))
    await unit.run(update(permission).where(permission.c.guardian.in_(ids)).values(guardian=None))
    await unit.run(update(merge).where(or_(merge.c.kept.in_(ids), merge.c.gone.in_(ids))).values(before=None))
    await unit.run(update(enrolment).where(enrolment.c.person.in_(ids)).values(reason=None, answers=None, why=None))
    await unit.run(update(claim).where(claim.c.person.in_(ids)).values(what=None, photo=None, reason=None))
    await unit.run(update(evidence).where(evidence.c.person.in_(ids)).values(photo=None))
    await unit.run(update(evaluation).where(evaluation.c.person.in_(ids)).values(words=None))
    await unit.run(update(fanout).where(replies_to(ids)).values(words=None))
    for sent in (outbox, outbox_done):
        await unit.run(update(sent).where(sent.c.person.in_(ids)).values(receipt=None))
    about = select(matter.c.id).where(matter.c.person.in_(ids))
    said = or_(matter_word.c.person.in_(ids), matter_word.c.matter.in_(about))
    await unit.run(update(matter_word).where(said).values(words=None))
    # Nobody is left who asks, and nobody to be told.
    open_ones = and_(matter.c.person.in_(ids), matter.c.state != State.SETTLED)
    await unit.run(update(matter).where(open_ones).values(state=State.SETTLED, verdict="erased", settled=now))
    theirs = select(record.c.id).where(record.c.person.in_(ids))
    asked = or_(correction.c.person.in_(ids), correction.c.record.in_(theirs))
    await unit.run(update(correction).where(asked).values(words=None))
    await unit.run(update(verification).where(verification.c.person.in_(ids)).values(person=None))
    await clear_personal(unit, ids)
    for one in ids:
        # Whoever wrote the number down shall not find the hours by it.
        bare = {"number": new_number(), "language": None, "elder": False, "quiet_from": None, "quiet_until": None}
        await unit.run(update(person).where(person.c.id == one).values(**bare, district=None, seen=None, refuses=None))


async def unscrubbed(unit: Unit) -> list[int]:
    """Erasures that were carried out while the database's file may still hold their traces."""
    open_ones = select(erasure.c.id).where(
        erasure.c.undone.is_(None), erasure.c.scrubbed.is_(None), erasure.c.done.is_not(None)
    )
    return list((await unit.run(open_ones)).scalars())


async def scrub(database: Database, now: datetime) -> bool:
    """Leave no trace of erased rows in the database's own files; tried again at the next tick if somebody reads now.

    SQLite: VACUUM rewrites every page, and truncating the write-ahead log takes the old ones away. PostgreSQL gives
    the space of dead rows to new ones by itself; what its own files hold until then nobody reads without its disk.
    """
    async with database.read() as unit:
        waiting = await unscrubbed(unit)
    if not waiting or not await database.scrub():
        return False
    async with database.write() as unit:
        await unit.run(update(erasure).where(erasure.c.id.in_(waiting)).values(scrubbed=now))
    return True
