"""My other chat: a code shown in one and typed in the other, a yes from both, and then one person; a week to undo."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime

from bot.desk import counting
from bot.desk.enrolment import Enrolment
from bot.desk.subject import Subject
from bot.domain.attendance import TooManyTries
from bot.domain.enrolment import HELD, SEATED, Stand
from bot.domain.linking import (
    CODE_LASTS,
    OFFER_LASTS,
    TRIES,
    TRIES_WITHIN,
    Awaited,
    Both,
    Linked,
    NoSuchCode,
    OwnCode,
    Place,
    Side,
    Unlinked,
    better,
    meeting,
    new_code,
)
from bot.domain.privacy import UNDO
from storage import attendance, audit, enrolment, holdings, linking, people, privacy


class Linking(Subject):
    """Being one person in two chats."""

    async def show_code(self) -> str:
        """A fresh code to type in the other chat."""
        code = new_code()
        await linking.keep_code(self.unit, self.me.id, code, self.now, self.now + CODE_LASTS)
        return code

    async def look(self, code: str) -> Both | OwnCode | Awaited | NoSuchCode | TooManyTries:
        """Who shows this code, and what linking would bring together. A wrong one counts as a try."""
        tried = await linking.tries(self.unit, self.me.id, self.now - TRIES_WITHIN)
        if len(tried) >= TRIES:
            return TooManyTries(tried[-TRIES] + TRIES_WITHIN)
        other = await linking.shower(self.unit, code, self.now)
        if other == self.me.id:
            return OwnCode()
        if other is None:
            await linking.note_try(self.unit, self.me.id, self.now)
            awaited = await linking.awaits(self.unit, self.me.id, self.now)
            return Awaited() if awaited else NoSuchCode(TRIES - len(tried) - 1)
        return await self._both(other)

    async def offer(self, code: str) -> bool:
        """I typed the code and agree; the other chat is asked. False: the code has run out."""
        other = await linking.shower(self.unit, code, self.now)
        if other is None or other == self.me.id:
            return False
        await linking.offer(self.unit, other, self.me.id, code, self.now, self.now + OFFER_LASTS)
        return True

    async def waiting(self) -> Both | None:
        """The other chat has typed my code and agreed; it waits for my yes."""
        found = await linking.offered(self.unit, self.me.id, self.now)
        return await self._both(found[1], found[0]) if found else None

    async def refuse(self, offer: int) -> None:
        """I do not want to be linked."""
        await linking.drop_offer(self.unit, offer)

    async def _both(self, other: int, offer: int = 0) -> Both:
        shared = await linking.shared(self.unit, self.me.id, other)
        ahead = [one for one in shared if one.starts > self.now and all(place.stand in HELD for place in one.places)]
        shifts = tuple((one.title, one.english, one.starts) for one in ahead)
        known = await people.personal(self.unit, self.city.secrecy, [self.me.id, other])
        mine, theirs = (known.get(one, ("", ""))[0] for one in (self.me.id, other))
        here, there = self.called(mine), self.called(theirs, whole=False)
        sides = await self._side(self.me.id, here), await self._side(other, there)
        return Both(offer, *sides, shifts, two_names=bool(mine and theirs and mine != theirs))

    async def _side(self, id_: int, name: str) -> Side:
        who = await people.find(self.unit, id_)
        return Side(
            id_,
            who.number if who else "",
            name,
            tuple(door for _id, door, _there in await holdings.addresses(self.unit, [id_])),
            len(await enrolment.bookings(self.unit, id_, self.now)),
            (await attendance.total(self.unit, id_))[0],
            len(await people.subscriptions(self.unit, id_)),
        )

    async def agree(self, offer: int, theirs: bool) -> Linked | None:
        """I agree too: from now on we are one. `theirs`: the name and phone of the other chat stay.

        None: the offer is gone.
        """
        found = await linking.offered(self.unit, self.me.id, self.now)
        if found is None or found[0] != offer:
            return None
        kept, gone, until = self.me.id, found[1], self.now + UNDO
        await linking.lock(self.unit, [kept, gone])
        if await linking.offered(self.unit, kept, self.now) != found:
            return None
        await linking.drop_offer(self.unit, offer)
        shared = meeting(
            await linking.recorded(self.unit, kept), await linking.recorded(self.unit, gone), counting.NEXT_TO
        )
        number = await linking.begin(self.unit, kept, gone, self.me.door, self.now, until)
        before = {
            "places": await self._settle_places(kept, gone),
            "subscriptions": await linking.drop_doubled_subscriptions(self.unit, kept, gone),
            "filled": await linking.fill_in(self.unit, kept, gone),
            "personal": await self._choose_name(kept, gone, theirs),
            "moved": await linking.move(self.unit, kept, gone),
            "minutes": await self._count_once(kept, shared),
        }
        await linking.remember(self.unit, number, before)
        await self._log("link", kept, gone)
        return Linked(until)

    async def _settle_places(self, kept: int, gone: int) -> list[dict[str, object]]:
        """Of two sign-ups to one shift the better one stays; the other is given up, and its seat goes to the queue."""
        settled: list[dict[str, object]] = []
        for one in await linking.shared(self.unit, kept, gone):
            await enrolment.lock_shift(self.unit, one.shift)
            stays = better(*one.places)
            goes = next(place for place in one.places if place is not stays)
            owner = await people.find(self.unit, goes.person)
            if owner and one.starts > self.now and goes.stand in HELD:
                await Enrolment(self.unit, owner, self.now, self.city).leave(goes.id)
            if stays.person == gone:
                await linking.trade_places(self.unit, goes, stays, self.now)
            settled.append({"stays": asdict(stays), "goes": asdict(goes), "traded": stays.person == gone})
        return settled

    async def _choose_name(self, kept: int, gone: int, theirs: bool) -> list[str] | None:
        """Take over name and phone of the other chat where they were chosen, or where there are none here."""
        known = await people.personal(self.unit, self.city.secrecy, [kept, gone])
        mine, others = known.get(kept, ("", "")), known.get(gone, ("", ""))
        if not others[0] or (mine[0] and not theirs):
            return None
        await people.keep_personal(self.unit, self.city.secrecy, kept, others[0], others[1])
        return list(mine)

    async def _count_once(self, kept: int, shared: Iterable[datetime]) -> list[dict[str, object]]:
        """Around the days on which both have records: a minute that both had counted counts once, a day as much as a
        day can."""
        return [
            await linking.set_minutes(self.unit, row.id, one.minutes, asdict(one.why) if one.why else None)
            for at in shared
            for row, one in await counting.differing(self.unit, self.city, kept, at)
        ]

    async def undoable(self) -> bool:
        """Is there a link of mine that can be undone?"""
        return await linking.latest(self.unit, self.me.id, self.now) is not None

    async def undo(self) -> Unlinked | None:
        """Be two again: everything goes back to whom it was of; what came about since stays here."""
        row = await linking.latest(self.unit, self.me.id, self.now)
        if row is None:
            return None
        kept, gone = self.me.id, row.gone
        await linking.lock(self.unit, [kept, gone])
        before = linking.opened(self.unit, row)
        await linking.move_back(self.unit, kept, gone, before["moved"])
        waiting = 0
        for place in before["places"]:
            waiting += await self._sit_again(place)
        await linking.follow_sign_ups(self.unit, kept, gone)
        await linking.restore_subscriptions(self.unit, gone, before["subscriptions"], self.now)
        await linking.unfill(self.unit, kept, before["filled"])
        await linking.restore_minutes(self.unit, before["minutes"])
        await self._restore_name(kept, before["personal"])
        await linking.end(self.unit, row.id, gone, self.now)
        await self._log("unlink", kept, gone)
        return Unlinked(waiting)

    async def _sit_again(self, place: dict[str, object]) -> int:
        """The sign-up that was given up stands where it stood, or in the queue if its seat is taken. 1: it waits."""
        stays, goes = (Place(**place[side]) for side in ("stays", "goes"))  # type: ignore[arg-type]  # plain JSON
        if place["traded"]:
            back = Place(goes.id, stays.person, goes.stand, goes.queue)
            await linking.trade_places(
                self.unit, back, Place(stays.id, goes.person, stays.stand, stays.queue), self.now
            )
        if goes.stand not in HELD:
            return 0
        shift = await enrolment.shift_of(self.unit, goes.id)
        if shift is not None:
            await enrolment.lock_shift(self.unit, shift)
        stand = await linking.sit_again(self.unit, goes.id, self.now)
        if stand is not None:
            target = f"enrolment:{goes.id}"
            await audit.log(self.unit, self.now, self.me.id, "unlink", target, Stand.CANCELLED, stand)
        return int(stand == Stand.WAITING and goes.stand in SEATED)

    async def _restore_name(self, kept: int, personal: list[str] | None) -> None:
        if personal is None:
            return
        if personal[0]:
            await people.keep_personal(self.unit, self.city.secrecy, kept, personal[0], personal[1])
        else:
            await privacy.clear_name(self.unit, [kept])

    async def _log(self, deed: str, kept: int, gone: int) -> None:
        await audit.log(self.unit, self.now, kept, deed, f"person:{kept}", None, f"person:{gone}")
