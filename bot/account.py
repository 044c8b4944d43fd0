"""The official account beside its messages: consents, results, codes for sharing, what it may call a day."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

import structlog

from bot.channels.wechat import Finished, Granted
from bot.channels.wechat.extras import SCENE_LIFE, Extras, NoAnswer
from bot.delivery.pace import Clock
from bot.desk.city import City
from bot.domain.quotas import QR_CREATE, TAG_CREATE, TAG_DELETE, TAGGED_AT_ONCE, TAGGING, UNTAGGING, Limit
from bot.domain.reach import Way
from bot.pages.grant import Asking
from bot.talk.door import Overloaded
from bot.talk.incoming import Intent
from storage import activities, grants, masses, official, outbox, quotas
from storage.database import Database, Unit, is_away
from storage.masses import Mass

log = structlog.get_logger("menkou.wechat")

ACCOUNT = "wechat"

CALLS_A_TICK = 40
"""Of fifty followers each: a tick puts at most 2,000 under a tag, and other ticks come between."""


class Account:
    """One official account of a city."""

    def __init__(
        self,
        database: Database,
        city: City,
        extras: Extras,
        clock: Clock,
        speaks: Callable[[], bool] = lambda: True,
    ) -> None:
        """`speaks`: is this the process that speaks for the account now?"""
        self._speaks = speaks
        self._database = database
        self._city = city
        self._extras = extras
        self._clock = clock

    # --- What the platform tells -----------------------------------------------------------------------------------

    async def granted(self, heard: Granted) -> None:
        """Somebody allowed one notice of a kind, or no longer wants that kind."""
        async with self._told() as unit:
            await grants.hear(unit, heard.openid, heard.template_id, heard.accepted, heard.at, once=heard.once)

    async def finished(self, news: Finished) -> None:
        """What became of something that it had taken."""
        async with self._told() as unit:
            status = f"{news.status} ({news.detail})" if news.detail else news.status
            await outbox.hear(unit, news.message_id, news.arrived, status, self._clock())

    @asynccontextmanager
    async def _told(self) -> AsyncIterator[Unit]:
        """A transaction for what the platform tells once. Raises Overloaded while the database is away."""
        try:
            async with self._database.write() as unit:
                yield unit
        except Exception as fault:
            if is_away(fault):
                raise Overloaded from fault
            raise

    # --- What pages ask --------------------------------------------------------------------------------------------

    async def asking(self, kind: str, path: str) -> Asking | None:
        """What the page needs that asks for consent to a kind of notice."""
        wanted = [template for notice, template in self._city.means.offers.notices.items() if notice == kind]
        if not wanted:
            return None
        try:
            signed = await self._extras.sign(self._city.public_url + path)
        except NoAnswer as why:
            log.warning("wechat.unsigned", why=str(why))
            return None
        return Asking(tuple(wanted), signed.app, signed.timestamp, signed.nonce, signed.signature)

    async def code(self, activity: int, until: datetime | None = None) -> str | None:
        """What the code of an activity holds: scanned in WeChat it opens that very activity. `until`: on paper it
        must be good until then, or there is none."""
        now, link = self._clock(), Intent("activity", (str(activity),)).link
        async with self._database.read() as unit:
            card = await activities.card(unit, activity)
            kept = await official.code(unit, link, now, until) if card is not None else None
        if card is None or kept is not None or card.state != "open" or not self._city.means.offers.codes:
            return kept
        if until is not None and until > now + SCENE_LIFE:
            return None
        if not await self._may_call(QR_CREATE):
            return None
        try:
            made = await self._extras.code(link)
        except NoAnswer as why:
            log.warning("wechat.no_code", why=str(why))
            return None
        async with self._database.write() as unit:
            await official.keep_code(unit, link, made, now + SCENE_LIFE)
        return made

    # --- Ticks -----------------------------------------------------------------------------------------------------

    async def ask_quotas(self) -> None:
        """Learn what each API allows in a day and has counted; without an answer the published figures stand."""
        asked = [*self._city.means.limits.values(), QR_CREATE, TAG_CREATE, TAG_DELETE, TAGGING, UNTAGGING]
        for limit in asked:
            if not limit.asked:
                continue
            try:
                allowed, used = await self._extras.quota(limit.api)
            except NoAnswer as why:
                log.info("wechat.quota_unknown", api=limit.api, why=str(why))
                continue
            now = self._clock()
            async with self._database.write() as unit:
                await quotas.learn(unit, ACCOUNT, limit, allowed, used, now)
        async with self._database.write() as unit:
            await official.forget_codes(unit, self._clock())

    async def keep_masses(self) -> None:
        """Take campaigns whose last readers only a mass message reaches a step further. For one process at a time."""
        if not self._speaks():
            return
        now = self._clock()
        async with self._database.read() as unit:
            ready = await masses.ready(unit, now)
            tagging = await masses.being_tagged(unit)
            leaving = await masses.leaving(unit)
        try:
            for number in ready:
                await self._begin_mass(number)
            for one in tagging:
                await self._keep_in_step(one)
            for one in leaving:
                await self._end_mass(one)
        except NoAnswer as why:
            log.warning("wechat.tags", why=str(why))

    async def _begin_mass(self, number: int) -> None:
        limit = self._city.means.limits.get(Way.MASS)
        if limit is None:
            return
        async with self._database.read() as unit:
            left = (await quotas.left(unit, ACCOUNT, [limit], self._clock()))[limit.api].left
        if left > 0 and await self._may_call(TAG_CREATE):
            tag = await self._extras.new_tag(f"menkou {number}")
            async with self._database.write() as unit:
                await masses.begin(unit, number, tag, self._clock())

    async def _keep_in_step(self, one: Mass) -> None:
        """Who stopped waiting comes out of the tag, who waits comes under it; when both agree, the message leaves."""
        for _call in range(CALLS_A_TICK):
            async with self._database.read() as unit:
                missing, surplus = await masses.out_of_step(unit, one, TAGGED_AT_ONCE)
            if surplus:
                if not await self._may_call(UNTAGGING):
                    return
                await self._extras.take_out(one.tag, surplus)
                async with self._database.write() as unit:
                    await masses.take_out(unit, one, surplus)
            elif missing:
                if not await self._may_call(TAGGING):
                    return
                await self._extras.put_under(one.tag, [external for _person, external in missing])
                async with self._database.write() as unit:
                    await masses.put_under(unit, one, missing)
            else:
                break
        else:
            return
        async with self._database.write() as unit:
            people = await masses.depart(unit, one, self._clock())
        log.info("wechat.mass", campaign=one.fanout, people=people)
        if not people and await self._may_call(TAG_DELETE):
            await self._extras.drop_tag(one.tag)

    async def _end_mass(self, one: Mass) -> None:
        async with self._database.write() as unit:
            ended = await masses.settle(unit, one, self._clock())
        if ended and await self._may_call(TAG_DELETE):
            await self._extras.drop_tag(one.tag)

    async def _may_call(self, limit: Limit) -> bool:
        """Count one call of an API, if its day allows one more."""
        now = self._clock()
        async with self._database.write() as unit:
            left = (await quotas.left(unit, ACCOUNT, [limit], now))[limit.api].left
            if left > 0:
                await quotas.spend(unit, ACCOUNT, {limit: 1}, now)
        return left > 0
