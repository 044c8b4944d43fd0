"""The catalogues are up to date and whole, every message can be put into words, and what messages tell people to type
is understood."""

from __future__ import annotations

import inspect
import re
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.messages.pofile import read_po

from bot.domain import reminders
from bot.domain.places import beijing
from bot.domain.roll import read_calls
from bot.domain.search import sounds_like_search
from bot.domain.when import read_moment, read_span
from bot.talk import LANGUAGES, Address, Incoming, Text, Unclear, Wording
from bot.talk.numbers import plain
from bot.talk.router import BACK, CANCEL, MORE, UNDO, Router
from bot.talk.script import Reader
from handlers.campaign import before_the_start
from handlers.scripts import SCRIPTS
from handlers.whom import from_to
from tests.messages import Catalogues, faults_of_calls, faults_of_sentence, forms, main, names, written

BEIJING = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=BEIJING)

NOT_TYPED = {"门口", "位置", "报名"}
"""Quoted in Chinese as a name: ours, and the button of WeChat that shares a place."""


@pytest.fixture
def town(tmp_path: Path) -> Catalogues:
    """A small project with one handler and catalogues that are in order."""
    (tmp_path / "handlers").mkdir()
    (tmp_path / "bot" / "pages" / "templates").mkdir(parents=True)
    catalogues = Catalogues(tmp_path)
    write(catalogues, '_("You are number {n}.", n=3)')
    catalogues.update()
    translate(catalogues, "您排第 {n} 位。")
    return catalogues


def write(town: Catalogues, *calls: str) -> None:
    (town.root / "handlers" / "greet.py").write_text("from bot.talk import _, ngettext\n" + "\n".join(calls) + "\n")


def translate(town: Catalogues, chinese: str) -> None:
    """Fill in the last message of the Chinese catalogue."""
    text = town.chinese.read_text()
    town.chinese.write_text(text[: text.rindex("msgstr")] + f'msgstr "{chinese}"\n')


# --- Our own catalogues -----------------------------------------------------------------------------------------------


def test_the_catalogues_of_this_project_are_in_order() -> None:
    assert Catalogues().faults() == []


def test_the_template_holds_messages_of_handlers_pages_and_the_core() -> None:
    template = Catalogues().template.read_text()
    for source in ("handlers/find.py", "bot/pages/wall.py", "bot/talk/router.py", "bot/turn.py"):
        assert re.search(rf"^#: .*{source}", template, re.MULTILINE)


def test_the_template_names_no_line_no_day_and_no_machine() -> None:
    template = Catalogues().template.read_text()
    assert not re.search(r"\.py:\d|Creation-Date|Revision-Date|Generated", template)
    assert str(Path.home()) not in template


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_can_be_put_into_words(language: str) -> None:
    wording = Wording(language, BEIJING)
    for message in Catalogues().messages():
        if not message.id:
            continue
        singular, plural = (message.id, "") if isinstance(message.id, str) else (message.id[0], message.id[1])
        values = {name: f"<{name}>" for name in names(singular) | names(plural)}
        for count in (1, 2):
            said = wording(Text(singular, values, plural, count))
            assert said
            assert not re.search(r"[{}]", said)
            assert all(value in said for value in values.values())
            assert language == "en" or re.search(r"[\u4e00-\u9fff]", said) or not re.search("[a-z]{3}", bare(said))


def bare(said: str) -> str:
    """A sentence without its values."""
    return re.sub(r"<[a-z_]+>", "", said)


def test_english_has_a_form_for_one_and_a_form_for_many() -> None:
    wording = Wording("en", BEIJING)
    forms_said = [wording(Text("{n} seat left", {"n": count}, "{n} seats left", count)) for count in (0, 1, 2)]
    assert forms_said == ["0 seats left", "1 seat left", "2 seats left"]


def quoted() -> Iterator[tuple[str, str]]:
    """What messages quote, as something to type, with the sentence around it, in both languages."""
    with Catalogues().chinese.open("rb") as po:
        for message in read_po(po, locale="zh_CN"):
            for both in forms(message) if message.id else ():
                for sentence in both:
                    for words in re.findall(r"“([^”{]+)”", sentence):
                        yield words, sentence


