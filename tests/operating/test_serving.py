"""A city that serves on any free port: every link names it, and whoever comes before it is ready is refused."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot import commands, server
from bot.app import App
from bot.settings import Settings


async def test_links_name_the_port_that_was_really_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A share link of a city on port 0 led to port 0.
    made: list[App] = []
    listening = asyncio.Event()

    class Seen(App):
        async def serve(self, *given: Any, **named: Any) -> None:
            made.append(self)
            await super().serve(*given, told=lambda address: listening.set(), **named)

    monkeypatch.setattr(commands, "App", Seen)
    settings = Settings(
        database_url=f"sqlite+aiosqlite:///{tmp_path / 'city.db'}",
        secret_key=SecretStr("a key that only this test uses, long enough"),
        listen="127.0.0.1:0",
        chat=True,
    )
    serving = asyncio.create_task(commands.serve(settings))
    await asyncio.wait([serving, waited := asyncio.create_task(listening.wait())], return_when=asyncio.FIRST_COMPLETED)
    assert waited.done(), serving.exception()
    (app,) = made
    port = app.settings.port
    assert port != 0
    assert f":{port}/" in app.shared["web"]
    assert app.city.public_url == f"http://127.0.0.1:{port}"
    assert gc.get_freeze_count()  # what was made by now is looked at no more
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()
    os.kill(os.getpid(), signal.SIGTERM)
    await serving


def test_nobody_waits_at_an_address_that_is_only_taken() -> None:
    with server.take("127.0.0.1", 0) as taken, pytest.raises(ConnectionRefusedError):
        socket.create_connection(taken.getsockname(), timeout=0.2)


def test_an_address_that_another_program_listens_on_cannot_be_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(OSError, match="in use"):
        server.take("127.0.0.1", other.getsockname()[1])
