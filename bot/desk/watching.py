"""What happens by itself in the ledger: clocks that run out, minutes that two organisations recorded, what is odd."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bot.desk import counting, standing
from bot.desk.city import City
from bot.domain.anomalies import Crowd, Odd, Presence, of_activity, of_presence
from bot.domain.evidence import standing as standing_evidence
from bot.domain.matters import About, Said, State, Step, step, when_due
from bot.domain.records import Interval, holds, overlap, spent
from storage import attendance, audit, evidence, linking, matters, people
from storage.database import Database, Unit

LEFT_ALONE = timedelta(minutes=10)
"""A check-out can be undone for so long, and its record with it."""


AT_ONCE = 20
"""Records that one transaction looks at: on SQLite everybody else waits for it."""


async def tick(database: Database, city: City, now: datetime) -> None:
    """Look over what is new and move on what is overdue; replicas take different rows, and doing it twice does
    nothing."""
    async with database.write() as unit:
        await run_out(unit, city, now)
    looked = AT_ONCE
    while looked == AT_ONCE:
        async with database.write() as unit:
            looked = await look_over(unit, city, now)


async def run_out(unit: Unit, city: City, now: datetime) -> int:
    """Matters whose clock has run out go on by themselves. Returns how many."""
    late = await matters.overdue(unit, now)
    for about in late:
        if about.kind == About.OVERLAP:
            await standing.settle_overlap(unit, city, about, now, over=True)
            continue
        record = await attendance.one_record(unit, about.record)
        assert record is not None
        above = await standing.above(unit, city, about.organisation, about.node, about.person)
        said = when_due(about, above)
        after = Step(State.SETTLED, "rejected") if said == Said.ENDED else step(about, said, above)
        word = await matters.say(unit, about, said, now)
        await standing.go_on(unit, city, about, record, after, word, now)
    return len(late)


async def look_over(unit: Unit, city: City, now: datetime) -> int:
    """Look at records that are new: shared minutes are asked about, what is odd is shown to the centre above. Returns
    how many records were looked at."""
    rows = await attendance.fresh(unit, now - LEFT_ALONE, AT_ONCE)
    for row in rows:
        await _ask_about_shared(unit, city, row, now)
        for odd in await _odd(unit, city, row):
            await _review(unit, city, row, odd, now)
    if rows:
        await attendance.looked_at(unit, [row.id for row in rows])
    return len(rows)


async def _ask_about_shared(unit: Unit, city: City, row: Any, now: datetime) -> None:
    """Two organisations recorded the same minutes: one question to both; the volunteer sees it."""
    if not holds(row.training, row.why):
        return
    for other in await attendance.overlapping(unit, row):
        shared: Interval | None = overlap((row.starts, row.ends), (other.starts, other.ends))
        if shared is None or not holds(other.training, other.why):
            continue
        first, second = sorted((row, other), key=lambda one: one.id)
        until = now + city.rules.named(row.rules).answer
        number = await matters.open_one(
            unit, About.OVERLAP, f"overlap:{first.id}:{second.id}", first.id, row.person, first.organisation, None,
            now, until, other=second.id, facts={"from": shared[0].isoformat(), "to": shared[1].isoformat()},
        )  # fmt: skip
        about = await matters.one(unit, number) if number else None
        record = await attendance.one_record(unit, first.id)
        if about is None or record is None:
            continue
        word = await matters.say(unit, about, Said.OPENED, now)
        await audit.log(unit, now, None, "overlap", f"record:{first.id}", None, f"matter:{about.id}")
        sides: tuple[standing.Segment, ...] = (
            {"organisers": first.organisation}, {"organisers": second.organisation}, {"person": row.person}
        )  # fmt: skip
        for offset, side in enumerate(sides):
            await standing.tell(unit, about, record, word, "overlap", side, now, offset)


async def _odd(unit: Unit, city: City, row: Any) -> list[Odd]:
    rules = city.rules.named(row.rules)
    day = counting.day_in(city)(row.starts)
    start = row.starts.astimezone(city.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    others = await attendance.near(unit, row.person, start, start + timedelta(days=1))
    # What was spent, not what counts: a day's cap would hide how long it was.
    that_day = spent((one.starts, one.ends) for one in others if holds(one.training, one.why))
    has_post = any(post.organisation == row.organisation for post in await people.posts(unit, row.person))
    pieces = await evidence.of_record(unit, row.id, row.person) if has_post or row.grade == "D" else []
    presence = Presence(
        row.id, row.person, row.activity, row.arrived, row.left or row.arrived, row.shift_starts, row.shift_ends,
        day.isoformat(), that_day, has_post, any(one.speaks_for_the_organisation(row.person) for one in pieces),
        sampled=any(one.sampled for one in standing_evidence(pieces)),
    )  # fmt: skip
    crowd = Crowd(
        row.activity,
        await attendance.arrivals_by_code(unit, row.activity),
        await attendance.most_with_one_phone(unit, row.activity),
        await evidence.own_codes_read(unit, row.activity),
        await linking.once_one(unit, row.activity),
    )
    return of_presence(presence, rules) + of_activity(crowd, rules)


async def _review(unit: Unit, city: City, row: Any, odd: Odd, now: datetime) -> None:
    """Somebody of the centre above looks; nothing is taken from anybody by a machine."""
    node = await standing.above(unit, city, row.organisation, None, row.person)
    facts = {"rule": odd.rule, "found": odd.found, "limit": odd.limit}
    until = now + city.rules.named(row.rules).answer
    number = await matters.open_one(
        unit, About.REVIEW, odd.mark, row.id, row.person, row.organisation, node, now, until, facts=facts
    )
    about = await matters.one(unit, number) if number else None
    record = await attendance.one_record(unit, row.id)
    if about is None or record is None:
        return
    word = await matters.say(unit, about, Said.OPENED, now)
    await audit.log(unit, now, None, "review", f"record:{row.id}", None, f"matter:{about.id}")
    await standing.tell(unit, about, record, word, "asked", standing.those_who_answer(about, node), now)
