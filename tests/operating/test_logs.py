"""No secret and no person reaches the log, whoever writes it and however."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from pydantic import BaseModel
from sqlalchemy import create_engine, text

from bot import logs

TOKEN = "7123456789:AAHk3v9-Zq_x8LwP0sTnUyRbEeDdCcFfGg1"
CANARIES = {
    "token": TOKEN,
    "aes key": "kH7dQ2mZ9xW4vB6nL1pR8sT3yU5aE0cF7gJ2iK4oM9q",
    "app secret": "0123456789abcdef0123456789abcdef",
    "access token": "88_QpZ7x-" + "a1B2c3D4e5" * 12,
    "database password": "hunter2-but-longer",
    "secret key": "correct.horse.battery.staple.and.more",
    "phone": "13810012345",
    "name": "欧阳娜娜",
    "English name": "Alexandra Whitfield",
    "openid": "oK8qF5xJ3zR7tY1wN6mB4vC2sL9d",
    "identity number": "11010519491231002X",
    "said": "我妈妈住院了，明天来不了",
}
KNOWN = [CANARIES[name] for name in ("token", "aes key", "app secret", "database password", "secret key")]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything at the most talkative level, kept in memory; logging is as it was afterwards."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level, logging.raiseExceptions)
    out = io.StringIO()
    logs.configure("debug", KNOWN, key="k" * 40, stream=out)
    yield out
    root.handlers[:], root.level, logging.raiseExceptions = before
    logging.captureWarnings(False)
    structlog.reset_defaults()


def hits(written: str) -> list[str]:
    plain = written + json.dumps(written)
    return [name for name, value in CANARIES.items() if value in plain or json.dumps(value)[1:-1] in plain]


def tell_everything() -> None:
    """Log calls, ours and the libraries', that carry every value in every place."""
    ours = structlog.get_logger("bot.turn")
    library = logging.getLogger("aiogram.event")
    for name, value in CANARIES.items():
        personal = name == "English name"
        field = "full_name" if personal else "why"
        ours.warning("something", **{field: value})
        ours.info("nested", detail={"rows": [{field: value}], "n": 1}, pair=(value,) if not personal else ())
        if not personal:
            ours.error(f"in the message {value}")
            library.warning("by argument %s and %r", value, {"a": value})
        for place in ("name", "phone", "text", "openid", "raw", "token", "Authorization"):
            ours.info("by field", **{place: value})


def fail_everywhere() -> None:
    """Faults as they really come, logged with their frames."""
    log = structlog.get_logger("bot.channels")
    database = create_engine("sqlite://")

    class Reads(BaseModel):
        phone: int

    def url() -> None:
        raise ConnectionError(
            f"Cannot connect to https://api.telegram.org/bot{TOKEN}/sendMessage and "
            f"https://api.weixin.qq.com/cgi-bin/message?access_token={CANARIES['access token']}&x=1"
        )

    def dsn() -> None:
        raise OSError(f"postgresql+asyncpg://city:{CANARIES['database password']}@10.0.0.1/menkou refused")

    def statement() -> None:
        with database.connect() as connection:
            connection.execute(text("SELECT * FROM nowhere WHERE name = :n AND phone = :p"), {
                "n": CANARIES["English name"], "p": CANARIES["phone"],
            })  # fmt: skip

    def value() -> None:
        int(CANARIES["English name"])

    def said() -> None:
        secret_in_a_local = CANARIES["said"]
        raise ValueError(f"cannot read {secret_in_a_local!r} of {CANARIES['openid']} {CANARIES['phone']}")

    def model() -> None:
        Reads.model_validate({"phone": CANARIES["English name"]})

    def chained() -> None:
        try:
            said()
        except ValueError as fault:
            raise RuntimeError(f"{CANARIES['identity number']}: {CANARIES['secret key']}") from fault

    def local() -> None:
        name, aes = CANARIES["English name"], CANARIES["aes key"]
        raise ZeroDivisionError(len(name + aes))

    for fault in (url, dsn, statement, value, said, model, chained, local):
        try:
            fault()
        except Exception:
            log.exception("broke")
            logging.getLogger("aiohttp.server").exception("Error handling request")
        else:
            raise AssertionError(fault)
    database.dispose()


