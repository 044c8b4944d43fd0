"""Whatever is personal, wherever it is kept: sealed, in no log, figure, page or backup, and gone when erased."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import Column, LargeBinary, MetaData, String, Table, Text, insert, or_, select

from bot import logs
from bot.desk import parties as together
from bot.desk import privacy as ticks
from bot.desk.desk import Desk
from bot.domain.attendance import new_secret
from bot.domain.corrections import Values
from bot.domain.matters import Said
from bot.domain.parties import Ask, TeamKind
from bot.domain.people import Person
from bot.domain.proofs import Certificate, Issuer, Period
from bot.meters import Meters
from bot.pages.health import Health
from bot.pages.site import Site
from bot.readiness import figures
from bot.talk.view import Page
from storage import (
    admission,
    campaigns,
    claims,
    corrections,
    documents,
    erasing,
    evaluations,
    guardians,
    holdings,
    letters,
    linking,
    matters,
    parties,
    people,
    privacy,
    proofs,
    skills,
    takeaways,
)
from storage.database import Unit
from storage.secrecy import Secrecy
from storage.tables import metadata
from storage.tables.enrolment import enrolment
from storage.tables.kinds import Json
from storage.tables.people import identity
from storage.tables.skills import skill
from storage.takeaways import What
from tests.conversations.kit import BEIJING, SECRECY, Chat, Town
from tests.promises.rights import Who
from tests.promises.test_personal_data import files, hits, menkou, rows
from tests.promises.world import DAY, HOUR, NOON, STREET, built
from tests.system.serving import KEY

KEPT = {
    "name": "Quetzalcoatlus Webb",
    "phone": "13987650001",
    "answer to the organiser's question": "Aspergillosis since spring",
    "why somebody was let in": "Borborygmus was cured",
    "a claim's words": "Callipygian sweeping",
    "why a claim was declined": "Dandiprat was at home",
    "document number": "E40096123",
    "proof of a skill": "Floccinaucity certificate",
    "words about an activity": "Gongoozler was rude",
    "words of a dispute": "Honorificabilitude counted wrong",
    "words of a correction": "Ipsedixitism by mistake",
    "a child's guardian": "Jentacular Guardian",
    "a guardian's phone": "13987650002",
    "name on a certificate": "Kakorrhaphia Webb",
    "responsible for a certificate": "Logorrhoea Chief",
    "a letter of the page": "Mumpsimus wrote this",
    "what an undo needs": "Nudiustertian Webb",
    "what a campaign shows": "Omphaloskepsis.jpg",
}
"""Put in through the storage; sealed."""

SECRETS = {
    "guardian's code": "PQ7RW2XK",
    "code that links": "QX4MZ9TN",
    "code that passes a place on": "RT8KC3VB",
    "address of an export": "saxicolous-export",
    "address of an insurer's file": "tatterdemalion-file",
    "a picture's key": "ultracrepidarian-key",
}
"""Only a fingerprint of them is kept."""

SAID = "Velleity is my illness"
"""Typed by somebody whose script broke, and who was written to by a door that broke."""

TEAM = "Widdershins family"
"""What a leader called a team: in its row until it ends, and in no copy."""

CANARIES = (*KEPT.values(), *SECRETS.values(), SAID)

NAMELESS = {
    "a word out of a list of ours": """
        activity.kind activity.risk activity.state activity.counts_as agreement.conditions agreement.door
        agreement_text.version attendance.arrived_by attendance.left_by attendance.stood audit.door audit.deed
        audit.before audit.after brought.door campaign.standing campaign.timing certificate.state certificate.reason
        claim.state consent.purpose consent.version consent.door correction.state cover.kind cover.state document.kind
        enrolment.state enrolment.reason enrolment.ended_by erasure.door evidence.kind evidence.part evidence.band
        fanout.kind guardianship.version guardianship.door identity.door inbox.door invitation.kind invitation.state
        letter.who matter.kind matter.state matter.verdict matter_word.said membership.role merge.door
        notice_grant.template objection.reason organisation.type organisation.level organisation.state outbox.account
        outbox.route outbox_done.account outbox_done.route permission.state permission.door person.language
        quota.account quota.api record.grade record.state record.rules sender_slot.account shift.needs skill.code
        skill.state squad.skill star.rules star.state star.reason subscription.topic subscription.value team.kind
        terms.conditions token.name
        """,
    "numbers of rows and moments": """
        audit.target campaign.audience certificate.minutes correction.before correction.after fanout.segment
        matter.mark matter.facts record.why
        """,
    "a fingerprint or a chance number": """
        agreement_text.digest audit.seal audit.hash audit_head.hash audit_head.mac certificate.number claim.photo
        certificate.content erased.fingerprint evidence.photo evidence.nonce guardian_code.code invitation.code
        link_code.code person.number person.phone_index certificate.volunteer takeaway.token
        """,
    "an address or a message by the platform's own number; it names nobody": """
        brought.key identity.external inbox.external inbox.key letter.address letter.key notice_grant.external
        outbox.receipt outbox_done.receipt tagged.external
        """,
    "an activity or an organisation, as the city is shown it": """
        activity.title activity.english activity.about activity.address activity.words activity.questions
        agreement_text.text certificate.issuer certificate.issuer_english certificate.entries organisation.name
        organisation.english shift.role shift.role_english terms.insurance terms.risks
        """,
    "what was written for many, and what a second person said of that": "campaign.texts campaign.reason",
    "words of a notice: numbers, titles and moments (`bot.desk.telling`), or what was written for many": """
        fanout.words conversation.pushed conversation.pushed_before
        """,
    "why a platform or the program did not do it; never the text of a message": """
        fanout.reason inbox.error outbox.reason outbox_done.reason sender_slot.reason
        """,
    "the city's own accounts and processes": "scene.link scene.url sender_slot.owner token.value token.fetcher",
    "what a team is called and the word that lets others in: passed around by its members": "team.name team.code",
}
"""Every column of text that is not sealed, and why nobody is found in it."""


@dataclass
class City:
    """A town in which every canary is kept, and all that it said meanwhile."""

    town: Town
    owner: int
    folder: Path
    url: str
    log: io.StringIO
    said: dict[str, bytes] = field(default_factory=dict)

    async def places(self) -> dict[str, bytes]:
        """Everywhere that somebody without the key may look."""
        number = len(list(self.folder.glob("*.zip")))
        made = await asyncio.to_thread(menkou, self.url, self.folder, "backup", str(self.folder / f"city{number}.zip"))
        self.said["backup"] = made
        return {**files(self.folder), **await rows(self.town), "log": self.log.getvalue().encode(), **self.said}


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All logs at the most talkative level; logging is as it was afterwards."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level, logging.raiseExceptions)
    out = io.StringIO()
    logs.configure("debug", (KEY,), key=KEY, stream=out)
    yield out
    root.handlers[:], root.level, logging.raiseExceptions = before
    logging.captureWarnings(False)
    structlog.reset_defaults()


@pytest.fixture
async def city(town: Town, city_url: str, tmp_path: Path, log: io.StringIO) -> City:
    world = await built(town)
    async with town.database.write() as unit:
        await _planted(unit, world.people, world.things)
    return City(town, world.people[Who.OWNER], tmp_path, city_url, log)


async def _planted(unit: Unit, folk: Mapping[Who, int], things: Mapping[str, str]) -> None:
    """Every canary where it belongs."""
    owner, seat, span = folk[Who.OWNER], int(things["seat"]), (NOON - 2 * DAY, NOON - 2 * DAY + HOUR)
    await people.keep_personal(unit, SECRECY, owner, KEPT["name"], KEPT["phone"])
    await admission.keep_answers(unit, seat, [{"asked": "Ill?", "said": KEPT["answer to the organiser's question"]}])
    asking = select(enrolment.c.id).where(enrolment.c.person == owner, ~enrolment.c.admitted)
    let_in = (await unit.run(asking)).scalar_one()
    assert await admission.admit(unit, let_in, KEPT["why somebody was let in"], NOON)
    photo = SECRETS["a picture's key"]
    claimed = await claims.make(unit, int(things["absent"]), owner, *span, KEPT["a claim's words"], photo, NOON)
    refused = KEPT["why a claim was declined"]
    assert await claims.decide(unit, claimed, "declined", folk[Who.ORGANISER], refused, NOON)
    found = await claims.find(unit, claimed)
    assert found is not None
    assert found.reason == refused
    await documents.keep(unit, owner, seat, "passport", KEPT["document number"], NOON)
    ours = int(things["organisation"])
    await skills.propose(unit, owner, "sign", ours, {"document": KEPT["proof of a skill"]}, None, NOON)
    await evaluations.keep(unit, seat, owner, 2, KEPT["words about an activity"], NOON)
    dispute = await matters.one(unit, int(things["matter"]))
    assert dispute is not None
    await matters.say(unit, dispute, Said.OPENED, NOON, owner, words=KEPT["words of a dispute"])
    counted = Values(*span, 60)
    about, words = int(things["record"]), KEPT["words of a correction"]
    await corrections.keep(unit, about, owner, counted, counted, words, "refused", NOON, None)
    await _papers(unit, owner, ours, things)
    await _others(unit, folk, things)


async def _papers(unit: Unit, owner: int, ours: int, things: Mapping[str, str]) -> None:
    """What is issued, shown and sent."""
    named, chief = KEPT["name on a certificate"], KEPT["responsible for a certificate"]
    period = Period(NOON.date() - 30 * DAY, NOON.date())
    await proofs.keep(unit, Certificate(
        0, "CANARY0001", owner, things["number"], Issuer(ours, "绿芽", "", STREET, True), period, {"B": 120}, [], named,
        chief, NOON, "valid",
    ), new_secret().hex()[:16])  # fmt: skip
    drawn = b"\xff\xd8\xff" + KEPT["what a campaign shows"].encode()
    await campaigns.keep_picture(unit, int(things["sent"]), drawn, NOON)
    await takeaways.offer(unit, What.EXPORT, owner, [SECRETS["address of an export"]], NOON, DAY)
    insured = [SECRETS["address of an insurer's file"]]
    await takeaways.offer(unit, What.INSURED, owner, insured, NOON, DAY, of=int(things["coming"]))
    web_address = select(identity.c.external).where(identity.c.person == owner, identity.c.door == "web")
    address = (await unit.run(web_address)).scalar_one()
    await letters.append(unit, address, "canary", "me", {"text": KEPT["a letter of the page"]}, NOON)


async def _others(unit: Unit, folk: Mapping[Who, int], things: Mapping[str, str]) -> None:
    """Who belongs to the owner, and the codes by which somebody may come to belong."""
    owner, other = folk[Who.OWNER], folk[Who.OTHER]
    await people.keep_personal(unit, SECRECY, other, KEPT["a child's guardian"], KEPT["a guardian's phone"])
    await guardians.take(unit, other, owner, "web", NOON)
    await guardians.keep_code(unit, owner, SECRETS["guardian's code"], NOON, NOON + HOUR)
    await linking.keep_code(unit, owner, SECRETS["code that links"], NOON, NOON + HOUR)
    passed, coming = SECRETS["code that passes a place on"], int(things["seat"])
    shift = (await unit.run(select(enrolment.c.shift).where(enrolment.c.id == coming))).scalar_one()
    await parties.ask(
        unit, Ask.HANDOVER, shift, NOON, NOON + DAY, inviter=owner, enrolment_id=coming, held=True, code=passed
    )
    second = await people.meet(unit, "web", "the owner's other chat", "en", NOON)
    merged = await linking.begin(unit, owner, second.person.id, "web", NOON, NOON + 30 * DAY)
    await linking.remember(unit, merged, {"name": KEPT["what an undo needs"]})


# --- Faults -----------------------------------------------------------------------------------------------------------


async def _breaks(city: City) -> None:
    """A script, a door, a page and a database that break over somebody's words, each as it happens."""
    town = city.town
    ann = Chat(town, "web", "Ann")
    await ann.says("hello")
    await _script_breaks(town, ann)
    await _door_breaks(city, ann)
    written = figures(Meters(), town.database, town.now)
    city.said |= await _pages_break(written)
    assert b"# HELP menkou_" in city.said["/metrics"]


