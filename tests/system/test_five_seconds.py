"""WeChat is answered within five seconds, always: what takes longer comes once, by customer message."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.conversations.kit import Town
from tests.standins.wechat import Person
from tests.system.people import OnWeChat
from tests.system.serving import Doors, Serving, held, until

Serves = Callable[..., Serving]
pytestmark = [pytest.mark.timeout(240)]
LIMIT = 5.0
"""Seconds after which WeChat cuts the connection and comes again."""

MESSAGE = {"MsgType": "text", "Content": "帮助", "MsgId": "24000000000009999"}


async def says_while_held(serving: Serving, person: Person) -> tuple[str, int, float]:
    """A message while nobody can begin a turn: what the person saw, at which try, after how many seconds."""
    person.platform.api.heard(person.openid, "message")
    async with held(serving.database_url):
        began = time.monotonic()
        answered = await person.platform.push(person.openid, {**MESSAGE, "CreateTime": str(int(time.time()))})
        return answered.kind, answered.tries, time.monotonic() - began


async def test_while_the_database_is_held_wechat_is_answered_and_the_reply_comes_once_by_customer_message(
    town: Town, doors: Doors, serves: Serves
) -> None:
    serving = serves(**doors.settings(only="wechat"))
    await serving.start()
    who = OnWeChat((await doors.platform(serving)).person())
    assert "门口" in await who.opens()
    kind, tries, waited = await says_while_held(serving, who.person)
    assert (kind, tries) == ("silence", 1)
    assert waited < LIMIT
    await until(lambda: who.heard, what="the reply, by customer message")
    assert "找活动" in who.heard[0]
    # Another turn has gone since, and its answer too, behind the other where that is not written down as brought yet.
    behind = 0 if (await who.person.says("菜单")).kind == "text" else 1
    await until(lambda: len(who.heard) == 1 + behind, what="the menu")
    assert await serving.stop() == 0
    assert len(who.heard) == 1 + behind, "nothing was on its way twice"


WITHOUT_PATIENCE = """\
from bot.channels.wechat import webhook
from bot.cli import main
webhook.WeChatWebhook.__init__.__kwdefaults__["patience"] = 600.0
main()
"""
"""The program with the guard taken out: it answers when the turn is over."""


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_program_that_waits_for_the_turn_is_cut_off_and_wechat_comes_again(
    town: Town, doors: Doors, serves: Serves, engine: str
) -> None:
    """The control."""
    serving = serves(**doors.settings(only="wechat"))
    serving.program = ("-c", WITHOUT_PATIENCE, "serve")
    await serving.start()
    who = OnWeChat((await doors.platform(serving)).person())
    assert "门口" in await who.opens()
    kind, tries, waited = await says_while_held(serving, who.person)
    assert waited >= LIMIT
    assert tries > 1 or kind == "unavailable"
