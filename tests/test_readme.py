"""The READMEs hold: commands, words, links, settings, transcripts, promises and what the demonstration prints."""

from __future__ import annotations

import asyncio
import re
import shlex
from pathlib import Path
from urllib.parse import unquote

import pytest
import typer

from bot.cli import menkou
from bot.settings import Settings, describe
from bot.talk.numbers import plain
from bot.talk.router import BACK, CANCEL, GO_ON, MORE, UNDO, Router
from docs.readme import DEMO, READMES, Demonstration, blocks, excerpt, normalised, update
from handlers.scripts import SCRIPTS

ROOT = Path(__file__).parent.parent
TEXTS = {readme.name: readme.read_text(encoding="utf-8") for readme in READMES}
ALWAYS = BACK | CANCEL | GO_ON | MORE | UNDO

UNTOLD = {"start"}
"""Scripts with words that no table needs: the first hello comes by itself."""

ROW = re.compile(r"^\|(.*)\|$", re.MULTILINE)
HEAD = re.compile(r"^\|.*\|\n\|[-|]+\|$", re.MULTILINE)
CODE = re.compile(r"`([^`\n]+)`")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)

each = pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())


def section(text: str, *titles: str) -> str:
    """What stands under the first of the headings that there is, up to the next of its level."""
    for title in titles:
        if found := re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL):
            return found[1]
    raise AssertionError(f"no heading {titles}")


def marked(text: str) -> list[str]:
    """What is set as code in running text and tables."""
    return CODE.findall(FENCE.sub("", text))


def rows(part: str) -> list[list[str]]:
    """The cells of its tables without their heads."""
    return [[cell.strip() for cell in row.split("|")] for row in ROW.findall(HEAD.sub("", part))]


def commands_of(group: typer.Typer) -> dict[str, typer.Typer | None]:
    """A command line's words: a group leads on, a command does not."""
    known: dict[str, typer.Typer | None] = {
        one.name or one.callback.__name__: None for one in group.registered_commands if one.callback
    }
    known.update({one.name: one.typer_instance for one in group.registered_groups if isinstance(one.name, str)})
    return known


def is_command(line: str) -> bool:
    """Is `menkou city fill --seed 3` something that the command line knows?"""
    words = [word for word in shlex.split(line)[1:] if not word.startswith("-")]
    group: typer.Typer | None = menkou
    for word in words:
        if group is None:
            return True  # arguments
        if word not in commands_of(group):
            return False
        group = commands_of(group)[word]
    return group is None or not words


def test_a_command_that_there_is_not_would_be_noticed() -> None:
    """Control."""
    assert is_command("menkou admin grant NUMBER organiser 12")
    assert not is_command("menkou conjure")
    assert not is_command("menkou city burn")
    assert not is_command("menkou city")


@each
def test_every_command_that_is_shown_exists(text: str) -> None:
    shown = re.findall(r"^\$ (.+)$", text, re.MULTILINE) + [one for one in marked(text) if " " in one]
    ours = [line for line in shown if line.startswith("menkou ")]
    assert len(ours) > 8
    assert [line for line in ours if not is_command(line)] == []
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    made = {found for line in shown for found in re.findall(r"^make (\w+)$", line)}
    assert {"demo", "test", "bench"} <= made <= targets


@each
def test_every_option_that_is_shown_exists(text: str) -> None:
    source = (ROOT / "bot/cli.py").read_text(encoding="utf-8")
    options = {option for line in marked(text) if line.startswith("menkou") for option in re.findall("--[a-z-]+", line)}
    assert {"--settings", "--as", "--volunteers", "--activities"} <= options
    named = {option for option in options if f'"{option}"' in source or f"    {option[2:]}: Annotated" in source}
    assert options == named


@each
def test_every_setting_that_is_shown_exists(text: str) -> None:
    known = set(describe())
    shown = set(re.findall(r"MENKOU_[A-Z_]+", text))
    assert {name.removesuffix("_FILE") for name in shown} <= known
    assert {
        name for name in known if "WECHAT" in name and not name.endswith(("PREVIOUS", "PLAINTEXT", "BASE"))
    } <= shown