def test_whatever_a_message_tells_people_to_type_is_understood() -> None:
    known = {*Router(SCRIPTS).words, *CANCEL, *BACK, *MORE, *UNDO}
    found = list(quoted())
    assert {"find", "找活动", "menu", "菜单", "more", "更多"} <= {words for words, _sentence in found}
    for words, sentence in found:
        assert (
            plain(words) in known
            or words in NOT_TYPED
            or read_span(words, MONDAY, BEIJING)
            or read_calls(words)
            or reminders.read(words)
            or sounds_like_search(words, MONDAY, BEIJING, beijing())
            or beijing().match(words)
            or read_moment(words, MONDAY, BEIJING)
            or any(takes(read, words) for read in (before_the_start, from_to))
        ), sentence


def takes(read: Reader, words: str) -> bool:
    """Does a reader make something of these words?"""
    try:
        return bool(read(Incoming(Address("web", "somebody"), "1", MONDAY, text=words)))
    except Unclear:
        return False


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_that_help_lists_are_known(language: str) -> None:
    known = {*Router(SCRIPTS).words, *CANCEL, *BACK, *MORE, *UNDO}
    wording = Wording(language, BEIJING)
    listed = wording(
        Text("find · my · checkin · checkout · hours · subscribe · unsubscribe · language · settings")
    ).split(" · ")
    ways = wording(
        Text("back: one question back. cancel: stop. undo: take the last change back. more: read on. menu: everything.")
    )
    listed += re.findall(r"(?:^|[.。] ?)(\w+)[:：]", ways)
    assert len(listed) == 14
    assert [word for word in listed if plain(word) not in known] == []


def test_a_script_that_asks_has_a_title_to_be_taken_up_again_by() -> None:
    asking = re.compile(r"await (?:talk\.(?:ask|choose|confirm|browse)|introduced|show)\(")
    assert [one.name for one in SCRIPTS if asking.search(inspect.getsource(one.run)) and not one.title] == []


# --- What the checks catch --------------------------------------------------------------------------------------------


def test_a_project_in_order_has_no_faults(town: Catalogues) -> None:
    assert town.faults() == []


def test_a_stale_template_is_caught(town: Catalogues) -> None:
    write(town, '_("You are number {n}.", n=3)', '_("Welcome.")')
    assert any("menkou.pot is stale" in fault for fault in town.faults())
    assert any("zh_CN does not know “Welcome.”" in fault for fault in town.faults())


def test_a_message_that_moves_within_its_file_leaves_the_template_alone(town: Catalogues) -> None:
    write(town, "", "", '_("You are number {n}.", n=4)')
    assert town.faults() == []


def test_a_message_without_chinese_is_caught(town: Catalogues) -> None:
    translate(town, "")
    assert any("is not translated" in fault for fault in town.faults())


def test_an_update_keeps_what_was_translated_and_marks_a_guess(town: Catalogues) -> None:
    write(town, '_("You are the number {n}.", n=3)')
    town.update()
    assert "您排第 {n} 位。" in town.chinese.read_text()
    assert [fault for fault in town.faults() if "only guessed" in fault]
    town.chinese.write_text(re.sub(r"^#[,|].*\n", "", town.chinese.read_text(), flags=re.MULTILINE))
    assert town.faults() == []


def test_a_message_that_nothing_says_is_caught_and_goes_with_the_next_update(town: Catalogues) -> None:
    write(town, '_("Something else altogether")')
    assert any("which nothing says" in fault for fault in town.faults())
    town.update()
    assert "number {n}" not in town.chinese.read_text()


def test_an_obsolete_message_is_caught(town: Catalogues) -> None:
    with town.chinese.open("a") as po:
        po.write('\n#~ msgid "Farewell."\n#~ msgstr "再见。"\n')
    assert any("keeps “Farewell.”" in fault for fault in town.faults())


def test_a_message_said_with_and_without_a_count_is_one_message(town: Catalogues) -> None:
    write(town, '_("{n} seat", n=1)', 'ngettext("{n} seat", "{n} seats", 2)')
    town.update()
    translate(town, "")
    town.chinese.write_text(town.chinese.read_text().replace('msgstr ""\n', 'msgstr[0] "{n} 个名额"\n'))
    assert [one.id for one in town.messages() if one.id] == [("{n} seat", "{n} seats")]


