"""Everything wired together: one city, its doors, its pages, its ticks. Only what the commands do begins here."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog
from aiohttp import web as aiohttp_web
from pydantic import SecretStr

from bot import meters, readiness, server
from bot.account import Account
from bot.channels import web
from bot.channels.photos import Fetch, Seeing
from bot.channels.telegram.numbers import TELEGRAM
from bot.channels.terminal import TERMINAL
from bot.channels.web import WEB, Entrance, WebDoor
from bot.channels.wechat import WECHAT, Envelope, Reader, WeChatApi, WeChatDoor, WeChatWebhook
from bot.channels.wechat.extras import Extras
from bot.clock import Ticks
from bot.delivery.decisions import City as Speaking
from bot.delivery.pace import Times, pace_of
from bot.delivery.planner import Planner
from bot.delivery.sender import Sender
from bot.desk import (
    calendars,
    campaigns,
    covers,
    digests,
    documents,
    offers,
    parties,
    privacy,
    skills,
    squads,
    stars,
    watching,
)
from bot.desk.city import City
from bot.desk.proofs import checked, printed, registered
from bot.desk.records import charted, close_shifts
from bot.desk.rolls import RollPage, roll_of, take_ticks
from bot.desk.walls import wall
from bot.domain.calendars import Feed
from bot.domain.campaigns import Standing
from bot.domain.mycode import own_code_fits
from bot.domain.proofs import Checked
from bot.domain.roll import Outcome, Tick
from bot.letterbox import Letters
from bot.means import means
from bot.pages import calendar as calendar_page
from bot.pages import campaign as campaign_page
from bot.pages import chat as chat_page
from bot.pages import demo as demo_bar
from bot.pages import grant as grant_page
from bot.pages import months as months_page
from bot.pages import mycode as mycode_page
from bot.pages import mydata as mydata_page
from bot.pages import proof as proof_page
from bot.pages import roll as roll_page
from bot.pages import wall as wall_page
from bot.pages.campaign import CampaignFacts
from bot.pages.demo import Demonstration
from bot.pages.health import Health
from bot.pages.roll import Line, RollFacts
from bot.pages.site import Site
from bot.pages.wall import WallFacts
from bot.papers import calendar as calendar_paper
from bot.papers import certificate, months, takeaway
from bot.papers.mailing import mailing_list
from bot.papers.register import register as register_table
from bot.settings import FOLDER, NotPossible, Settings
from bot.talk.capabilities import Capabilities
from bot.talk.door import Door
from bot.talk.incoming import Intent
from bot.talk.router import Router
from bot.talk.wording import LANGUAGES, Named, Wording
from bot.turn import Turns
from handlers.arrivals import first_words
from handlers.forms import fields
from handlers.mailings import in_either
from handlers.notices import word
from handlers.scripts import COMMANDS, SCRIPTS
from handlers.sending import STANDINGS, because
from storage import audit, erased, migrate, people, seals
from storage.database import Database
from storage.secrecy import Secrecy
from storage.tokens import KeptToken

log = structlog.get_logger("menkou.app")

CLOSE_EVERY = 60.0
"""Seconds between looks for shifts that ended two hours ago."""

LAPSE_EVERY = 15.0
"""Seconds between looks for offers of a seat that ran out."""

CAMPAIGNS_EVERY = 1.0
"""Seconds between looks for messages of campaigns whose time has come."""

LETTERS_EVERY = 30.0
"""Seconds between looks for weekly letters and for proofs that run out."""

ERASE_EVERY = 600.0
"""Seconds between looks for erasures whose week is over."""

WATCH_EVERY = 60.0
"""Seconds between looks at new records, and for questions whose clock has run out."""

CHAIN_EVERY = 5.0
"""Seconds between looks for moves that are not chained yet; until then each has its own seal."""

ASK_QUOTAS_EVERY = 3600.0
"""Seconds between questions for WeChat's quotas of a day: nine calls of the thousand that it allows."""

KEEP_MASSES_EVERY = 30.0
"""Seconds between steps of mass messages: what they are for has waited for the rest of its campaign."""

FORGET_EVERY = 3600.0
"""Seconds between looks for what has outlived its use."""