async def _script_breaks(town: Town, ann: Chat) -> None:
    scripts = town.turns.router.scripts
    sound = scripts["hours"]

    async def raises(talk: Any, desk: Any) -> None:
        raise ValueError(f"{SAID}, {KEPT['name']}")

    async def refused(talk: Any, desk: Any) -> None:
        twice = {"person": desk.me.id, "code": SAID, "organisation": None, "proof": b"", "state": "", "proposed": None}
        await desk.unit.run(insert(skill).values(**twice))

    for broken in (raises, refused):
        scripts["hours"] = replace(sound, run=broken)
        await ann.says("hours")
        assert "Something broke on our side" in ann.text
        assert not hits({"reply": ann.text.encode()}, CANARIES)
    scripts["hours"] = sound
    await town.turns.bury("web", "unread", SAID, "UnicodeDecodeError")


async def _door_breaks(city: City, ann: Chat) -> None:
    """A team's leader asks its members; the door of one breaks over the page, that of another takes it."""
    town = city.town
    said: list[str] = []

    async def raises(to: str, page: Page, key: str) -> Any:
        said.append(page.text)
        raise RuntimeError(f"{to}: {SAID}: {page.text}")

    async with town.database.write() as unit:
        desk = Desk(unit, Person(city.owner, "", "en"), town.at, town.city)
        team = await desk.parties.found(TEAM, TeamKind.FAMILY)
        member = await people.at_address(unit, "web", ann.name)
        assert member is not None
        await parties.enter(unit, team.id, member, town.at)
        joined = select(enrolment.c.id).where(enrolment.c.person == city.owner, enrolment.c.state == "joined")
        seat = (await unit.run(joined.order_by(enrolment.c.id))).scalars().first()
        assert seat is not None
        await desk.parties.invite(seat, team.id)
        assert (await desk.calendars.address()).endswith(".ics")
    town.mailboxes["web"].send = raises  # type: ignore[method-assign]
    await town.waits(seconds=5)
    assert any(TEAM in text for text in said), "its members read what it is called"


