"""Consents to WeChat's notices: counted up by what people tap, down by what is sent, one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, or_, select, update

from storage import people
from storage.database import Unit
from storage.shared import looked_up
from storage.tables.grants import notice_grant

_GIVEN = select(notice_grant.c.external, notice_grant.c.template, notice_grant.c.left, notice_grant.c.declined)
_GIVEN_BY_ONE = looked_up(_GIVEN.where(notice_grant.c.external == bindparam("external")))


async def of(unit: Unit, externals: Collection[str]) -> dict[str, tuple[dict[str, int], frozenset[str]]]:
    """By address: messages still allowed by template, and the templates that they want nothing of."""
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    declined: defaultdict[str, set[str]] = defaultdict(set)
    if len(externals) == 1:  # of somebody who is asking just now
        given = await unit.run(_GIVEN_BY_ONE, {"external": next(iter(externals))})
    else:
        given = await unit.run(_GIVEN.where(notice_grant.c.external.in_(sorted(externals))))
    for row in given:
        found[row.external][row.template] = row.left
        if row.declined:
            declined[row.external].add(row.template)
    return {external: (templates, frozenset(declined[external])) for external, templates in found.items()}


async def hear(
    unit: Unit, external: str, template: str, accepted: bool, at: datetime, *, once: bool, door: str = "wechat"
) -> bool:
    """Somebody answered the popup (`once`), or switched a kind of notice on or off. False: unknown, or told twice.

    `at` is the platform's moment: an answer that is told again, or that a later one has overtaken, counts nothing. Of
    an event WeChat gives person and second and nothing else to know it again by (its page on passive replies): should
    two sheets be opened and confirmed within one second, they count as one. That is the safe side: with a consent too
    few a message takes another way, with one too many it is refused.
    """
    person = await people.at_address(unit, door, external)
    if person is None:
        return False
    row = unit.insert(notice_grant).values(person=person, external=external, template=template)
    await unit.run(row.on_conflict_do_nothing(index_elements=["external", "template"]))
    values = {"heard": at, "declined": not accepted and not once}
    if accepted and once:
        values["left"] = notice_grant.c.left + 1
    elif not accepted and not once:
        values["left"] = 0
    heard = await unit.run(
        update(notice_grant)
        .where(
            notice_grant.c.external == external,
            notice_grant.c.template == template,
            or_(notice_grant.c.heard.is_(None), notice_grant.c.heard < at),
        )
        .values(values)
    )
    return bool(heard.rowcount)


async def spend(unit: Unit, used: Iterable[tuple[str, str]]) -> None:
    """Use one consent of each (address, template), in the transaction of the write-ahead."""
    for external, template in used:
        await _change(unit, external, template, left=notice_grant.c.left - 1)


async def give_back(unit: Unit, external: str, template: str, claimed: ColumnElement[bool]) -> None:
    """Nothing was sent with it after all; only the sender whose claim still stands may say so."""
    here = (notice_grant.c.external == external, notice_grant.c.template == template, claimed)
    await unit.run(update(notice_grant).where(*here).values(left=notice_grant.c.left + 1))


async def refuse(unit: Unit, person: int, external: str, template: str, *, consented: bool) -> None:
    """The platform says that they refuse: no consent is left, or a template is not wanted at all."""
    row = unit.insert(notice_grant).values(person=person, external=external, template=template)
    await unit.run(row.on_conflict_do_nothing(index_elements=["external", "template"]))
    await _change(unit, external, template, **({"left": 0} if consented else {"declined": True}))


async def _change(unit: Unit, external: str, template: str, **values: object) -> None:
    here = (notice_grant.c.external == external, notice_grant.c.template == template)
    await unit.run(update(notice_grant).where(*here).values(values))
