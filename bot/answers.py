"""What pages ask of the city: facts for a wall or a roll, a certificate's sheet, a chart, a feed, an export."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.desk import calendars, campaign_pages, documents, figures, privacy
from bot.desk.city import City
from bot.desk.posters import posted
from bot.desk.proofs import checked, printed, registered
from bot.desk.records import charted
from bot.desk.rolls import RollPage, roll_of, take_ticks
from bot.desk.walls import wall
from bot.domain.activities import Activity
from bot.domain.calendars import Feed
from bot.domain.campaigns import Standing
from bot.domain.figures import Figures
from bot.domain.mycode import own_code_fits
from bot.domain.posters import times, typed
from bot.domain.proofs import Checked
from bot.domain.roll import Outcome, Tick
from bot.pages.campaign import CampaignFacts
from bot.pages.poster import Kind
from bot.pages.roll import Line, RollFacts
from bot.pages.wall import WallFacts
from bot.papers import calendar as calendar_paper
from bot.papers import certificate, months, takeaway
from bot.papers import poster as poster_paper
from bot.papers.register import register as register_table
from bot.talk.incoming import Intent
from bot.talk.wording import LANGUAGES, Named, Wording, Words
from handlers.cards import address, kind_name, organiser, title
from handlers.mailings import in_either
from handlers.poster import account, asked, hours
from handlers.reports import SHEET, STANDINGS, because, held, in_rows
from handlers.reports import why as rests_because
from storage import people
from storage.database import Database, is_away

DRAWN_AT_ONCE = 2
"""Papers that threads draw beside each other: each takes a core for a tenth of a second and 45 MB."""

LastingCode = Callable[[int, datetime], Awaitable[str | None]]
"""An activity and a moment in; what an official account's code of it holds that is good until then, or None."""


async def no_account(_activity: int, _until: datetime) -> str | None:
    """A city without an official account."""
    return None


