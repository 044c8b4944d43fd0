"""What a bot costs at its start: aiogram's models are built when they are first used, and then they are whole.

Each look is a process of its own: in this one other tests have used aiogram already.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent

BUILT = """
import json, aiogram.types
def built():
    models = (getattr(aiogram.types, name) for name in aiogram.types.__all__)
    return sorted(one.__name__ for one in models if getattr(one, "__dict__", {}).get("__pydantic_complete__"))
"""


def told(program: str) -> list[list[str]]:
    """What a fresh process prints, line by line."""
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return [json.loads(line) for line in ran.stdout.splitlines()]


def test_the_start_and_a_conversation_in_words_build_none_of_the_types_and_a_picture_those_that_it_needs() -> None:
    # All 446 were built at the import: two seconds and 105 MB before the first message.
    (start, words, picture) = told(
        "from bot.channels.telegram import api, door, intake, pages, polling, updates, webhook"
        + BUILT
        + """
from datetime import UTC, datetime
from bot.talk.view import Button, Page
print(json.dumps(built()))
person = {"id": 7, "is_bot": False, "first_name": "x"}
said = {"message_id": 1, "date": 1, "chat": {"id": 7, "type": "private"}, "from": person, "text": "find"}
read = updates.Reader(lambda: datetime.now(UTC), ["find"]).read({"update_id": 1, "message": said})
assert read.incoming.text == "find"
pages.layout(Page("hello", (Button(1, "Find", "1.1"),))).message.to(7)
print(json.dumps(built()))
sent = {name: value for name, value in said.items() if name != "text"}
sent["photo"] = [{"file_id": "p", "file_unique_id": "u", "width": 90, "height": 90}]
read = updates.Reader(lambda: datetime.now(UTC), ["find"]).read({"update_id": 2, "message": sent})
assert read.incoming.photo.key == "p"
print(json.dumps(built()))
"""
    )
    assert start == words == []
    assert set(picture) == {"Message"}


def test_without_our_way_of_importing_it_everything_is_built_at_once() -> None:
    # The control: should aiogram or pydantic learn to wait by itself, `library.py` can go.
    (start,) = told(BUILT + "print(json.dumps(built()))")
    assert len(start) > 400


def test_pydantic_is_as_it_was_afterwards_for_everybody_else() -> None:
    (names,) = told(
        """
import json
from pydantic import BaseModel
before = BaseModel.__dict__["model_rebuild"]
from bot.channels.telegram import library
assert BaseModel.__dict__["model_rebuild"] is before
class Late(BaseModel):
    other: "Other"
class Other(BaseModel):
    name: str
Late.model_rebuild()
print(json.dumps([Late.model_validate({"other": {"name": "x"}}).other.name]))
"""
    )
    assert names == ["x"]


@pytest.mark.parametrize("first", ["aiogram", "bot.channels.telegram.library"])
def test_a_type_within_types_is_read_whoever_imported_aiogram_first(first: str) -> None:
    (found,) = told(
        f"""
import json, importlib
importlib.import_module({first!r})
from bot.channels.telegram.library import CallbackQuery
under = {{"message_id": 1, "date": 1, "chat": {{"id": 7, "type": "private"}}}}
person = {{"id": 7, "is_bot": False, "first_name": "x"}}
query = CallbackQuery.model_validate({{"id": "1", "from": person, "chat_instance": "c", "message": under}})
print(json.dumps([type(query.message).__name__, query.message.chat.type, query.from_user.first_name]))
"""
    )
    assert found == ["Message", "private", "x"]
