"""The terminal door: lines in, words and numbered options out, for a person or a script on standard input."""

from __future__ import annotations

import asyncio
import re
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from datetime import UTC, datetime
from typing import Protocol, TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text as Painted

from bot.talk.capabilities import Capabilities
from bot.talk.door import TRY_AGAIN, Delivered, Listener, Outcome, Overloaded, Refused
from bot.talk.incoming import Address, BadLink, Incoming, Intent, Place
from bot.talk.view import Page, Reply
from bot.talk.wording import Wording, Words, _

NAME = "terminal"

TERMINAL = Capabilities(
    buttons=0,
    label_length=60,
    text_length=4000,
    option_cost=5,  # a line break, up to two digits, two spaces
    replies_per_message=20,
    sends_pictures=True,
)
"""A window is 24 lines and more, and scrolls: 4,000 characters are one reading."""

WIDTH = 100
"""Columns that are used at most."""

QUIT = frozenset({"/quit", "/exit", "/退出"})

LINE_LIMIT = 4000
"""Characters of one typed line; a file poured in by mistake shall not become one message."""

_COMMAND = re.compile(r"/([a-z]+)((?:\s+[A-Za-z0-9_]+)*)\s*\Z")
_PLACE = re.compile(r"/place\s+(-?\d{1,2}(?:\.\d+)?)[\s,，]+(-?\d{1,3}(?:\.\d+)?)\s*\Z")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Screen(Protocol):
    """Where lines come from and answers go to: a person's window or a script's standard input."""

    def lines(self) -> AsyncIterator[str]:
        """What is typed, line by line, to the end of input."""

    def echo(self, line: str) -> None:
        """Show what was typed, where it is not on the screen already."""

    def show(self, lines: list[Painted], pushed: bool = False) -> None:
        """Show one message; `pushed`: nobody asked for it just now."""


class Terminal:
    """One person at one terminal: gives lines to the listener and prints what comes back."""

    name = NAME
    capabilities = TERMINAL

    def __init__(
        self,
        listener: Listener,
        address_id: str,
        screen: Screen,
        wording: Wording,
        scripts: Collection[str] = (),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        session: str = "",
        reader: Callable[[], Awaitable[Wording]] | None = None,
    ) -> None:
        """`scripts`: names that a command may start; any other `/word` is text. `session` begins each message's key.
        `reader`: how whoever sits here reads after a turn, which may have changed it."""
        self._listener = listener
        self._address = Address(NAME, address_id)
        self._screen = screen
        self._wording = wording
        self._scripts = frozenset(scripts)
        self._now = now
        self._session = session or uuid.uuid4().hex
        self._reader = reader
        self._count = 0

    # --- What is typed ---

    async def run(self, greet: bool = False) -> None:
        """Talk until the input ends or somebody types /quit; `greet` begins as a first contact does."""
        if greet:
            await self._answer(self._incoming(intent=Intent("start")))
        async for line in self._screen.lines():
            said = _CONTROL.sub("", line).strip()[:LINE_LIMIT]
            if not said:
                continue
            if said in QUIT:
                return
            self._screen.echo(said)
            await self._answer(self.read(said))

    def read(self, line: str) -> Incoming:
        """What a typed line is: `/place 39.9 116.4`, a command that starts a script, or text."""
        if place := _PLACE.match(line):
            latitude, longitude = float(place[1]), float(place[2])
            if abs(latitude) <= 90 and abs(longitude) <= 180:
                return self._incoming(place=Place(latitude, longitude), raw=line)
        if command := _COMMAND.match(line):
            try:
                intent = Intent.parse("-".join((command[1], *command[2].split())))
            except BadLink:
                intent = None
            if intent and intent.script in self._scripts | {"start"}:
                return self._incoming(intent=intent, raw=line)
        return self._incoming(text=line, raw=line)

    def _incoming(
        self, text: str | None = None, intent: Intent | None = None, place: Place | None = None, raw: str = ""
    ) -> Incoming:
        self._count += 1
        key = f"{self._session}-{self._count}"
        return Incoming(self._address, key, self._now(), text=text, intent=intent, place=place, raw=raw)

    async def _answer(self, incoming: Incoming) -> None:
        try:
            reply = await self._listener.take(incoming)
        except Overloaded:
            self._say(TRY_AGAIN)
            return
        if self._reader is not None:
            self._wording = await self._reader()
        self._show(reply)

    # --- What is shown ---

    def _show(self, reply: Reply, pushed: bool = False) -> None:
        for page in reply.pages:
            self._screen.show(self.lines(page), pushed)

    def _say(self, words: Words) -> None:
        self._screen.show([Painted(self._wording(words))])

    def lines(self, page: Page) -> list[Painted]:
        """One message as lines: its text, picture, place, then its options with the number that picks each."""
        lines = [Painted(line) for line in page.text.split("\n")] if page.text else []
        if page.picture:
            lines.append(self._labelled(_("Picture:"), page.picture))
        if page.spot:
            latitude, longitude, name, address = page.spot
            where = " · ".join(part for part in (name, address) if part)
            lines.append(self._labelled(_("Place:"), f"{where} ({latitude:.5f}, {longitude:.5f})".strip()))
        if page.wants == "place":
            lines.append(self._labelled(_("Type it like this:"), "/place 39.9042 116.4074"))
        colon = "：" if self._wording.language == "zh_CN" else ":"
        width = max((len(str(button.number)) for button in page.buttons), default=1)
        for button in page.buttons:
            if button.url:
                lines.append(self._labelled(button.label + colon, button.url))
            else:
                number = (f"{button.number:>{width}}", "bold cyan")
                lines.append(Painted.assemble(number, "  ", button.label))
        return lines

    def _labelled(self, label: Words, address: str) -> Painted:
        said = self._wording(label)
        space = "" if said.endswith("：") else " "  # a full-width colon has its own
        return Painted.assemble((said, "dim"), space, (address, "underline"))

    # --- The door ---

    async def send(self, to: str, page: Page, key: str) -> Outcome:
        """Show a message that we begin; whoever is not at this terminal cannot be reached through it."""
        if to != self._address.id:
            return Refused("nobody is at that terminal", window=True)
        self._show(Reply((page,)), pushed=True)
        return Delivered(key)