def test_no_secret_and_no_person_reaches_the_log(log: io.StringIO) -> None:
    tell_everything()
    fail_everywhere()
    written = log.getvalue()
    assert len(written.splitlines()) > 100
    assert hits(written) == []


def test_the_same_calls_without_redaction_would_show_them_all(
    log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control of the test above."""
    monkeypatch.setattr(logs.Redaction, "__call__", lambda _self, _logger, _method, record: record)
    tell_everything()
    fail_everywhere()
    assert set(hits(log.getvalue())) == set(CANARIES)


def test_shapes_alone_find_secrets_that_nobody_named() -> None:
    bare = logs.Redaction()
    for name in ("token", "aes key", "phone", "openid", "identity number", "name", "said"):
        assert CANARIES[name] not in bare.text(f"x {CANARIES[name]} y"), name


@pytest.mark.parametrize(
    "text",
    [
        "errcode=40001 errmsg=invalid credential",
        "status code: 502",
        "KeyError: 'shift'",
        "GET /wall/{activity} 200 in 12 ms",
        "revision 0001, 3 rows of outbox, 1764294000000",
        "sent 28 of 30 by telegram at 2026-11-28T01:30:00Z",
        "storage/tables/enrolment.py:17 in uq_enrolment_shift_person",
        "ix_a_very_long_index_name_of_the_database_schema_that_is_over_forty",
    ],
)
def test_what_an_operator_needs_is_left_alone(text: str) -> None:
    assert logs.Redaction(KNOWN).text(text) == text


def test_a_personal_value_keeps_one_mark_that_tells_nothing() -> None:
    one, same, other = logs.Redaction(key="a" * 40), logs.Redaction(key="a" * 40), logs.Redaction(key="b" * 40)
    assert one.mark("13810012345") == same.mark("13810012345") != one.mark("13810012346")
    assert one.mark("13810012345") != other.mark("13810012345")


def test_every_line_is_one_json_object(log: io.StringIO) -> None:
    structlog.get_logger("bot.turn").info("turned", door="web", script="join", seconds=0.012, person=7)
    logging.getLogger("apscheduler").warning("late by %s", 3)
    ours, theirs = [json.loads(line) for line in log.getvalue().splitlines()]
    assert ours.pop("at").endswith("Z")
    assert ours == {
        "event": "turned", "door": "web", "script": "join", "seconds": 0.012, "person": 7,
        "level": "info", "logger": "bot.turn",
    }  # fmt: skip
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("late by 3", "warning", "apscheduler")


def test_an_exception_tells_its_frames(log: io.StringIO) -> None:
    try:
        raise KeyError("shift")
    except KeyError:
        structlog.get_logger().exception("broke")
    told = json.loads(log.getvalue())["exception"]
    assert "test_an_exception_tells_its_frames" in told
    assert told.endswith("KeyError: 'shift'")


@pytest.mark.parametrize("typed", ["E40096123", "Alexandra", "two words"])
def test_an_exception_tells_no_value_however_short(log: io.StringIO, typed: str) -> None:
    fields = {"shift": typed}
    for broken in (lambda: int(fields["shift"]), lambda: {}[typed], lambda: typed.nothing):  # type: ignore[attr-defined]
        try:
            broken()
        except (ValueError, KeyError, AttributeError):
            structlog.get_logger().exception("broke")
    told = [json.loads(line)["exception"] for line in log.getvalue().splitlines()]
    assert typed not in "".join(told)
    assert told[0].endswith("with base 10: '[cut]'")
    assert told[2].endswith("'str' object has no attribute 'nothing'")


def test_a_terminal_gets_lines_for_people_without_local_values() -> None:
    out = io.StringIO()
    root = logging.getLogger()
    before = (root.handlers[:], root.level, logging.raiseExceptions)
    try:
        logs.configure("info", KNOWN, stream=out, pretty=True)
        fail_everywhere()
    finally:
        root.handlers[:], root.level, logging.raiseExceptions = before
        logging.captureWarnings(False)
        structlog.reset_defaults()
    assert "broke" in out.getvalue()
    assert hits(out.getvalue()) == []


def test_sqlalchemys_statements_stay_out_even_when_debugging(log: io.StringIO) -> None:
    assert not logging.getLogger("sqlalchemy.engine").isEnabledFor(logging.INFO)
    assert logging.getLogger("sqlalchemy.engine").isEnabledFor(logging.WARNING)


async def test_a_task_that_nobody_waited_for_tells_no_values(log: io.StringIO) -> None:
    loop = asyncio.get_running_loop()
    loop.call_exception_handler(
        {"message": "never retrieved", "exception": ValueError(TOKEN), "text": CANARIES["said"]}
    )
    assert "never retrieved" in log.getvalue()
    assert hits(log.getvalue()) == []


def test_warnings_go_the_same_way(log: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn(f"a token {TOKEN} is old", stacklevel=1)
    assert "is old" in log.getvalue()
    assert hits(log.getvalue()) == []


def test_context_of_a_turn_goes_with_every_record(log: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(turn="t1", openid=CANARIES["openid"]):
        logging.getLogger("bot").info("inside")
    found = json.loads(log.getvalue())
    assert found["turn"] == "t1"
    assert found["openid"].startswith("#")


def test_a_crash_goes_through_the_log(log: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    logs.hook_crashes(structlog.get_logger("bot").critical)
    hook: Callable[..., Any] = sys.excepthook
    hook(ValueError, ValueError(TOKEN), None)
    assert "crashed" in log.getvalue()
    assert hits(log.getvalue()) == []


def test_our_own_records_look_like_the_libraries(log: io.StringIO) -> None:
    structlog.get_logger("bot.turn").warning("told %s", "twice", door="web")
    logging.getLogger("bot.turn").warning("told %s", "twice", extra={"door": "web"})
    ours, theirs = map(json.loads, log.getvalue().splitlines())
    assert list(ours) == ["door", "event", "level", "logger", "at"]
    assert {name: value for name, value in ours.items() if name not in ("at", "door")} == {
        name: value for name, value in theirs.items() if name != "at"
    }


def test_what_is_below_the_level_is_not_even_looked_at() -> None:
    out = io.StringIO()
    logs_before = logging.getLogger().handlers[:], logging.getLogger().level, logging.raiseExceptions
    try:
        logs.configure("warning", stream=out)
        structlog.get_logger("turn").info("quiet", what=object())
        structlog.get_logger("turn").warning("loud")
    finally:
        logging.getLogger().handlers[:], logging.getLogger().level, logging.raiseExceptions = logs_before
        logging.captureWarnings(False)
        structlog.reset_defaults()
    assert [json.loads(line)["event"] for line in out.getvalue().splitlines()] == ["loud"]


class _Unsayable:
    def __str__(self) -> str:
        raise RuntimeError("and it says so with a secret")


@pytest.mark.parametrize("full", [False, True], ids=["it cannot be said", "the disk is full"])
def test_a_record_that_cannot_be_written_stops_nothing(
    log: io.StringIO, full: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if full:
        monkeypatch.setattr(log, "write", lambda line: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    structlog.get_logger("turn").info("turn", why=_Unsayable())
    monkeypatch.undo()
    structlog.get_logger("turn").info("and the next one is told")
    assert [json.loads(line)["event"] for line in log.getvalue().splitlines()] == ["and the next one is told"]


def test_what_is_remembered_of_a_short_text_is_its_clean_form_and_each_log_s_own() -> None:
    knows = logs.Redaction(["hunter2-but-longer"])
    said = "the password is hunter2-but-longer"
    assert [knows.text(said) for _time in range(2)] == [f"the password is {logs.HIDDEN}"] * 2
    assert logs.Redaction(["something else"]).text(said) == said