@each
def test_the_settings_file_that_is_shown_is_taken(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [shown] = re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    (tmp_path / "menkou.toml").write_text(shown, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert Settings().templates == {"reminder": "AbCdEfGhIjKlMnOp_-1"}


@each
def test_every_link_leads_to_a_file(text: str) -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    assert len(links) > 6
    assert [link for link in links if not (ROOT / unquote(link.split("#")[0])).exists()] == []


@each
def test_every_word_that_can_be_typed_is_understood(text: str) -> None:
    words = Router(SCRIPTS).words
    table = rows(section(text, "What you can type", "可以说什么"))
    assert len(table) > 9
    for row in table:
        english, chinese = (CODE.findall(cell) for cell in (row[:2] if text.startswith("# Menkou") else row[1::-1]))
        for one, other in zip(english, chinese, strict=True):
            if one in ALWAYS:
                assert any({one, other} <= known for known in (BACK, CANCEL, GO_ON, MORE, UNDO))
            else:
                assert words[plain(one)] is words[plain(other)], f"{one} and {other} are different"


def untold(text: str) -> set[str]:
    """Scripts that somebody could call by a word and that no table tells of."""
    words = Router(SCRIPTS).words
    shown = {plain(one) for one in CODE.findall(section(text, "What you can type", "可以说什么"))}
    return {one.name for one in SCRIPTS if one.words} - {words[one].name for one in shown if one in words}


@each
def test_every_conversation_that_has_a_word_is_told_of(text: str) -> None:
    assert untold(text) == UNTOLD


def test_a_conversation_that_is_not_told_of_would_be_noticed() -> None:
    """Control."""
    assert "claim" in untold(TEXTS["README.md"].replace("`claim`", "claim").replace("`申报`", "申报"))


@each
def test_every_promise_names_tests_that_there_are(text: str) -> None:
    promises = rows(section(text, "Promises", "承诺"))
    assert [row[0] for row in promises] == [f"P{n}" for n in range(1, 13)]
    for row in promises:
        tests = CODE.findall(row[2])
        assert tests
        for one in tests:
            file, _colons, name = one.partition("::")
            assert (ROOT / file).is_file(), one
            if name:
                assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), one


def test_both_languages_promise_the_same() -> None:
    english, chinese = (rows(section(text, "Promises", "承诺")) for text in TEXTS.values())
    assert [(row[0], row[2]) for row in english] == [(row[0], row[2]) for row in chinese]


def test_both_languages_show_the_same_words() -> None:
    english, chinese = (set(CODE.findall(section(text, "What you can type", "可以说什么"))) for text in TEXTS.values())
    assert english == chinese


@each
def test_every_folder_of_the_house_exists(text: str) -> None:
    folders = re.findall(r"^(\S+) {2,}\S", section(text, "The house", "屋子里有什么"), re.MULTILINE)
    assert len(folders) > 9
    assert [folder for folder in folders if not (ROOT / folder).is_dir()] == []


@each
def test_the_conversations_are_those_that_the_tests_play(text: str) -> None:
    shown = [(source, block) for source, block in blocks(text) if source != DEMO]
    assert len(shown) == 2
    for source, block in shown:
        assert block == excerpt(source), "python -m docs.readme --update writes it anew"


def test_a_conversation_that_has_changed_would_be_noticed() -> None:
    """Control."""
    text = TEXTS["README.md"]
    changed = text.replace("> Ann Lee", "> Ann Li")
    [first, *_rest] = [(source, block) for source, block in blocks(changed) if source != DEMO]
    assert first[1] != excerpt(first[0])
    assert "Ann Li\n" not in update(changed, "")


@each
def test_the_number_of_tests_is_not_exaggerated(text: str, request: pytest.FixtureRequest) -> None:
    if request.session.testscollected > 5000:  # all of them, not some folders or a few by name
        assert request.session.testscollected > 9000
    assert "9,000 tests" in text or "九千多个测试" in text


@pytest.mark.slow
async def test_the_demonstration_prints_what_is_shown_and_serves_it(tmp_path: Path) -> None:
    """The two commands' first: in a process of its own, on a free port, to an orderly end."""

    def run() -> tuple[str, dict[str, tuple[int, str]], int]:
        with Demonstration(tmp_path) as demo:
            wall = re.search(r"/wall/\d+\?k=[0-9a-f]+", demo.printed)
            assert wall
            pages = {path: demo.get(path) for path in ("/chat?as=lin", "/chat", "/healthz", "/readyz", wall[0])}
            return demo.printed, pages, demo.stop()

    printed, pages, code = await asyncio.to_thread(run)
    assert code == 0
    assert {status for status, _page in pages.values()} == {200}
    assert 'id="composer"' in pages["/chat"][1]
    for text in TEXTS.values():
        [shown] = [block for source, block in blocks(text) if source == DEMO]
        assert any_day(f"$ make demo\n{normalised(printed)}") == any_day(shown), "python -m docs.readme --update"


def any_day(printed: str) -> str:
    """How many activities there are depends on the day of the week."""
    return re.sub(r"[\d,]+ activities", "… activities", printed)
