"""Everything wired together: one city, its doors, its pages, its ticks. Only what the commands do begins here."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import structlog
from aiohttp import web as aiohttp_web
from pydantic import SecretStr

from bot import meters, readiness, server
from bot.account import Account
from bot.answers import Answers
from bot.channels import web
from bot.channels.entrance import Entrance
from bot.channels.photos import Fetch, Seeing
from bot.channels.telegram.numbers import TELEGRAM
from bot.channels.terminal import TERMINAL
from bot.channels.web import WEB, WebDoor
from bot.channels.wechat import WECHAT, Envelope, Reader, WeChatApi, WeChatDoor, WeChatWebhook
from bot.channels.wechat.extras import Extras
from bot.clock import Ticks
from bot.delivery.decisions import City as Speaking
from bot.delivery.pace import Times, pace_of
from bot.delivery.planner import Planner
from bot.delivery.sender import Sender
from bot.desk.city import City
from bot.lanes import Hear
from bot.letterbox import Letters
from bot.means import means
from bot.memory import settled
from bot.pages import calendar as calendar_page
from bot.pages import campaign as campaign_page
from bot.pages import chat as chat_page
from bot.pages import city as city_page
from bot.pages import demo as demo_bar
from bot.pages import grant as grant_page
from bot.pages import months as months_page
from bot.pages import mycode as mycode_page
from bot.pages import mydata as mydata_page
from bot.pages import poster as poster_page
from bot.pages import proof as proof_page
from bot.pages import roll as roll_page
from bot.pages import wall as wall_page
from bot.pages.demo import Demonstration
from bot.pages.health import Health
from bot.pages.pictures import Gallery
from bot.pages.site import Site
from bot.rounds import Rounds
from bot.settings import NotPossible, Settings
from bot.talk.capabilities import Capabilities
from bot.talk.door import Door
from bot.talk.router import Router
from bot.talk.wording import Named, Wording
from bot.turn import Turns
from handlers.arrivals import first_words
from handlers.forms import fields
from handlers.notices import word
from handlers.scripts import COMMANDS, SCRIPTS
from storage import audit, migrate, seals
from storage.database import Database
from storage.secrecy import Secrecy
from storage.tokens import KeptToken

log = structlog.get_logger("menkou.app")

ASK_QUOTAS_EVERY = 3600.0
"""Seconds between questions for WeChat's quotas of a day: nine calls of the thousand that it allows."""

KEEP_MASSES_EVERY = 30.0
"""Seconds between steps of mass messages: what they are for has waited for the rest of its campaign."""

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
            settings.zone, secrecy, settings.address, settings.locale, settings.quiet, self.shared, means(settings),
            settings.rules, account=settings.wechat_name or "",
        )
        self.turns = Turns(
            self.database, Router(SCRIPTS), self.city, CAPABILITIES, clock, self.meters.turned, first_words
        )
        self.pictures: dict[str, Fetch] = {}
        self.seeing = Seeing(
            self.turns, self.pictures, settings.address, [one.name for one in SCRIPTS], self.turns.open_question
        )
        self.meters.watch_inbox(lambda: self.turns.in_flight, lambda: self.turns.oldest)
        self.times = Times(clock)
        self.site = Site(settings.zone, settings.locale, NAME)
        self.places = self.city.places  # read with the program, as the pages' files are
        self.doors: dict[str, Door] = {}
        self.senders: list[Sender] = []
        self.hearers: dict[str, Hear] = {}
        self.account: Account | None = None
        self.ticks: Ticks | None = None
        self.rounds = Rounds(self.database, self.city, clock)
        self.answers = Answers(self.database, self.city, clock, self._lasting_code)
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
        from bot.channels.telegram.webhook import PATH, hearing, telegram_routes

        settings = self.settings
        api = TelegramApi(revealed(settings.telegram_token), settings.telegram_api_base)
        self.pictures["telegram"] = api.picture
        door = TelegramDoor(api, paid=settings.telegram_paid_broadcast, pictures=self._gallery().picture)
        self.doors[door.name] = door
        reader = UpdateReader(self.clock, [one.name for one in SCRIPTS])
        intake = Intake(api, door, reader, self.seeing, told=lambda keys: self.turns.told(door.name, keys))
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
            self.hearers[PATH] = hear = hearing(intake, secret)
            return telegram_routes(hear)
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
        self.rounds.join(ticks)
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

    async def _lasting_code(self, activity: int, until: datetime) -> str | None:
        """WeChat's code of an activity, where there is an account that makes codes."""
        return await self.account.code(activity, until) if self.account is not None else None

    def _speaks_wechat(self) -> bool:
        return any(one.account == "wechat" and one.lease.holds for one in self.senders)

    async def catch_up(self) -> None:
        """After a demonstration's clock was moved: whatever came due happens now."""
        if self.ticks is not None:
            await self.rounds.catch_up()
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
        application.add_routes(self._pages())
        if self.settings.chat:
            self._add_chat(application, demonstration)
        if self.settings.wechat_app_id:
            application.add_routes(self.open_wechat())
        if self.settings.telegram_token:
            application.add_routes(self.open_telegram())
        deadlines = server.Deadlines(stop=STOP / 2)
        listening = server.Server(
            application, self.settings.host, self.settings.port, deadlines, taken=taken, hearers=self.hearers
        )
        address = await listening.start()
        log.info("serving", listening=address, doors=sorted(self.doors))
        self.begin_sending()
        told(address)
        with settled():
            await server.until_stopped(stop)
        health.stopping = True
        await listening.stop()
        await self.stop()

    def _gallery(self) -> Gallery:
        """The pictures that messages carry, for a door whose platform cannot open their addresses. A code for WeChat
        is none of them: a city with an official account has a public address."""
        asked = self.answers
        return Gallery(
            self.settings.address,
            [
                months_page.drawn(asked.chart),
                mycode_page.drawn(asked.own_link),
                proof_page.drawn(asked.paper),
                campaign_page.drawn(asked.campaign_picture),
                poster_page.drawn(asked.poster),
            ],
        )

    def _pages(self) -> list[aiohttp_web.RouteDef]:
        """Everything behind a link."""
        site, asked = self.site, self.answers
        return [
            *wall_page.routes(site, asked.wall),
            *campaign_page.routes(site, asked.campaign, asked.campaign_picture, asked.campaign_list),
            *mycode_page.routes(asked.own_link),
            *roll_page.routes(site, asked.roll, asked.take_roll),
            *proof_page.routes(site, asked.check, asked.paper, register=asked.register),
            *city_page.routes(site, asked.figures, self.places),
            *months_page.routes(asked.chart),
            *poster_page.routes(asked.poster),
            *calendar_page.routes(asked.feed, asked.activity_entry),
            *mydata_page.routes(site, asked.export, asked.table, asked.insured),
        ]

    def _add_chat(self, application: aiohttp_web.Application, demonstration: Demonstration | None) -> None:
        door, reader = self.open_web(), self.answers.reader
        entrance = Entrance(self.settings.address, open_to_all=self.persona is None, persona=self.persona)
        application.add_routes(web.routes(door, self.seeing, entrance, reader))
        application.add_routes(
            chat_page.routes(self.site, entrance, reader, web.hint, title=NAME, demonstration=demonstration)
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
            await self.ticks.stop(STOP / 2)
        await asyncio.gather(*(one.stop(STOP / 2) for one in self.senders))
        for stop in self._stops:
            await stop()
        await self.turns.finish()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self.database.close()


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
