"""Campaigns: whom I may write to, what it would be like, keeping one and sending it, agreeing to another's."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from bot.desk.campaign_messages import perhaps, picture_path, progress_of, segment, tell, told_on, words_of
from bot.desk.organising import Organising
from bot.desk.reach import Reach
from bot.desk.subject import Subject
from bot.domain.activities import Activity, NotAllowed
from bot.domain.campaigns import (
    UNDO,
    Asked,
    Audience,
    Campaign,
    Changed,
    Kept,
    Letter,
    Miscounted,
    NobodyMeant,
    Occasion,
    Progress,
    Scope,
    Sent,
    Standing,
    Unwritable,
    awake,
    may_begin_anew,
    may_use_mass,
    moment,
    needs_second,
    unfit,
)
from bot.domain.forecast import RoutePlan
from bot.domain.places import DISTRICT, STREET
from bot.domain.roles import MAY, Deed, may
from storage import activities, audit, campaigns, fanouts, organisations, people, takeaways
from storage.tables.delivery import Lane
from storage.tables.kinds import to_milliseconds
from storage.takeaways import What

LIST_LASTS = timedelta(hours=1)
"""How long the address of a campaign's list works."""


@dataclass(frozen=True, slots=True)
class Voice:
    """For whom somebody may speak, and whom that reaches."""

    organisation: int | None
    place: int | None
    name: tuple[str, str]
    """Chinese and English."""
    scope: Scope


@dataclass(frozen=True, slots=True)
class Mailing:
    """One campaign as I may see it."""

    campaign: Campaign
    people: int
    """Whom it means: now, while it can still be sent; else as it was confirmed."""
    mine: bool
    """I wrote it."""
    decides: bool
    """I may be its second person."""
    progress: Progress | None
    """Once it has begun."""
    again: bool
    """I may take up its words in a new draft."""