@pytest.mark.parametrize(
    ("english", "chinese", "fault"),
    [
        ("You are number {n}.", "您在排队。", "the Chinese lacks the value {n}"),
        ("You are number {n}.", "您排第 {n} 位，{name}。", "the Chinese has a value {name}"),
        ("You are number {n}.", "您排第 {n 位。", "has a broken value"),
        ("Hello.", "", "is not translated"),
        ("Hello.", "您好.", "half-width punctuation beside Chinese: 好."),
        ("Hello, you.", "您好,朋友。", "half-width punctuation"),
        ("Hello!", "您好!", "half-width punctuation"),
        ("Are you there?", "您在吗?", "half-width punctuation"),
        ("Time: {n}", "时间: {n}", "half-width punctuation"),
        ("Send “find”.", "发送“find”。", "give the Chinese word"),
        ("Hello.", " 您好。", "begins or ends with a space"),
    ],
)
def test_a_faulty_translation_is_caught(english: str, chinese: str, fault: str) -> None:
    assert any(fault in found for found in faults_of_sentence(english, chinese))


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("You are number {n}.", "您排第 {n} 位。"),
        ("Like “Sat 9:00-11:30”.", "比如“周六 9:00-11:30”。"),
        ("{n} % of the time", "{n}% 的时间"),
        ("In any chat, send “{link}”.", "聊天时发送“{link}”。"),
    ],
)
def test_a_good_translation_passes(english: str, chinese: str) -> None:
    assert list(faults_of_sentence(english, chinese)) == []


@pytest.mark.parametrize(
    ("call", "fault"),
    [
        ('_("You are number {n}.")', "wants the value {n}"),
        ('_("You are number {n}.", m=3)', "wants the value {n}"),
        ('_("Hello.", n=3)', "is given n"),
        ('_(f"Hello {name}.")', "must be a plain string"),
        ('_("Hello" + name)', "must be a plain string"),
        ('ngettext("{n} seat of {m}", "{n} seats of {m}", 3)', "wants the value {m}"),
        ('ngettext("{n} seat", plural, 3)', "must be a plain string"),
        ("_(", "cannot be read"),
    ],
)
def test_a_call_that_could_not_be_worded_is_caught(tmp_path: Path, call: str, fault: str) -> None:
    source = tmp_path / "greet.py"
    source.write_text(call + "\n")
    assert any(fault in found for found in faults_of_calls([("handlers/greet.py", source)]))


def test_only_a_page_may_leave_values_to_be_filled_in_by_the_browser(tmp_path: Path) -> None:
    source = tmp_path / "wall.py"
    source.write_text('_("New code in {seconds} s")\n')
    assert list(faults_of_calls([("bot/pages/wall.py", source)])) == []
    assert list(faults_of_calls([("handlers/wall.py", source)])) != []


def test_a_sentence_within_a_template_is_caught(town: Catalogues) -> None:
    (town.root / "bot" / "pages" / "templates" / "a.html").write_text('<h1>{{ _("Welcome") }}</h1>')
    assert any("templates/a.html" in fault for fault in town.faults())


def test_a_percent_sign_is_no_format(town: Catalogues) -> None:
    write(town, '_("{n} % of the time", n=3)')
    assert "python-format" not in written(town.messages(), "Title")


def test_the_command_says_what_is_wrong_and_fails(
    town: Catalogues, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tests.messages.Catalogues", lambda: town)
    assert main([]) == 0
    write(town, '_("Welcome.")')
    assert main([]) == 1
    assert "menkou.pot is stale: run `make messages`" in capsys.readouterr().err
    assert main(["--update"]) == 1  # brought up to date, but not translated
    assert "stale" not in capsys.readouterr().err
    translate(town, "欢迎。")
    assert main([]) == 0
    assert main(["--nonsense"]) == 2


def test_updating_twice_changes_nothing(town: Catalogues) -> None:
    shutil.copytree(town.root / "locales", town.root / "before")
    town.update()
    assert town.template.read_text() == (town.root / "before" / "menkou.pot").read_text()
    assert town.chinese.read_text() == (town.root / "before" / "zh_CN" / "LC_MESSAGES" / "menkou.po").read_text()
