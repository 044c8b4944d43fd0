"""Who I am to Menkou: language, elder mode, district, consent and the few personal fields, subscriptions."""

from __future__ import annotations

from collections.abc import Sequence

from bot.desk.subject import Subject
from bot.domain.notices import Stream
from bot.domain.people import CONSENT_VERSION
from bot.domain.roles import Post
from storage import audit, people


class People(Subject):
    """My own person."""

    async def speak(self, language: str) -> None:
        """From now on in this language, through every door."""
        self.me.language = language
        await people.change(self.unit, self.me.id, language=language)

    async def set_elder(self, on: bool) -> None:
        """Elder mode: one question at a time, digits only, large text."""
        self.me.elder = on
        await people.change(self.unit, self.me.id, elder=on)

    async def set_quiet(self, start: int, end: int) -> None:
        """Own quiet hours, minutes after midnight."""
        self.me.quiet = (start, end)
        await people.change(self.unit, self.me.id, quiet_from=start, quiet_until=end)

    async def remember_birth(self, year: int) -> None:
        """The year of birth, kept because an activity asks for an age."""
        self.me.born = year
        await people.change(self.unit, self.me.id, born=year)

    async def introduce(self, name: str, phone: str) -> None:
        """Store name and phone, with the consent that was just given."""
        await people.give_consent(self.unit, self.me.id, "enrolment", CONSENT_VERSION, self.me.door, self.now)
        await people.keep_personal(self.unit, self.city.secrecy, self.me.id, name, phone)
        self.me.consented = True

    async def agreed(self, purpose: str) -> bool:
        """Did I agree to this purpose, and not take it back?"""
        return await people.agreed(self.unit, self.me.id, purpose)

    async def agree(self, purpose: str) -> None:
        """I agree to this purpose."""
        await people.give_consent(self.unit, self.me.id, purpose, CONSENT_VERSION, self.me.door, self.now)

    async def shares_phone(self) -> bool:
        """Has somebody else given the same phone number? Then it may be me, in another chat; only I can say so."""
        phone = (await self.personal())[1]
        return bool(phone) and await people.same_phone(self.unit, self.me.id, phone)

    async def personal(self) -> tuple[str, str]:
        """My name and phone as they are stored."""
        kept = await people.personal(self.unit, self.city.secrecy, [self.me.id])
        return kept.get(self.me.id, ("", ""))

    async def posts(self) -> Sequence[Post]:
        """The roles I hold."""
        return await people.posts(self.unit, self.me.id)

    async def subscribe(self, topic: str, value: str) -> bool:
        """Hear of new activities in a district or of a kind. False: I did already."""
        return await people.subscribe(self.unit, self.me.id, topic, value, self.now)

    async def unsubscribe(self, topic: str | None = None, value: str | None = None) -> int:
        """Stop hearing of one topic, or of all; takes hold at once, also inside a running announcement."""
        return await people.unsubscribe(self.unit, self.me.id, topic, value)

    async def subscriptions(self) -> list[tuple[str, str]]:
        """What I subscribe to, as (topic, value)."""
        return await people.subscriptions(self.unit, self.me.id)

    async def refused(self) -> Stream:
        """Which sorts of messages I switched off."""
        return Stream(await people.refuses(self.unit, self.me.id))

    async def refuse(self, stream: Stream) -> None:
        """Nothing more of this sort; takes hold at once, also of what is on its way."""
        await self._switch(await self.refused() | stream)

    async def accept(self, stream: Stream) -> None:
        """This sort again."""
        await self._switch(await self.refused() & ~stream)

    async def _switch(self, after: Stream) -> None:
        before = await self.refused()
        await people.change(self.unit, self.me.id, refuses=int(after) or None)
        who = f"person:{self.me.id}"
        await audit.log(self.unit, self.now, self.me.id, "messages", who, _named(before), _named(after))

    async def leave(self, external: str) -> None:
        """I blocked or unfollowed: nothing more goes to this address until I write again."""
        await people.close_address(self.unit, self.me.door, external)


def _named(streams: Stream) -> str:
    return " ".join(one.key for one in streams) or "none"
