"""The terminal door: what is typed becomes a message, what is answered becomes lines."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output.vt100 import Vt100_Output

from bot.channels.terminal import TERMINAL, WIDTH, Plain, Screen, Terminal, Window
from bot.talk.door import Delivered, Door, Overloaded, Refused
from bot.talk.incoming import Address, Incoming, Intent, Place
from bot.talk.view import Button, Page, Reply
from bot.talk.wording import Wording
from tests.operating.conftest import NOW

ENGLISH = Wording("en", ZoneInfo("Asia/Shanghai"))

PAGE = Page(
    "Which shift?\n\nPlease choose.",
    (
        Button(1, "09:00–11:30, 3 seats left", "17.1"),
        Button(2, "下午", "17.2"),
        Button(0, "Wall", url="http://a/wall/7"),
    ),
)


class Listens:
    """Keeps what it hears and answers as it is told."""

    def __init__(self, answer: Callable[[Incoming], Reply] = lambda _: Reply((PAGE,))) -> None:
        self.heard: list[Incoming] = []
        self.answer = answer

    async def take(self, incoming: Incoming) -> Reply:
        self.heard.append(incoming)
        return self.answer(incoming)

    async def later(self, incoming: Incoming) -> None:
        raise AssertionError("a terminal waits")

    async def bury(self, door: str, key: str, raw: str, why: str) -> None:
        raise AssertionError("every line can be read")


def sit(listener: Listens, screen: Screen, **more: object) -> Terminal:
    scripts = {"join", "find", "my"}
    return Terminal(listener, "wang", screen, ENGLISH, scripts, lambda: NOW, **more)  # type: ignore[arg-type]  # by name


async def script(text: str, listener: Listens | None = None, greet: bool = False) -> str:
    out = io.StringIO()
    await sit(listener or Listens(), Plain(io.StringIO(text), out)).run(greet)
    return out.getvalue()


async def test_a_script_sees_its_lines_and_the_answers_and_nothing_else() -> None:
    answer = (
        "Which shift?\n"
        "\n"
        "Please choose.\n"
        "1  09:00–11:30, 3 seats left\n"
        "2  下午\n"
        "Wall: http://a/wall/7\n"
    )
    assert await script("找活动\n2\n") == f"> 找活动\n\n{answer}\n> 2\n\n{answer}\n"


async def test_a_script_prints_the_same_on_every_run_and_no_colours() -> None:
    first, second = await script("a\nb\n"), await script("a\nb\n")
    assert first == second
    assert "\x1b" not in first


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("报名", {"text": "报名"}),
        ("２", {"text": "２"}),
        ("/join 42", {"intent": Intent("join", ("42",))}),
        ("/join 42 today", {"intent": Intent("join", ("42", "today"))}),
        ("/my", {"intent": Intent("my")}),
        ("/start", {"intent": Intent("start")}),
        ("/dance", {"text": "/dance"}),
        ("/join 四十二", {"text": "/join 四十二"}),
        ("/join " + "9" * 80, {"text": "/join " + "9" * 80}),
        ("/place 39.9042 116.4074", {"place": Place(39.9042, 116.4074)}),
        ("/place 39.9,116.4", {"place": Place(39.9, 116.4)}),
        ("/place 99 200", {"text": "/place 99 200"}),
        ("join-42", {"text": "join-42"}),
        ("a\x1b[31mb\x00", {"text": "a[31mb"}),
    ],
)
async def test_what_a_line_is(line: str, expected: dict[str, object]) -> None:
    listener = Listens()
    await script(line + "\n", listener)
    (heard,) = listener.heard
    assert {name: getattr(heard, name) for name in ("text", "intent", "place") if getattr(heard, name)} == expected
    assert (heard.address, heard.at) == (Address("terminal", "wang"), NOW)


async def test_the_same_line_twice_is_two_messages_also_in_another_session() -> None:
    listener = Listens()
    await script("a\na\n", listener)
    await script("a\n", listener)
    assert len({heard.key for heard in listener.heard}) == 3


async def test_empty_lines_say_nothing_and_quit_ends_it() -> None:
    listener = Listens()
    out = await script("\n   \na\n/quit\nb\n", listener)
    assert [heard.text for heard in listener.heard] == ["a"]
    assert "> b" not in out


async def test_who_opens_the_door_can_be_greeted() -> None:
    listener = Listens()
    await script("", listener, greet=True)
    assert [heard.intent for heard in listener.heard] == [Intent("start")]


async def test_a_line_is_cut_at_its_limit() -> None:
    listener = Listens()
    await script("x" * 100_000 + "\n", listener)
    assert len(listener.heard[0].text or "") == 4000


async def test_too_many_people_at_once_is_said_in_words() -> None:
    def full(_: Incoming) -> Reply:
        raise Overloaded

    assert "try again in a moment" in await script("a\n", Listens(full))


async def test_a_silence_that_was_meant_prints_nothing() -> None:
    assert await script("a\n", Listens(lambda _: Reply())) == "> a\n\n"


async def test_wide_characters_count_twice_when_lines_are_wrapped() -> None:
    long = "志愿服务" * 40
    out = await script("a\n", Listens(lambda _: Reply((Page(f"{long} {'word ' * 40}"),))))
    lines = out.splitlines()[2:]
    assert "".join(lines).replace(" ", "").startswith(long)
    for line in lines:
        assert sum(2 if ord(char) > 0x2E80 else 1 for char in line) <= WIDTH


async def test_an_address_is_never_broken() -> None:
    address = "https://example.org/" + "a" * 150
    out = await script("a\n", Listens(lambda _: Reply((Page(f"Look: {address}", picture=address),))))
    assert out.count(address) == 2


async def test_pictures_and_places_are_lines_to_copy() -> None:
    page = Page("Here", picture="http://a/qr/7.png", spot=(39.90421, 116.4074, "东直门", "东城区"))
    out = await script("a\n", Listens(lambda _: Reply((page,))))
    assert "Picture: http://a/qr/7.png\nPlace: 东直门 · 东城区 (39.90421, 116.40740)\n" in out


async def test_options_of_two_digits_stand_under_each_other() -> None:
    buttons = tuple(Button(number, f"option {number}", f"1.{number}") for number in range(8, 12))
    out = await script("a\n", Listens(lambda _: Reply((Page("Pick", buttons),))))
    assert " 8  option 8\n 9  option 9\n10  option 10\n11  option 11\n" in out


async def test_render_leaves_room_for_the_options() -> None:
    terminal = sit(Listens(), Plain(io.StringIO(), io.StringIO()))
    buttons = tuple(Button(number, "标签", f"1.{number}") for number in range(1, 13))
    lines = [line.plain for line in terminal.lines(Page("", buttons))]
    assert sum(len(line) + 1 for line in lines) <= sum(len(b.label) + TERMINAL.option_cost for b in buttons)


# --- The door ---


async def test_what_we_say_first_is_printed_between_two_turns() -> None:
    out = io.StringIO()
    terminal: Terminal

    class Interrupts(Listens):
        async def take(self, incoming: Incoming) -> Reply:
            assert isinstance(await terminal.send("wang", Page("Reminder"), "k1"), Delivered)
            return Reply((Page("Answer"),))

    terminal = sit(Interrupts(), Plain(io.StringIO("a\nb\n"), out))
    await terminal.run()
    assert out.getvalue() == "> a\n\nAnswer\n\n*\nReminder\n\n> b\n\nAnswer\n\n*\nReminder\n\n"


async def test_who_is_not_here_cannot_be_reached_here() -> None:
    door: Door = sit(Listens(), Plain(io.StringIO(), io.StringIO()))
    outcome = await door.send("li", Page("Reminder"), "k1")
    assert isinstance(outcome, Refused)
    assert outcome.window
    assert not outcome.closes


async def test_a_person_at_a_window_types_and_sees_colours_and_messages_above() -> None:
    out, answered = io.StringIO(), asyncio.Event()

    def answer(_: Incoming) -> Reply:
        answered.set()
        return Reply((PAGE,))

    listener = Listens(answer)
    with create_pipe_input() as keys:
        output = Vt100_Output(out, lambda: Size(rows=40, columns=100), enable_cpr=False)
        with create_app_session(input=keys, output=output):
            terminal = sit(listener, Window("wang"))
            running = asyncio.create_task(terminal.run())
            keys.send_text("/join 42\r")
            await asyncio.wait_for(answered.wait(), 5)
            await terminal.send("wang", Page("Reminder"), "k1")
            keys.send_text("\x04")
            await asyncio.wait_for(running, 5)
    assert listener.heard[0].intent == Intent("join", ("42",))
    shown = out.getvalue()
    assert "Reminder" in shown
    assert "Which shift?" in shown
    assert "\x1b[" in shown


async def test_labels_follow_whoever_sits_there_to_another_language() -> None:
    """Before, they stayed in the language in which the terminal was opened."""
    spoken = ["en"]

    async def reader() -> Wording:
        return Wording(spoken[0], ENGLISH.zone)

    class Speaks(Listens):
        async def take(self, incoming: Incoming) -> Reply:
            spoken[0] = {"中文": "zh_CN"}.get(incoming.text or "", spoken[0])
            return Reply((Page("*", picture="http://a/p.png"),))

    out = io.StringIO()
    await sit(Speaks(), Plain(io.StringIO("hello\n中文\n"), out), reader=reader).run()
    assert [line for line in out.getvalue().splitlines() if "http" in line] == [
        "Picture: http://a/p.png", "图片：http://a/p.png",
    ]  # fmt: skip