class Answers:
    """One question a method; None wherever the page must not tell "not there" from "not yours"."""

    def __init__(
        self, database: Database, city: City, clock: Callable[[], datetime], code: LastingCode = no_account
    ) -> None:
        self._database = database
        self._city = city
        self._clock = clock
        self._code = code
        self._drawing = asyncio.Semaphore(DRAWN_AT_ONCE)
        self._counting: asyncio.Task[None] | None = None

    async def reader(self, address: str, hint: str | None, door: str = "web") -> Wording:
        """How somebody at an address reads; by their browser's hint before they have written."""
        known = await self._database.look(lambda unit: people.habits(unit, door, address))
        language, elder = known or ("", False)
        wished = language or (hint if hint in LANGUAGES else "") or self._city.language
        return Wording(wished, self._city.zone, elder)

    async def export(self, token: str) -> dict[str, Any] | None:
        """Everything of the person to whom the address of an export was given, once."""
        return await privacy.exported(self._database, self._city, token, self._clock())

    async def register(self, organisation: int, number: str, key: str) -> bytes | None:
        """An issuer's register of certificates for whoever holds its signed address."""
        listed = await registered(self._database, self._city, organisation, number, key)
        if listed is None:
            return None
        async with self._drawing:
            return await asyncio.to_thread(register_table, listed, self._city.zone)

    async def insured(self, token: str) -> bytes | None:
        """An insurer's list behind its address, once."""
        listed = await documents.insured(self._database, self._city, token, self._clock())
        if listed is None:
            return None
        rows = [(one.volunteer, one.name, one.kind, one.number) for one in listed]
        whole = [("insured", [("volunteer", "name", "document", "number"), *rows])]
        async with self._drawing:
            return await asyncio.to_thread(takeaway.book_of, whole)

    async def table(self, taken: dict[str, Any]) -> bytes:
        """An export as a table, made beside the event loop."""
        async with self._drawing:
            return await asyncio.to_thread(takeaway.workbook, taken)

    async def figures(self) -> Figures | None:
        """The public figures as they were last counted. Before the first tick they are counted once for all who ask,
        whoever of them goes away meanwhile; None: there are none yet, and the database is away."""
        if self._city.board.figures is None:
            if self._counting is None or self._counting.done():
                self._counting = asyncio.create_task(self._count_figures(), name="first figures")
            await asyncio.shield(self._counting)
        return self._city.board.figures

    async def _count_figures(self) -> None:
        try:
            await figures.count(self._database, self._city, self._clock())
        except Exception as error:
            if not is_away(error):
                raise

    async def wall(self, activity: int, key: str) -> WallFacts | None:
        """What an activity's wall shows."""
        found = await wall(self._database, self._city, activity, key, self._clock())
        if found is None:
            return None
        card, code = found.activity, found.code
        link = Intent("checkin", (str(activity), code.token)).link
        return WallFacts(
            title=Named(card.title, card.english),
            starts=card.starts,
            ends=card.ends,
            code=code.digits,
            qr=self._opened(link),
            seconds_left=code.seconds_left,
            arrived=found.arrived,
            registered=found.registered,
        )

    async def campaign(self, number: int, key: str) -> CampaignFacts | None:
        """How far a campaign is."""
        found = await campaign_pages.page_of(self._database, self._city, number, key)
        if found is None:
            return None
        one = found.campaign
        return CampaignFacts(
            title=in_either(one.texts[0]),
            standing=STANDINGS[one.standing],
            why=rests_because(one),
            over=one.standing in (Standing.STOPPED, Standing.DONE),
            share=found.share,
            people=found.people,
            sent=found.sent,
            waiting=found.waiting,
            failed=found.failed,
            uncertain=found.uncertain,
            spared=found.spared,
            delays=[(because(why), count) for why, count in held(found)],
            refusals=[(because(why), count) for why, count in found.refusals],
            omissions=[(because(why), count) for why, count in found.omissions],
            perhaps=[name or "—" for name in found.perhaps],
            unnamed=found.unnamed,
            joined=found.joined if one.activity else None,
            next=found.next,
        )

    async def campaign_list(self, token: str) -> bytes | None:
        """The list of a campaign's messages behind its address, once; in the language of whoever asked for it."""
        found = await campaign_pages.listed(self._database, self._city, token, self._clock())
        if found is None:
            return None
        language, listed = found
        wording = Wording(language or self._city.language, self._city.zone)
        rows = [[wording(word) for word in row] for row in in_rows(listed, self._city.zone)]
        async with self._drawing:
            return await asyncio.to_thread(takeaway.book_of, [(wording(SHEET), rows)])

    async def campaign_picture(self, number: int, key: str) -> bytes | None:
        """The picture of a campaign's messages."""
        return await campaign_pages.picture_of(self._database, self._city, number, key)

    async def roll(self, activity: int, number: str, key: str) -> RollFacts | None:
        """What a leader's page shows."""
        found = await roll_of(self._database, self._city, activity, number, key, self._clock())
        return self._roll_facts(found) if found else None

    async def take_roll(
        self, activity: int, number: str, key: str, ticks: Callable[[datetime], Sequence[Tick]]
    ) -> tuple[Mapping[str, Outcome], RollFacts] | None:
        """Write down what a leader's page sends."""
        now = self._clock()
        taken = await take_ticks(self._database, self._city, activity, number, key, now, ticks(now))
        return (taken[0], self._roll_facts(taken[1])) if taken else None

    def _roll_facts(self, found: RollPage) -> RollFacts:
        card, leader = found.activity, found.leader
        lines = [
            Line(one.enrolment, one.number, found.names.get(one.person, ""), *one.shown, one.person == leader.id)
            for one in found.lines
        ]
        wording = Wording(leader.language or self._city.language, self._city.zone, leader.elder)
        return RollFacts(Named(card.title, card.english), card.starts, card.ends, lines, self._clock(), wording)

    async def own_link(self, number: str, token: str) -> str | None:
        """What the QR of a person's own code holds out, while it is good."""
        if not own_code_fits(self._city.secrecy.signature, number, token, self._clock()):
            return None
        return self._opened(Intent("present", (number, token)).link)

    async def check(self, number: str, name: str) -> Checked:
        """What the public page tells of a certificate."""
        return await checked(self._database, number, name, self._clock())

    async def chart(self, number: str, language: str, total: int, key: str) -> bytes | None:
        """The picture of somebody's hours by month for whoever holds its signed address."""
        now = self._clock()
        found = await charted(self._database, self._city, number, language, total, key, now)
        if found is None:
            return None
        today = now.astimezone(self._city.zone).date()
        async with self._drawing:
            return await asyncio.to_thread(months.draw, found, today, Wording(language, self._city.zone))

    async def feed(self, number: str, key: str) -> bytes | None:
        """Somebody's own sign-ups for their calendar, by the address that they were told."""
        return await self._calendar(await calendars.feed(self._database, self._city, number, key, self._clock()))

    async def activity_entry(self, activity: int, key: str) -> bytes | None:
        """One activity for a calendar, by its signed address."""
        return await self._calendar(await calendars.activity_entry(self._database, self._city, activity, key))

    async def _calendar(self, found: Feed | None) -> bytes | None:
        if found is None:
            return None
        wording = Wording(found.language or self._city.language, self._city.zone)
        async with self._drawing:
            return await asyncio.to_thread(calendar_paper.write, found, wording)

    async def paper(self, number: str, key: str, kind: str) -> bytes | None:
        """A certificate's sheet for whoever holds its signed address, drawn beside the event loop."""
        found = await printed(self._database, self._city, number, key)
        if found is None:
            return None
        chinese, english = (Wording(language, self._city.zone) for language in LANGUAGES)
        async with self._drawing:
            return await asyncio.to_thread(certificate.draw, found, chinese, english, "png" if kind == "png" else "pdf")

    async def poster(self, activity: int, key: str, kind: Kind) -> bytes | None:
        """An activity's poster for whoever holds its signed address, drawn as the activity is now."""
        card = await posted(self._database, self._city, activity, key, self._clock())
        if card is None:
            return None
        sheet = await self._poster(card)
        chinese, english = (Wording(language, self._city.zone) for language in LANGUAGES)
        async with self._drawing:
            return await asyncio.to_thread(poster_paper.draw, sheet, chinese, english, kind)

    async def _poster(self, card: Activity) -> poster_paper.Poster:
        now, doors = self._clock(), self._city.doors
        link = Intent("activity", (str(card.id),)).link
        # WeChat's own code first: it is the app that the neighbours have, and it opens the chat itself.
        of_wechat = await self._code(card.id, times(card, now)[-1][0])
        named, is_there = self._city.account, "wechat" in self._city.means.rates
        chats: list[Words] = [account(named)] if named or is_there else []
        chats += [doors["telegram"].partition("?")[0].removeprefix("https://")] if "telegram" in doors else []
        return poster_paper.Poster(
            kind=kind_name(card.kind),
            title=title(card),
            times=hours(card, now),
            where=address(self._city.place(card.street or card.district), card.address),
            organiser=organiser(card),
            asks=asked(card, now),
            typed=typed(card.id),
            chats=chats,
            address=doors["web"].format(link=link) if "web" in doors else "",
            code=of_wechat or (self._opened(link) if doors else ""),
            for_wechat=bool(of_wechat),
        )

    def _opened(self, link: str) -> str:
        """Where a phone's camera goes: the chat that needs no account first."""
        doors = self._city.doors
        return (doors.get("web") or doors.get("telegram") or "{link}").format(link=link)
