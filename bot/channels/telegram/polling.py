"""Long polling: updates fetched by us, for a machine that Telegram cannot reach.

An update is confirmed (by asking for what comes after it) only when it is committed and answered, so that a kill
at any moment loses neither; what was under way then is brought again and gets the reply that was kept.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TypeVar

import structlog

from bot.channels.telegram.api import TelegramApi
from bot.channels.telegram.errors import Answer, Done, Failed
from bot.channels.telegram.intake import Intake
from bot.channels.telegram.updates import chat_of, is_update_id
from bot.talk.door import Overloaded

HOLD = 30
"""Seconds that Telegram may hold a question for updates open. Bot API: 50 at most."""
SIDE_BY_SIDE = 32
"""Chats that are answered at once."""
LONGEST_WAIT = 60.0
BUSY_WAIT = 1.0
STOP_LIMIT = 15.0

T = TypeVar("T")

log = structlog.get_logger("menkou.telegram")


class Polling:
    """`run` until `stop`."""

    def __init__(
        self,
        api: TelegramApi,
        intake: Intake,
        *,
        hold: int = HOLD,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._api = api
        self._intake = intake
        self._hold = hold
        self._pause = pause
        self._chance = chance
        self._offset: int | None = None
        self._confirmed: int | None = None
        self._places = asyncio.Semaphore(SIDE_BY_SIDE)
        self._stopping = asyncio.Event()
        self._stopped = asyncio.Event()
        self._stopped.set()

    async def run(self) -> None:
        """Fetch and answer until `stop`, whatever the network does."""
        self._stopped.clear()
        try:
            await self._insist(self._api.delete_webhook)
            while not self._stopping.is_set():
                answer = await self._insist(self._ask)
                if isinstance(answer, Done):
                    await self._take(answer.result)
            await self._confirm()
        finally:
            self._stopped.set()

    async def stop(self, patience: float = STOP_LIMIT) -> None:
        """Fetch no more, let what was fetched be answered, confirm it; at most so many seconds."""
        self._stopping.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._stopped.wait()

    async def _ask(self) -> Answer:
        answer = await self._api.updates(self._offset, self._hold)
        if isinstance(answer, Done):
            self._confirmed = self._offset
        return answer

    async def _confirm(self) -> None:
        """What was answered must not come again to whoever starts next and would answer it again."""
        if self._offset is not None and self._offset != self._confirmed:
            await self._api.updates(self._offset, timeout=0, limit=1)

    # --- Asking ------------------------------------------------------------------------------------------------------

    async def _insist(self, ask: Callable[[], Awaitable[Answer]]) -> Answer | None:
        """Ask until there is an answer, ever more slowly. None: it is time to stop."""
        attempt = 0
        while not self._stopping.is_set():
            answer = await self._unless_stopped(ask())
            if answer is None or isinstance(answer, Done):
                return answer
            attempt += 1
            self._complain(answer)
            await self._unless_stopped(self._pause(self.wait(answer, attempt)))
        return None

    def wait(self, failed: Failed, attempt: int) -> float:
        """Seconds before the next try: as long as the platform asks, else doubling up to a minute, spread by chance."""
        if failed.status in (401, 404):
            return LONGEST_WAIT
        backoff = min(2.0 ** min(attempt, 10), LONGEST_WAIT)
        return max(failed.after, backoff * (0.5 + self._chance() / 2))

    @staticmethod
    def _complain(failed: Failed) -> None:
        if failed.status == 409:
            log.error(
                "another program fetches this bot's messages: stop it, or give each its own bot", reason=failed.told
            )
        elif failed.status in (401, 404):
            log.error("Telegram does not know this bot: look at TELEGRAM_TOKEN", reason=failed.told)
        else:
            log.warning("no updates from Telegram for now", reason=failed.told)

    async def _unless_stopped(self, work: Awaitable[T]) -> T | None:
        """The work's result; None, and the work is given up, when it is time to stop."""
        task = asyncio.ensure_future(work)
        stop = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
            return task.result() if task.done() else None
        finally:
            for one in (task, stop):
                one.cancel()
            await asyncio.wait({task, stop})

    # --- Taking ------------------------------------------------------------------------------------------------------

    async def _take(self, batch: object) -> None:
        """Answer a batch, chat by chat, and move on past what is safe."""
        updates = batch if isinstance(batch, list) else []
        chains: defaultdict[str, list[object]] = defaultdict(list)
        for place, update in enumerate(updates):
            # What names no chat waits for nobody.
            chains[chat_of(update) or f"?{place}"].append(update)
        left = await asyncio.gather(*(self._chain(chain) for chain in chains.values()))
        numbers = [number for update in updates if (number := _number(update)) is not None]
        undone = [number for chain in left for update in chain if (number := _number(update)) is not None]
        if undone:
            # All before the first that failed is safe; what is fetched a second time is known again.
            self._offset = min(undone)
            await self._unless_stopped(self._pause(BUSY_WAIT))
        elif numbers:
            self._offset = max(numbers) + 1
        elif updates:
            log.error("Telegram sent updates without numbers")
            await self._unless_stopped(self._pause(LONGEST_WAIT))
        else:
            # All is confirmed by now, and after a quiet week the numbers start anew anywhere.
            self._offset = None

    async def _chain(self, updates: Sequence[object]) -> Sequence[object]:
        """One chat's updates, one after another. Returns those that were not taken."""
        async with self._places:
            for place, update in enumerate(updates):
                if not await self._taken(update):
                    return updates[place:]
        return ()

    async def _taken(self, update: object) -> bool:
        while True:
            try:
                await self._intake.receive(update)
            except Overloaded:
                if self._stopping.is_set():
                    return False
                await self._pause(BUSY_WAIT)
            except Exception:
                # The database is away, or full: Telegram keeps what was not confirmed for a day.
                log.exception("an update could not be taken")
                return False
            else:
                return True


def _number(update: object) -> int | None:
    number = update.get("update_id") if isinstance(update, dict) else None
    return number if isinstance(number, int) and is_update_id(number) else None