class Campaigns(Subject):
    """Campaigns that my posts allow."""

    # --- Whom ---

    async def voices(self) -> list[Voice]:
        """For whom I may speak."""
        posts = [post for post in await people.posts(self.unit, self.me.id) if Deed.CAMPAIGN in MAY[post.role]]
        ids = [post.organisation for post in posts if post.organisation is not None]
        theirs = await organisations.names(self.unit, ids)
        voices = [
            Voice(number, None, (chinese, english), Scope(number, self._around(place)))
            for number, (chinese, english, place) in theirs.items()
        ]
        for post in posts:
            node = self.city.place(post.place)
            if post.organisation is None and node is not None:
                voices.append(Voice(None, node.code, (node.name, node.english), self._scope(node.code)))
        return voices

    def _around(self, place: int) -> tuple[int, ...]:
        """The districts whose subscribers an organisation of a place may write to."""
        chain = (place, *(one.code for one in self.city.places.ancestors(place)))
        nodes = [node for node in map(self.city.place, chain) if node is not None]
        found = tuple(node.code for node in nodes if node.level == DISTRICT)
        return found or tuple(node.code for node in self.city.places.districts)

    def _scope(self, place: int) -> Scope:
        node = self.city.places.place(place)
        if node.level == STREET:
            return Scope(streets=(place,))
        return Scope(districts=(place,)) if node.level == DISTRICT else Scope()

    async def count(self, audience: Audience) -> int:
        """How many people an audience means now."""
        return await campaigns.count(self.unit, self._segment(audience))

    async def routes(self, one: Campaign) -> RoutePlan:
        """By which routes those whom it means would be told its first message, and until when."""
        reach = Reach(self.unit, self.me, self.now, self.city)
        return await reach.plan_of_routes(self._segment(one.audience), "campaign", await self._first(one) or self.now)

    def _segment(self, audience: Audience) -> dict[str, Any]:
        return segment(audience, self.now)

    async def past(self, voice: Voice) -> list[Occasion]:
        """Activities of whom I speak for, the latest first: their people can be meant."""
        return await campaigns.held(self.unit, voice.scope)

    async def occasion(self, number: int) -> Occasion | None:
        """The activity that a condition names."""
        return await campaigns.occasion(self.unit, number)

    async def teams(self, voice: Voice) -> dict[int, tuple[str, str]]:
        """Teams that were brought along to one of these activities."""
        return await campaigns.teams(self.unit, voice.scope)

    async def showable(self, voice: Voice) -> list[Activity]:
        """Activities that a button may open: of whom I speak for, open, still to come."""
        mine = await Organising(self.unit, self.me, self.now, self.city).activities()
        return [one for one in mine if one.starts > self.now and self._belongs(voice, one)]

    async def name_of(self, what: str, number: int) -> tuple[str, str]:
        """What an organisation or a team is called, Chinese and English."""
        return await campaigns.name_of(self.unit, what, number)

    # --- Writing ---

    async def keep(self, voice: Voice, letter: Letter, picture: bytes | None = None) -> Kept | Unwritable | NotAllowed:
        """Keep a draft. Its audience may only narrow what the voice reaches."""
        if voice not in await self.voices() or letter.audience.scope != voice.scope:
            return NotAllowed()
        why = unfit(letter, self.now)
        if why:
            return Unwritable(why)
        if letter.activity is not None and not await self._may_show(voice, letter.activity):
            return NotAllowed()
        number = await campaigns.keep(self.unit, self.me.id, voice.organisation, voice.place, letter, self.now)
        if picture:
            await campaigns.keep_picture(self.unit, number, picture, self.now)
        await self._log(number, None, Standing.DRAFT)
        kept = await campaigns.find(self.unit, number)
        assert kept is not None
        return Kept(kept, await self.count(kept.audience))

    async def illustrate(self, number: int, picture: bytes | None) -> Changed | NotAllowed:
        """Give a draft of mine a picture, another one, or none."""
        one = await self.allowed(number, lock=True)
        if one is None or one.author != self.me.id or one.standing != Standing.DRAFT:
            return NotAllowed()
        if picture is None:
            await campaigns.drop_picture(self.unit, number)
        else:
            await campaigns.keep_picture(self.unit, number, picture, self.now)
        await self._log(number, None, "unpictured" if picture is None else "pictured")
        return Changed(replace(one, pictured=to_milliseconds(self.now) if picture else 0))

    async def rewrite(self, number: int, letter: Letter) -> Changed | Unwritable | NotAllowed:
        """Change a draft of mine. What was wrong with it before does not keep me from mending something else."""
        one = await self.allowed(number, lock=True)
        if one is None or one.author != self.me.id or one.standing != Standing.DRAFT:
            return NotAllowed()
        voice = await self.voice_of(one)
        if voice is None or letter.audience.scope != voice.scope:
            return NotAllowed()
        why = unfit(letter, self.now)
        if why and why != unfit(Letter.of(one), self.now):
            return Unwritable(why)
        if letter.activity not in (None, one.activity) and not await self._may_show(voice, letter.activity):
            return NotAllowed()
        await campaigns.rewrite(self.unit, number, letter)
        await self._log(number, None, "rewritten")
        return Changed(replace(one, audience=letter.audience, texts=letter.texts, timing=letter.timing))

    async def renew(self, number: int) -> Kept | NotAllowed:
        """A new draft with the words, the picture and whom it meant of one of mine that reached nobody.

        As long as that draft is as it was, the same one once more.
        """
        found = await self.look(number)
        one = found.campaign if isinstance(found, Mailing) and found.again else None
        voice = await self.voice_of(one) if one else None
        if one is None or voice is None:
            return NotAllowed()
        shown = one.activity if one.activity and await self._may_show(voice, one.activity) else None
        letter = replace(Letter.of(one), audience=replace(one.audience, scope=voice.scope), activity=shown)
        drafts = [draft for draft in await self.mine() if draft.standing is Standing.DRAFT]
        kept = next((draft for draft in drafts if draft.author == self.me.id and Letter.of(draft) == letter), None)
        if kept is None:
            new = await campaigns.keep(self.unit, self.me.id, voice.organisation, voice.place, letter, self.now)
            await campaigns.copy_picture(self.unit, number, new, self.now)
            await self._log(new, None, Standing.DRAFT)
            kept = await campaigns.find(self.unit, new)
            assert kept is not None
        return Kept(kept, await self.count(kept.audience))

    async def voice_of(self, one: Campaign) -> Voice | None:
        """For whom a campaign speaks, as I may speak for them now."""
        theirs = (one.organisation, one.place)
        return next((voice for voice in await self.voices() if (voice.organisation, voice.place) == theirs), None)

    def picture(self, one: Campaign) -> str:
        """The path of its picture; empty: it has none."""
        return picture_path(self.city, one)

    async def _may_show(self, voice: Voice, activity: int | None) -> bool:
        """Does the activity belong to whom I speak for?"""
        card = await activities.card(self.unit, activity) if activity else None
        return card is not None and self._belongs(voice, card)

    def _belongs(self, voice: Voice, card: Activity) -> bool:
        if card.state != "open":
            return False
        if voice.organisation is not None:
            return card.organisation == voice.organisation
        return voice.place is not None and self.city.within(card.street or card.district, voice.place)

    async def mine(self) -> list[Campaign]:
        """What I wrote, and what was written for those whom I speak for; newest first."""
        voices = await self.voices()
        organisations = [one.organisation for one in voices if one.organisation is not None]
        places = [one.place for one in voices if one.place is not None]
        return await campaigns.of(self.unit, self.me.id, organisations, places) if voices else []

    async def waiting(self) -> list[Campaign]:
        """What waits for my yes."""
        asked = [one for one in await campaigns.asked(self.unit) if one.author != self.me.id]
        return [one for one in asked if await self.allowed(one.id, Deed.AGREE) is not None]

    async def look(self, number: int) -> Mailing | NotAllowed:
        """One campaign, with what I may do to it."""
        one = await self.allowed(number)
        if one is None:
            return NotAllowed()
        mine = one.author == self.me.id
        asked = one.standing == Standing.ASKED and not mine
        decides = asked and await self.allowed(number, Deed.AGREE) is not None
        people_ = await self.count(one.audience) if one.standing == Standing.DRAFT else one.people
        begun = await self._progress(one) if one.started else None
        again = mine and may_begin_anew(one, begun.reached if begun else 0)
        return Mailing(one, people_, mine, decides, begun, again)

    async def allowed(self, number: int, deed: Deed = Deed.CAMPAIGN, lock: bool = False) -> Campaign | None:
        """The campaign, if the role table lets me do this to it. None says nothing about why."""
        one = await campaigns.find(self.unit, number, lock)
        if one is None:
            return None
        place = one.place
        if one.organisation is not None:
            named = await organisations.names(self.unit, [one.organisation])
            place = named[one.organisation][2] if one.organisation in named else None
        posts = await people.posts(self.unit, self.me.id)
        return one if may(posts, deed, organisation=one.organisation, place=place, within=self.city.within) else None

    async def test(self, number: int, step: int = 0) -> bool:
        """Send one of its messages to me alone, now. False: there is none that I may test."""
        one = await self.allowed(number)
        if one is None or not 0 <= step < len(one.texts):
            return False
        await fanouts.plan(
            self.unit,
            kind=campaigns.KIND,
            source=number,
            offset=-1 - await campaigns.tests_made(self.unit, number),
            lane=Lane.REPLY,
            segment={"person": self.me.id},
            words=words_of(self.city, one, step),
            not_before=self.now,
            expires=self.now + timedelta(hours=1),
            created_by=self.me.id,
        )
        return True

    # --- Sending ---

    async def send(
        self, number: int, typed: int, mass: bool = False
    ) -> Sent | Asked | Miscounted | NobodyMeant | Unwritable | NotAllowed:
        """Send a draft of mine: `typed` must be the number of people that it means now.

        `mass`: whoever nothing else reaches on WeChat gets it with one of the account's few mass messages.
        """
        one = await self.allowed(number, lock=True)
        if one is None or one.author != self.me.id or one.standing != Standing.DRAFT:
            return NotAllowed()
        counted, mass = await self.count(one.audience), mass and may_use_mass(one)
        if not counted:
            return NobodyMeant()
        if typed != counted:
            return Miscounted(counted)
        if why := await self.hindrance(one):
            return Unwritable(why)
        first = await self._first(one)
        assert first is not None
        if needs_second(counted, one.audience):
            await self._move(one, Standing.ASKED, people=counted, mass=mass)
            return Asked(number, counted, await self._ask(one))
        await self._move(one, Standing.RUNNING, people=counted, mass=mass, started=self.now)
        return Sent(number, counted, awake(first, self.city.zone, self.city.quiet))

    async def hindrance(self, one: Campaign) -> str:
        """Why a draft cannot be sent as it is; empty where it can."""
        why = unfit(Letter.of(one), self.now)
        if why or await self._told_today(one):
            return why or "today"
        return "" if await self._first(one) else "past"

    async def _told_today(self, one: Campaign) -> bool:
        """One message about an activity and day, over all who announce it."""
        if one.activity is None or one.timing.mode != "now":
            return False
        return await told_on(self.unit, self.city, one, self.now + UNDO)

    async def _first(self, one: Campaign) -> datetime | None:
        """When its first message leaves that is still to come; None: there is none."""
        event = await campaigns.starts(self.unit, one.activity)
        steps = range(len(one.timing.offsets) or 1)
        moments = (moment(one.timing, step, self.now, event, self.city.zone) for step in steps)
        return next((at for at in moments if at is not None and at >= self.now), None)

    async def _ask(self, one: Campaign) -> int:
        """Tell everybody who may agree."""
        asked = await self._seconds(one)
        for who in asked:
            await tell(self.unit, self.now, who, "approval", one.id, 0, {"campaign": str(one.id)})
        return len(asked)

    async def _seconds(self, one: Campaign) -> list[int]:
        """Who may agree to it: whoever may write for the same, who looks after the place above; never its author."""
        named = await organisations.names(self.unit, [one.organisation] if one.organisation else [])
        place = named[one.organisation][2] if one.organisation in named else one.place
        above = () if place is None else (place, *(node.code for node in self.city.places.ancestors(place)))
        holders = await people.holders(self.unit, one.organisation, above)
        return [who for who, role in holders if who != one.author and Deed.AGREE in MAY[role]]

    async def decide(self, number: int, agreed: bool, reason: str = "") -> Changed | NotAllowed:
        """Agree to somebody else's campaign, or not. Its author is told."""
        one = await self.allowed(number, Deed.AGREE, lock=True)
        if one is None or one.author == self.me.id or one.standing != Standing.ASKED:
            return NotAllowed()
        after = Standing.RUNNING if agreed else Standing.DECLINED
        started = {"started": self.now} if agreed else {}
        await self._move(one, after, decided_by=self.me.id, reason=reason[:200], **started)
        await tell(self.unit, self.now, one.author, "mailing", number, 1, {"campaign": str(number), "news": after})
        return Changed(replace(one, standing=after, reason=reason))

    async def pause(self, number: int) -> Changed | NotAllowed:
        """Let it rest: nothing more of it is sent until `resume`."""
        one = await self.allowed(number, lock=True)
        if one is None or one.standing != Standing.RUNNING:
            return NotAllowed()
        await self._move(one, Standing.PAUSED)
        for fanout, _running, _why in await campaigns.fanouts_of(self.unit, number):
            await fanouts.pause(self.unit, fanout)
        return Changed(replace(one, standing=Standing.PAUSED))

    async def resume(self, number: int) -> Changed | NotAllowed:
        """Go on."""
        one = await self.allowed(number, lock=True)
        if one is None or one.standing != Standing.PAUSED:
            return NotAllowed()
        await self._move(one, Standing.RUNNING, reason="")
        for fanout, _running, _why in await campaigns.fanouts_of(self.unit, number):
            await fanouts.resume(self.unit, fanout)
        return Changed(replace(one, standing=Standing.RUNNING))

    async def stop(self, number: int) -> Changed | NotAllowed:
        """Send nothing more of it, ever; also the undo of “send”."""
        one = await self.allowed(number, lock=True)
        if one is None or one.standing in (Standing.STOPPED, Standing.DONE):
            return NotAllowed()
        await self._move(one, Standing.STOPPED)
        for fanout, _running, _why in await campaigns.fanouts_of(self.unit, number):
            await fanouts.stop(self.unit, fanout, self.now)
        return Changed(replace(one, standing=Standing.STOPPED))

    async def progress(self, number: int) -> Progress | NotAllowed:
        """How far it is."""
        one = await self.allowed(number)
        return NotAllowed() if one is None else await self._progress(one)

    async def _progress(self, one: Campaign) -> Progress:
        """With the names as on a roster: whole for whoever has a post there, masked through a door abroad."""
        found = await progress_of(self.unit, self.city, one)
        if not found.uncertain:
            return found
        posts = await people.posts(self.unit, self.me.id)
        whole = one.organisation is not None and any(post.organisation == one.organisation for post in posts)
        names = await perhaps(self.unit, self.city, one.id)
        return replace(found, perhaps=[self.called(name, whole) for name in names])

    async def page(self, number: int) -> str | NotAllowed:
        """The path of the page that shows its progress."""
        if await self.allowed(number) is None:
            return NotAllowed()
        return f"/campaign/{number}?k={self.city.secrecy.signature(f'campaign:{number}')}"

    async def take_list(self, number: int) -> str | NotAllowed:
        """The path of the list of its messages, names masked; it works once, for an hour."""
        if await self.allowed(number) is None:
            return NotAllowed()
        token = secrets.token_hex(16)
        await takeaways.offer(self.unit, What.CAMPAIGN, self.me.id, [token], self.now, LIST_LASTS, of=number)
        await self._log(number, None, "listed")
        return f"/campaign/list/{token}.xlsx"

    async def _move(self, one: Campaign, after: Standing, **more: Any) -> None:
        await campaigns.move(self.unit, one, after, **more)
        await self._log(one.id, one.standing, after)

    async def _log(self, number: int, before: str | None, after: str) -> None:
        await audit.log(self.unit, self.now, self.me.id, "campaign", f"campaign:{number}", before, after)