DRAWN_AT_ONCE = 2
"""Papers that threads draw beside each other: each takes a core for a tenth of a second and 45 MB."""

STOP = 14.0
"""Seconds for an orderly stop, of the fifteen that service managers commonly give."""

NAME = Named("门口", "Menkou")

CAPABILITIES: dict[str, Capabilities] = {"telegram": TELEGRAM, "wechat": WECHAT, "web": WEB, "terminal": TERMINAL}

Clock = Callable[[], datetime]


def wall_clock() -> datetime:
    """The machine's time, in UTC."""
    return datetime.now(UTC)


def revealed(secret: SecretStr | None) -> str:
    """A secret's text, empty where there is none."""
    return secret.get_secret_value() if secret else ""


class App:
    """One process of Menkou: answers, ticks and sends from `start` to `stop`."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock = wall_clock,
        persona: Callable[[str], str | None] | None = None,
    ) -> None:
        """`persona` is given in the demonstration city only: names to the addresses of people whom one can be."""
        self.settings = settings
        self.clock = clock
        self.persona = persona
        secrecy = Secrecy(settings.key)
        self.database = Database(settings.database_url, secrecy)
        self.meters = meters.Meters([one.name for one in SCRIPTS])
        self.shared: dict[str, str] = {}
        self.city = City(
            settings.zone, secrecy, settings.address, settings.locale, settings.quiet, self.shared, means(settings)
        )
        self.turns = Turns(
            self.database, Router(SCRIPTS), self.city, CAPABILITIES, clock, self.meters.turned, first_words
        )
        self.pictures: dict[str, Fetch] = {}
        self.seeing = Seeing(
            self.turns, self.pictures, settings.address, [one.name for one in SCRIPTS], self.turns.wants_picture
        )
        self.meters.watch_inbox(lambda: self.turns.in_flight, lambda: self.turns.oldest)
        self.times = Times(clock)
        self.site = Site(settings.zone, settings.locale, NAME)
        self.doors: dict[str, Door] = {}
        self.senders: list[Sender] = []
        self.account: Account | None = None
        self.ticks: Ticks | None = None
        self._drawing = asyncio.Semaphore(DRAWN_AT_ONCE)
        self._running: list[asyncio.Task[None]] = []
        self._stops: list[Callable[[], Awaitable[object]]] = []

    # --- Doors ---------------------------------------------------------------------------------------------------

    def open_web(self) -> WebDoor:
        """The web chat."""
        door = WebDoor(Letters(self.database), self.clock)
        self.doors[door.name] = door
        self.shared[door.name] = f"{self.settings.address}/chat?go={{link}}"
        return door

    def open_wechat(self) -> list[aiohttp_web.RouteDef]:
        """The official account: its address, and the pages that WeChat opens."""
        settings, api = self.settings, wechat_api(self.settings, self.database, self.clock)
        self.pictures["wechat"] = api.picture
        self.doors["wechat"] = WeChatDoor(api, settings.wechat_kind, settings.fields)
        envelope = Envelope(
            app_id=settings.wechat_app_id or "",
            token=revealed(settings.wechat_token),
            aes_key=revealed(settings.wechat_aes_key),
            aes_key_previous=revealed(settings.wechat_aes_key_previous),
            plaintext=settings.wechat_plaintext,
            clock=self.clock,
        )
        reader = Reader(public_url=settings.address, scripts=[one.name for one in SCRIPTS])
        shelf = KeptToken(self.database, f"jsapi:{settings.wechat_app_id}", self.clock)
        extras = Extras(api, settings.wechat_app_id or "", shelf)
        self.account = account = Account(self.database, self.city, extras, self.clock, self._speaks_wechat)
        webhook = WeChatWebhook(
            envelope, reader, self.seeing, self.clock, on_grant=account.granted, on_finished=account.finished
        )
        self._stops += [lambda: webhook.drain(STOP), api.close]
        return [*webhook.routes(), *grant_page.routes(self.site, account.asking, account.code)]

    def open_telegram(self) -> list[aiohttp_web.RouteDef]:
        """The bot: its webhook's route, or none when it fetches by itself."""
        # aiogram costs half a CPU second and 20 MB: only a city that has a bot imports it.
        from bot.channels.telegram.api import TelegramApi
        from bot.channels.telegram.door import TelegramDoor
        from bot.channels.telegram.intake import Intake
        from bot.channels.telegram.polling import Polling
        from bot.channels.telegram.updates import Reader as UpdateReader
        from bot.channels.telegram.webhook import telegram_routes

        settings = self.settings
        api = TelegramApi(revealed(settings.telegram_token), settings.telegram_api_base)
        self.pictures["telegram"] = api.picture
        door = TelegramDoor(api, paid=settings.telegram_paid_broadcast)
        self.doors[door.name] = door
        intake = Intake(api, door, UpdateReader(self.clock, [one.name for one in SCRIPTS]), self.seeing)
        self._stops += [lambda: intake.finish(STOP / 2), api.close]
        secret = revealed(settings.telegram_secret) if settings.telegram_mode == "webhook" else ""

        async def introduce() -> None:
            name = await api.username()
            if name:
                self.shared[door.name] = f"https://t.me/{name}?start={{link}}"
            if secret:
                await api.set_webhook(f"{settings.address}/telegram", secret)
            await api.set_commands(telegram_commands())

        # Beside the start: people are answered while Telegram cannot be reached.
        self._running.append(asyncio.create_task(introduce(), name="telegram introduction"))
        if secret:
            return telegram_routes(intake, secret)
        polling = Polling(api, intake)
        self._running.append(asyncio.create_task(polling.run(), name="telegram polling"))
        self._stops.insert(0, polling.stop)
        return []

    # --- Life ----------------------------------------------------------------------------------------------------

    async def prepare(self) -> None:
        """Bring the schema up to date and make sure that the key is this city's own. Raises NotReady, NotPossible."""
        await migrate.prepare(self.database)
        async with self.database.write() as unit:
            known = await seals.remember(unit, self.city.secrecy)
            if known:
                await audit.begin(unit, self.clock())
        if not known:
            raise NotPossible("MENKOU_SECRET_KEY is not the key that this city's personal data are sealed with.")

    def set_clock(self) -> Ticks:
        """All that happens by itself, through every door that is open by now; nothing moves before `begin_sending`."""
        names, settings = tuple(self.doors), self.settings
        offers, limits = self.city.means.offers, self.city.means.limits
        speaking = Speaking(settings.zone, settings.locale, settings.quiet, settings.address, offers, limits)
        paces = {name: pace_of(name, settings.telegram_rate) for name in names}
        for name, door in self.doors.items():
            pace, measured = paces[name], self.meters.measured(door)
            sender = Sender(
                self.database, measured, word, self.times, speaking, pace=pace, doors=names, fields=fields
            )
            self.senders.append(sender)
        rates = {name: pace.rate for name, pace in paces.items()}
        self.ticks = ticks = Ticks(Planner(self.database, self.times, names, rates=rates), self.senders)
        if self.account is not None:
            ticks.every("wechat.quotas", ASK_QUOTAS_EVERY, self.account.ask_quotas)
            ticks.every("wechat.masses", KEEP_MASSES_EVERY, self.account.keep_masses)
        ticks.every("shifts.close", CLOSE_EVERY, self.close_shifts)
        ticks.every("offers.lapse", LAPSE_EVERY, self.lapse_offers)
        ticks.every("campaigns.advance", CAMPAIGNS_EVERY, self.advance_campaigns)
        ticks.every("letters.write", LETTERS_EVERY, self.write_letters)
        ticks.every("privacy.erase", ERASE_EVERY, self.erase)
        ticks.every("ledger.watch", WATCH_EVERY, self.watch_ledger)
        ticks.every("stars.grant", ERASE_EVERY, self.grant_stars)
        ticks.every("audit.chain", CHAIN_EVERY, self.chain_moves)
        ticks.every("privacy.forget", FORGET_EVERY, self.forget)
        return ticks

    def begin_sending(self) -> None:
        """Take up what is due."""
        ticks = self.set_clock()
        self.turns.planned = self._nudge
        ticks.start()
        self._running += [asyncio.create_task(one.run(), name=f"sender {one.account}") for one in self.senders]

    def _nudge(self, door: str) -> None:
        """A reply waits at this door: its sender need not come by it at its next look."""
        for one in self.senders:
            if one.account == door:
                one.nudge()

    def _speaks_wechat(self) -> bool:
        return any(one.account == "wechat" and one.lease.holds for one in self.senders)

    async def close_shifts(self) -> None:
        """Close what ended two hours ago."""
        async with self.database.write() as unit:
            await close_shifts(unit, self.city, self.clock())

    async def lapse_offers(self) -> None:
        """Seats that were held long enough go to the next in the queue."""
        await offers.lapse(self.database, self.city, self.clock())
        await parties.lapse(self.database, self.city, self.clock())
        await squads.tick(self.database, self.city, self.clock())
        await covers.tick(self.database, self.city, self.clock())

    async def watch_ledger(self) -> None:
        """Ask about what two recorded, show what is odd, move on what nobody answered."""
        await watching.tick(self.database, self.city, self.clock())

    async def chain_moves(self) -> None:
        """Chain the moves that were logged since; replicas wait for each other, nobody else waits for them."""
        async with self.database.read() as unit:
            waiting = await audit.is_waiting(unit)
        while waiting:
            async with self.database.write() as unit:
                waiting = await audit.chain(unit, self.clock()) == audit.AT_ONCE

    async def forget(self) -> None:
        """Drop what has outlived its use."""
        await privacy.forget(self.database, self.clock())

    async def erase(self) -> None:
        """Carry out the erasures whose week is over."""
        await privacy.tick(self.database, self.city, self.clock())
        await erased.save(self.database, erased.list_of(self.database, FOLDER))

    async def grant_stars(self) -> None:
        """Grant what was in notice long enough, and thank for small steps."""
        await stars.tick(self.database, self.city, self.clock())

    async def write_letters(self) -> None:
        """Plan the weekly letters whose hour has come, and warn whose proofs run out."""
        await digests.tick(self.database, self.city, self.clock())
        await skills.tick(self.database, self.city, self.clock())

    async def advance_campaigns(self) -> None:
        """Plan the messages of campaigns whose time has come."""
        await campaigns.advance(self.database, self.city, self.clock())

    async def catch_up(self) -> None:
        """After a demonstration's clock was moved: whatever came due happens now."""
        if self.ticks is not None:
            await self.close_shifts()
            await self.watch_ledger()
            await self.lapse_offers()
            await self.advance_campaigns()
            await self.write_letters()
            await self.erase()
            await self.grant_stars()
            await self.ticks.run_once()

    async def serve(
        self,
        stop: asyncio.Event | None = None,
        demonstration: Demonstration | None = None,
        told: Callable[[str], object] = lambda address: None,
        taken: socket.socket | None = None,
    ) -> None:
        """Serve until SIGTERM, SIGINT or `stop`; then finish what was begun. `taken`: the address to listen on."""
        await self.prepare()
        application, health = server.create(larger={web.PHOTO: web.PHOTO_LIMIT}), self._health()
        self.site.attach(application)
        health.attach(application)
        application.add_routes(wall_page.routes(self.site, self.wall))
        given = campaign_page.routes(self.site, self.campaign, self.campaign_picture, self.campaign_list)
        application.add_routes(given)
        application.add_routes(mycode_page.routes(self.own_link))
        application.add_routes(roll_page.routes(self.site, self.roll, self.take_roll))
        application.add_routes(proof_page.routes(self.site, self.check, self.paper, register=self.register))
        application.add_routes(months_page.routes(self.chart))
        application.add_routes(calendar_page.routes(self.feed, self.activity_entry))
        application.add_routes(mydata_page.routes(self.export, self.table, self.insured))
        if self.settings.chat:
            self._add_chat(application, demonstration)
        if self.settings.wechat_app_id:
            application.add_routes(self.open_wechat())
        if self.settings.telegram_token:
            application.add_routes(self.open_telegram())
        deadlines = server.Deadlines(stop=STOP / 2)
        listening = server.Server(application, self.settings.host, self.settings.port, deadlines, taken=taken)
        address = await listening.start()
        log.info("serving", listening=address, doors=sorted(self.doors))
        self.begin_sending()
        told(address)
        await server.until_stopped(stop)
        health.stopping = True
        await listening.stop()
        await self.stop()

    def _add_chat(self, application: aiohttp_web.Application, demonstration: Demonstration | None) -> None:
        door = self.open_web()
        entrance = Entrance(self.settings.address, open_to_all=self.persona is None, persona=self.persona)
        application.add_routes(web.routes(door, self.seeing, entrance, self.reader))
        application.add_routes(
            chat_page.routes(self.site, entrance, self.reader, web.hint, title=NAME, demonstration=demonstration)
        )
        if demonstration is not None:
            application.add_routes(demo_bar.routes(self.site, demonstration, entrance.check_origin))

        async def hang_up(_application: aiohttp_web.Application) -> None:
            door.close()

        application.on_shutdown.append(hang_up)

    def _health(self) -> Health:
        return Health(
            readiness.checks(self.database, self.clock), readiness.figures(self.meters, self.database, self.clock)
        )

    async def stop(self) -> None:
        """Turns under way end, calls in flight are recorded, the slots are given back."""
        if self.ticks is not None:
            self.ticks.stop()
        await asyncio.gather(*(one.stop(STOP / 2) for one in self.senders))
        for stop in self._stops:
            await stop()
        await self.turns.finish()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self.database.close()

    # --- What pages ask ------------------------------------------------------------------------------------------

    async def reader(self, address: str, hint: str | None, door: str = "web") -> Wording:
        """How somebody at an address reads; by their browser's hint before they have written."""
        async with self.database.read() as unit:
            known = await people.habits(unit, door, address)
        language, elder = known or ("", False)
        wished = language or (hint if hint in LANGUAGES else "") or self.settings.locale
        return Wording(wished, self.settings.zone, elder)

    async def export(self, token: str) -> dict[str, Any] | None:
        """Everything of the person to whom the address of an export was given, once."""
        return await privacy.exported(self.database, self.city, token, self.clock())

    async def register(self, organisation: int, number: str, key: str) -> bytes | None:
        """An issuer's register of certificates for whoever holds its signed address."""
        listed = await registered(self.database, self.city, organisation, number, key)
        if listed is None:
            return None
        async with self._drawing:
            return await asyncio.to_thread(register_table, listed, self.settings.zone)

    async def insured(self, token: str) -> bytes | None:
        """An insurer's list behind its address, once."""
        listed = await documents.insured(self.database, self.city, token, self.clock())
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

    async def wall(self, activity: int, key: str) -> WallFacts | None:
        """What an activity's wall shows."""
        found = await wall(self.database, self.city, activity, key, self.clock())
        if found is None:
            return None
        card, code = found.activity, found.code
        link = Intent("checkin", (str(activity), code.token)).link
        address = self.shared.get("web") or self.shared.get("telegram") or "{link}"
        return WallFacts(
            title=Named(card.title, card.english),
            starts=card.starts,
            ends=card.ends,
            code=code.digits,
            qr=address.format(link=link),
            seconds_left=code.seconds_left,
            arrived=found.arrived,
            registered=found.registered,
        )

    async def campaign(self, number: int, key: str) -> CampaignFacts | None:
        """How far a campaign is."""
        found = await campaigns.page_of(self.database, self.city, number, key)
        if found is None:
            return None
        one = found.campaign
        return CampaignFacts(
            title=in_either(one.texts[0]),
            standing=STANDINGS[one.standing],
            over=one.standing in (Standing.STOPPED, Standing.DONE),
            share=found.share,
            people=found.people,
            sent=found.sent,
            waiting=found.waiting,
            failed=found.failed,
            uncertain=found.uncertain,
            spared=found.spared,
            reasons=[(because(why), count) for why, count in found.reasons],
            joined=found.joined if one.activity else None,
            next=found.next,
        )

    async def campaign_list(self, token: str) -> bytes | None:
        """The list of a campaign's messages behind its address, once."""
        listed = await campaigns.listed(self.database, self.city, token, self.clock())
        if listed is None:
            return None
        async with self._drawing:
            return await asyncio.to_thread(mailing_list, listed, self.settings.zone)

    async def campaign_picture(self, number: int, key: str) -> bytes | None:
        """The picture of a campaign's messages."""
        return await campaigns.picture_of(self.database, self.city, number, key)

    async def roll(self, activity: int, number: str, key: str) -> RollFacts | None:
        """What a leader's page shows."""
        found = await roll_of(self.database, self.city, activity, number, key, self.clock())
        return self._roll_facts(found) if found else None

    async def take_roll(
        self, activity: int, number: str, key: str, ticks: Callable[[datetime], Sequence[Tick]]
    ) -> tuple[Mapping[str, Outcome], RollFacts] | None:
        """Write down what a leader's page sends."""
        now = self.clock()
        taken = await take_ticks(self.database, self.city, activity, number, key, now, ticks(now))
        return (taken[0], self._roll_facts(taken[1])) if taken else None

    def _roll_facts(self, found: RollPage) -> RollFacts:
        card, leader = found.activity, found.leader
        lines = [
            Line(one.enrolment, one.number, found.names.get(one.person, ""), *one.shown, one.person == leader.id)
            for one in found.lines
        ]
        wording = Wording(leader.language or self.settings.locale, self.settings.zone, leader.elder)
        return RollFacts(Named(card.title, card.english), card.starts, card.ends, lines, self.clock(), wording)

    async def own_link(self, number: str, token: str) -> str | None:
        """What the QR of a person's own code holds out, while it is good."""
        if not own_code_fits(self.city.secrecy.signature, number, token, self.clock()):
            return None
        address = self.shared.get("web") or self.shared.get("telegram") or "{link}"
        return address.format(link=Intent("present", (number, token)).link)

    async def check(self, number: str, name: str) -> Checked:
        """What the public page tells of a certificate."""
        return await checked(self.database, number, name, self.clock())

    async def chart(self, number: str, language: str, total: int, key: str) -> bytes | None:
        """The picture of somebody's hours by month for whoever holds its signed address."""
        now = self.clock()
        found = await charted(self.database, self.city, number, language, total, key, now)
        if found is None:
            return None
        today = now.astimezone(self.settings.zone).date()
        async with self._drawing:
            return await asyncio.to_thread(months.draw, found, today, Wording(language, self.settings.zone))

    async def feed(self, number: str, key: str) -> bytes | None:
        """Somebody's own sign-ups for their calendar, by the address that they were told."""
        return await self._calendar(await calendars.feed(self.database, self.city, number, key, self.clock()))

    async def activity_entry(self, activity: int, key: str) -> bytes | None:
        """One activity for a calendar, by its signed address."""
        return await self._calendar(await calendars.activity_entry(self.database, self.city, activity, key))

    async def _calendar(self, found: Feed | None) -> bytes | None:
        if found is None:
            return None
        wording = Wording(found.language or self.settings.locale, self.settings.zone)
        async with self._drawing:
            return await asyncio.to_thread(calendar_paper.write, found, wording)

    async def paper(self, number: str, key: str, kind: str) -> bytes | None:
        """A certificate's sheet for whoever holds its signed address, drawn beside the event loop."""
        found = await printed(self.database, self.city, number, key)
        if found is None:
            return None
        chinese, english = (Wording(language, self.settings.zone) for language in LANGUAGES)
        async with self._drawing:
            return await asyncio.to_thread(certificate.draw, found, chinese, english, "png" if kind == "png" else "pdf")


def wechat_api(settings: Settings, database: Database, clock: Clock) -> WeChatApi:
    """The official account's calls, with a token that all replicas share."""
    return WeChatApi(
        app_id=settings.wechat_app_id or "",
        app_secret=revealed(settings.wechat_app_secret),
        shelf=KeptToken(database, f"wechat:{settings.wechat_app_id}", clock),
        clock=clock,
        base=settings.wechat_api_base,
    )


def telegram_commands() -> list[tuple[str, str, str]]:
    """Telegram's menu: word, Chinese, English."""
    chinese, english = Wording("zh_CN", UTC), Wording("en", UTC)
    return [(name, chinese(title), english(title)) for name, title in COMMANDS]
