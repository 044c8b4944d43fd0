"""How a command runs: with the settings, the log, the fast event loop, and the database where it needs one."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from bot.console import explained

if TYPE_CHECKING:
    from bot.settings import Settings
    from storage.database import Database

T = TypeVar("T")


@contextmanager
def operating(level: str = "", *, key: bool = True, **typed: str | None) -> Iterator[Settings]:
    """The settings, with the log set up; what goes wrong inside is explained.

    `level`: of the log, if it is not to be the operator's own. `key`: it does nothing without a secret key. `typed`:
    settings that the command line gives.
    """
    from bot.settings import load

    with explained():
        settings = load(**typed)
        log(settings, level)
        if key:
            _ = settings.key
        yield settings


def log(settings: Settings, level: str = "") -> None:
    """Set the log up, which knows every secret; at this level, or the operator's own."""
    import structlog

    from bot import logs

    key = settings.secret_key.get_secret_value() if settings.secret_key else ""
    logs.configure(level or settings.log_level, settings.secrets, key)
    logs.hook_crashes(structlog.get_logger("menkou").critical)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to its end, in the fast event loop where there is one."""
    import asyncio

    loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    with suppress(ImportError):  # Windows has none
        from uvloop import new_event_loop as loop
    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(work)


def run_with(settings: Settings, work: Callable[[Database], Coroutine[Any, Any, T]]) -> T:
    """Run with the city's database, opened before the event loop begins: that may make its folder."""
    from storage.database import Database

    database = Database(settings.database_url)

    async def to_the_end() -> T:
        try:
            return await work(database)
        finally:
            await database.close()

    return run(to_the_end())