def wrapped(lines: list[Painted], width: int) -> Iterator[Painted]:
    """Lines no wider than `width` columns; a Chinese character takes two. Addresses stay whole, to be copied."""
    # Wrapping asks the console for its tab size only; nothing is written to it.
    console = Console(width=width, color_system=None, force_terminal=False)
    for line in lines:
        if cell_len(line.plain) <= width or "://" in line.plain:
            yield line
        else:
            for part in line.wrap(console, width):
                part.rstrip()
                yield part


class Plain:
    """A script's screen: each line is echoed as `> line`, answers follow without colours, the same on every run."""

    def __init__(self, source: TextIO | None = None, out: TextIO | None = None) -> None:
        self._source = source or sys.stdin
        self._out = out or sys.stdout
        self._pushed: list[list[Painted]] = []

    async def lines(self) -> AsyncIterator[str]:
        while line := await asyncio.to_thread(self._source.readline):
            yield line.rstrip("\r\n")
        self._flush()

    def echo(self, line: str) -> None:
        self._flush()
        self._write(f"> {line}\n\n")

    def show(self, lines: list[Painted], pushed: bool = False) -> None:
        if pushed:
            # Between two turns, wherever it arrived: what a script prints must not depend on chance.
            self._pushed.append(lines)
        else:
            self._print(lines)

    def _flush(self) -> None:
        pushed, self._pushed = self._pushed, []
        for lines in pushed:
            self._write("*\n")
            self._print(lines)

    def _print(self, lines: list[Painted]) -> None:
        self._write("".join(line.plain.rstrip() + "\n" for line in wrapped(lines, WIDTH)) + "\n")

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


class Window:
    """A person's screen: a line editor with history; messages that come meanwhile appear above it."""

    def __init__(self, name: str = "") -> None:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.history import InMemoryHistory

        self._prompt: PromptSession[str] = PromptSession(history=InMemoryHistory())
        self._name = f"{name} " if name else ""

    async def lines(self) -> AsyncIterator[str]:
        from prompt_toolkit.formatted_text import HTML
        from prompt_toolkit.patch_stdout import patch_stdout

        with patch_stdout(raw=True):
            while True:
                try:
                    yield await self._prompt.prompt_async(HTML("<ansigreen><b>{}› </b></ansigreen>").format(self._name))
                except (EOFError, KeyboardInterrupt):
                    return

    def echo(self, line: str) -> None:
        """It is on the screen already."""

    def show(self, lines: list[Painted], pushed: bool = False) -> None:
        from prompt_toolkit import print_formatted_text
        from prompt_toolkit.formatted_text import ANSI

        console = Console(force_terminal=True, width=WIDTH, highlight=False)
        with console.capture() as captured:
            for line in wrapped(lines, min(WIDTH, _columns())):
                if pushed:
                    console.print(Painted("│ ", style="yellow"), end="")
                console.print(line, soft_wrap=True)
            console.print()
        print_formatted_text(ANSI(captured.get()), end="")


def _columns() -> int:
    import shutil

    return max(20, shutil.get_terminal_size((WIDTH, 24)).columns - 2)


def open_screen(name: str = "") -> Screen:
    """A window where somebody sits, else a script's screen."""
    return Window(name) if sys.stdin.isatty() and sys.stdout.isatty() else Plain()