async def _pages_break(written: Any) -> dict[str, bytes]:
    """Addresses whose answers break over a value; what is shown of it, and what machines are told."""

    async def page(request: web.Request) -> web.Response:
        return web.Response(text=str({}[KEPT["name"]]))

    async def number(request: web.Request) -> web.Response:
        return web.Response(text=str(int(KEPT["document number"])))

    async def check() -> str:
        raise RuntimeError(SAID)

    app = web.Application()
    app.router.add_get("/page", page)
    app.router.add_get("/number", number)
    Site(BEIJING, "en").attach(app)
    Health({"database": check}, written).attach(app)
    found = {}
    async with TestClient(TestServer(app)) as client:
        for path in ("/page", "/number", "/nowhere", "/healthz", "/readyz", "/metrics"):
            for accept in ("text/html", "application/json"):
                answer = await client.get(path, headers={"Accept": accept})
                found[path] = found.get(path, b"") + await answer.read()
    assert b"Something went wrong on our side" in found["/page"]
    return found


# --- The promises -----------------------------------------------------------------------------------------------------


async def test_whatever_is_kept_and_whatever_breaks_no_canary_is_found(city: City) -> None:
    await _breaks(city)
    places = await city.places()
    assert len(re.findall(rb'"event": ?"turn broke"', places["log"])) == 2
    assert b"sender.door_raised" in places["log"]
    assert b"a page broke" in places["log"]
    assert hits(places, CANARIES) == []
    where = {place for place, _word in hits(places, (TEAM,)) if not place.startswith("city.db")}
    assert {place.split("/")[-1].split(".")[0] for place in where} == {"table team", "team"}
    # They are there: whoever has the key reads them.
    async with city.town.database.read() as unit:
        taken = json.dumps(await privacy.export(unit, city.owner), ensure_ascii=False)
        picture = await campaigns.picture(unit, 3)
    assert picture is not None
    others = {"a child's guardian", "a guardian's phone", "what an undo needs", "what a campaign shows"}
    assert [what for what, word in KEPT.items() if word not in taken and what not in others] == []


