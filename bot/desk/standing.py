"""Where a matter stands: the centres above who recorded, who is told of what, and what follows when it is settled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from bot.desk import counting
from bot.desk.city import City
from bot.desk.proofs import records_changed
from bot.domain.matters import About, Matter, Said, State, Step, next_level, overlap_holder
from bot.domain.records import Record
from bot.domain.roles import Post
from storage import attendance, audit, fanouts, matters, people
from storage.database import Unit
from storage.tables.delivery import Lane

WORTH_TELLING = timedelta(days=7)
"""How long a word about a matter is worth bringing where no address is open just now."""

Segment = Mapping[str, int]


async def above(unit: Unit, city: City, organisation: int, node: int | None, owner: int) -> int | None:
    """The level above: None where there is none. A centre whose only one is the owner of the minutes is passed by."""
    place = await matters.place_of(unit, organisation)
    if place is None or not city.places.knows(place):
        return city.places.city.code if node is None else None
    path = [place, *(one.code for one in city.places.ancestors(place))]
    return next_level(node, path, await matters.staffed(unit, path, owner))


def looked_after(posts: Iterable[Post], city: City) -> list[int]:
    """The places that these posts are the centre of, with all that lies in them."""
    nodes = [one.place for one in posts if one.organisation is None and one.place is not None]
    return [code for node in nodes if city.places.knows(node) for code in city.places.below(node)]


def due(city: City, record: Record, now: datetime) -> datetime:
    """When the clock ends that begins now."""
    return now + city.rules.named(record.rules).answer


def those_who_answer(about: Matter, node: int | None) -> Segment:
    """Who has to speak next; nobody about their own minutes."""
    whom = {"organisers": about.organisation} if node is None else {"centre": node}
    return {**whom, "but": about.person}


async def tell(
    unit: Unit, about: Matter, record: Record, word: int, what: str, whom: Segment, now: datetime, offset: int = 0
) -> None:
    """Say that something was said; each word is told once to each side."""
    await fanouts.plan(
        unit,
        kind="matter",
        source=word,
        offset=offset,
        lane=Lane.PERSONAL,
        segment=whom,
        not_before=now,
        expires=now + WORTH_TELLING,
        words={
            "what": what,
            "kind": about.kind,
            "rule": str(about.facts.get("rule", "")),
            "matter": str(about.id),
            "record": str(about.record),
            "title": record.title,
            "english": record.english,
            "day": record.starts.isoformat(),
        },
    )


async def go_on(
    unit: Unit, city: City, about: Matter, record: Record, step: Step, word: int, now: datetime
) -> None:
    """Write down where the matter stands from now on, and tell whoever must know."""
    node = about.node if step.stays else step.node
    await matters.move(unit, about, step.state, step.verdict, node, due(city, record, now), now)
    target = f"matter:{about.id}"
    await audit.log(unit, now, None, "matter", target, about.state, step.verdict or step.state)
    if step.state == State.OPEN:
        await tell(unit, about, record, word, "asked", those_who_answer(about, node), now)
        if about.kind == About.DISPUTE and node is not None:
            what = "asked again" if node == about.node else "up"
            await tell(unit, about, record, word, what, {"person": about.person}, now, offset=1)
    elif about.kind == About.DISPUTE and step.verdict != "corrected":  # a correction tells of itself
        what = "rejected" if step.state == State.ANSWERED else "settled"
        await tell(unit, about, record, word, what, {"person": about.person}, now, offset=1)


async def settle_overlap(unit: Unit, city: City, about: Matter, now: datetime, over: bool) -> str:
    """Settle an overlap if its words, or its clock, say whose the minutes are. Then both are counted again.

    Returns the verdict, nothing where it is not settled.
    """
    first = await attendance.one_record(unit, about.record)
    other = await attendance.one_record(unit, about.other or 0)
    assert first is not None
    assert other is not None
    said = {
        one.organisation: one.said
        for one in await matters.words(unit, about.id)
        if one.organisation is not None and one.said in (Said.OURS, Said.THEIRS)
    }
    holder = overlap_holder(first, other, said, over)
    if holder is None:
        return ""
    await people.lock(unit, about.person)
    verdict = "first" if holder == first.id else "other"
    word = await matters.say(unit, about, Said.ENDED, now)
    await matters.move(unit, about, State.SETTLED, verdict, about.node, now, now)
    await audit.log(unit, now, None, "matter", f"matter:{about.id}", about.state, verdict)
    changed = await counting.again(unit, city, about.person, first.starts, now)
    await records_changed(unit, about.person, changed, now, None)
    sides: tuple[Segment, ...] = (
        {"person": about.person}, {"organisers": first.organisation}, {"organisers": other.organisation}
    )  # fmt: skip
    for offset, side in enumerate(sides):
        await tell(unit, about, first, word, "shared", side, now, offset)
    return verdict