async def test_what_an_erasure_takes_is_found_nowhere_not_even_sealed(city: City, engine: str) -> None:
    await _breaks(city)
    town = city.town
    sealed = await _sealed(city)
    assert len(sealed) >= 15
    before = await rows(town)
    assert all(any(one in place for place in before.values()) for one in sealed)
    async with town.database.write() as unit:
        await erasing.mark(unit, city.owner, "web", town.at, town.at + 7 * DAY)
    town.at += 8 * DAY
    assert await ticks.tick(town.database, town.city, town.at) == 1
    places = await city.places()
    assert hits(places, (*CANARIES, TEAM)) == []
    looked = {place: found for place, found in places.items() if place.startswith(("table", "city.db"))}
    assert [place for place, found in looked.items() if any(one in found for one in sealed)] == []
    assert any(place.startswith("city.db") for place in looked) == (engine == "sqlite")


async def _sealed(city: City) -> list[bytes]:
    """The ciphertexts that are the owner's and that an erasure takes."""
    found: list[bytes] = []
    async with city.town.database.read() as unit:
        known = await holdings.addresses(unit, [city.owner])
        for table in holdings.holdings():
            columns = [column for column in table.columns if isinstance(column.type, LargeBinary)]
            if not columns or table.name in ("certificate", "activity"):
                continue  # as `erasing.FATES` has it, the one stays as issued and the other is the organisation's
            theirs = [column == city.owner for column in holdings.owners(table)]
            for name in {"external", "address"} & set(table.columns.keys()):
                theirs.append(table.c[name].in_([external for _id, _door, external in known]))
            if table.name == "person":
                theirs = [table.c.id == city.owner]
            for row in await unit.run(select(*columns).where(or_(*theirs))):
                found += [value for value in row if value]
    return found


# --- Controls ---------------------------------------------------------------------------------------------------------


async def test_without_seals_and_fingerprints_the_same_scan_finds_every_one(
    town: Town, tmp_path: Path, city_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bare(_self: Secrecy, plain: str | bytes, _row: str) -> bytes:
        return plain.encode() if isinstance(plain, str) else plain

    monkeypatch.setattr(Secrecy, "seal", bare)
    monkeypatch.setattr(Secrecy, "open_bytes", lambda _self, sealed, _row: sealed)
    monkeypatch.setattr(Secrecy, "index", lambda _self, plain: plain.partition(":")[2][-32:] or plain[-32:])
    world = await built(town)
    async with town.database.write() as unit:
        await _planted(unit, world.people, world.things)
    places = {**files(tmp_path), **await rows(town)}
    found = {word for _place, word in hits(places, CANARIES)}
    assert set(CANARIES) - found == {SAID}


async def test_a_log_or_a_notice_that_tells_more_is_found(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    tell = together.tell

    async def copies(*what: Any, **words: str) -> int | None:
        return await tell(*what, team=TEAM, **words)

    monkeypatch.setattr(together, "tell", copies)
    monkeypatch.setattr("bot.turn.place_of", str)
    ann = Chat(city.town, "web", "Ann")
    await ann.says("hello")
    await _script_breaks(city.town, ann)
    await _door_breaks(city, ann)
    places = {**await rows(city.town), "log": city.log.getvalue().encode()}
    assert {place for place, _word in hits(places, CANARIES)} == {"log", "table inbox"}
    assert {place for place, _word in hits(places, (TEAM,))} == {"table team", "table fanout"}


# --- The schema -------------------------------------------------------------------------------------------------------


def unsaid(tables: MetaData) -> set[str]:
    """Columns of text that are not sealed and of which nobody has said why."""
    told = {one for names in NAMELESS.values() for one in names.split()}
    return {
        f"{table.name}.{column.name}"
        for table in tables.sorted_tables
        for column in table.columns
        if isinstance(column.type, String | Text | Json)
    } - told


def test_every_column_of_text_is_sealed_or_nobody_is_found_in_it_for_a_reason() -> None:
    assert unsaid(metadata) == set(), "seal the new column, or say why nobody is found in it"
    told = [one for names in NAMELESS.values() for one in names.split()]
    assert len(told) == len(set(told))
    there = {f"{table.name}.{column.name}" for table in metadata.sorted_tables for column in table.columns}
    assert set(told) <= there


@pytest.mark.parametrize("kind", [String(40), Text(), Json()])
def test_a_new_column_of_text_is_asked_about(kind: Any) -> None:
    """The control."""
    tables = MetaData()
    Table("person", tables, Column("name", LargeBinary), Column("number", String(16)), Column("mother", kind))
    assert unsaid(tables) == {"person.mother"}
