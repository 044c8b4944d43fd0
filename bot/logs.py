"""What goes into the log: one JSON object a line on standard error, without secrets and without people.

Every record passes here, ours and the libraries', so that nothing depends on a caller's care: secrets known at the
start and anything shaped like one are cut out, personal fields become short marks, an exception tells its frames but
no values.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, TextIO

import structlog
from pydantic_core import to_json
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN = "[secret]"

CUT = "[cut]"
"""Stands for what a person may have written or what names a person."""

PERSONAL = frozenset(
    {
        *("address", "answer", "born", "chat", "chat_id", "document", "email", "external", "first_name", "from_user"),
        *("full_name", "guardian", "id_number", "last_name", "latitude", "longitude", "message", "name", "openid"),
        *("parameters", "params", "phone", "photo", "place", "raw", "reply", "sender", "session", "text", "to"),
        *("unionid", "user", "user_id", "username", "values", "voice", "who", "words"),
    }
)
"""Fields that may hold something personal: the log gets a mark, the same for the same value, that tells nothing."""

SECRET_FIELD = re.compile(r"(?i)(token|secret|password|passwd|authorization|cookie|api_?key|aes_?key|signature|ticket)")
"""Fields whose value is never shown, whatever it is."""

SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    # Telegram: the token is part of every address that is called.
    (re.compile(r"\b(bot)?\d{4,16}:[A-Za-z0-9_-]{30,64}"), HIDDEN),
    # Passwords in addresses, and whatever stands behind such a name in an address, a header or a printed dictionary.
    (re.compile(r"(://[^\s:/@]*):[^\s/@]+@"), rf"\1:{HIDDEN}@"),
    (
        re.compile(
            r"(?i)\b([a-z_]*(?:token|secret|ticket|signature|password|nonce|openid|unionid|touser|authorization))"
            r"(['\"]?\s*[=:]\s*['\"]?)(?:bearer\s+)?[^\s&'\",;)}\]]+"
        ),
        rf"\1\2{HIDDEN}",
    ),
    (re.compile(r"(?i)([?&](?:key|code|echostr|scene|state)=)[^\s&'\",;)}\]]+"), rf"\1{HIDDEN}"),
    # Keys: WeChat's EncodingAESKey is 43 signs, ours are as long or longer.
    (re.compile(r"(?<![A-Za-z0-9_/.-])(?=[A-Za-z0-9_-]*\d)(?=[A-Za-z0-9_-]*[A-Za-z])[A-Za-z0-9_-]{40,}=*"), HIDDEN),
    # What SQLAlchemy and the databases tell of the row that was refused.
    (re.compile(r"\[parameters:.*", re.DOTALL), f"[parameters: {CUT}]"),
    (re.compile(r"DETAIL:.*"), f"DETAIL: {CUT}"),
    # And pydantic of the value.
    (re.compile(r"input_value=.*?(?=, input_type|$)"), f"input_value={CUT}"),
    # People: WeChat's openid, a mobile number, an identity number, an e-mail address.
    (re.compile(r"\bo[A-Za-z0-9_-]{27}\b"), CUT),
    (re.compile(r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)"), CUT),
    (re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)"), CUT),
    (re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.]+\b"), CUT),
    # Our own messages are English: Chinese in a log is something that a person said or is called.
    (
        re.compile(
            r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff][\u3000-\u9fff\uf900-\uffef\U00020000-\U0003ffff]*"
        ),
        CUT,
    ),
)


SHORT = 48
"""Signs of a text whose cleaning is remembered: the same few words stand in every record, and a look through twenty
shapes costs more than the rest of the record."""

QUOTED = re.compile(r"'([^'\n]*)'( object\b)?|\"([^\"\n]*)\"")
"""In an exception's message: what is quoted. Python quotes values that it could not take, and names of types."""

WORD = re.compile(r"\w+")


class Redaction:
    """Takes secrets and people out of a record; the last step before it is written."""

    def __init__(self, secrets: Iterable[str] = (), key: str = "") -> None:
        # The longest first: one secret may be the beginning of another.
        known = sorted({secret for secret in secrets if len(secret) >= 4}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None
        # With a key of its own, or a random one: a phone number has too few possibilities for a bare hash.
        self._short = lru_cache(maxsize=1024)(self._cleaned)
        self._key = hashlib.sha256(b"menkou log key" + (key.encode() or os.urandom(32))).digest()

    def __call__(self, _logger: WrappedLogger, _method: str, record: EventDict) -> EventDict:
        """A structlog processor."""
        return {
            # Nearly everything is a short text under no special name.
            name: self._short(value)
            if type(value) is str and len(value) <= SHORT and not _kind(name)
            else self._field(name, value)
            for name, value in record.items()
        }

    def mark(self, value: object) -> str:
        """The same mark for the same value, from which the value cannot be found."""
        return "#" + hmac.new(self._key, str(value).encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:8]

    def text(self, text: str) -> str:
        """The text without secrets and people."""
        return self._short(text) if len(text) <= SHORT else self._cleaned(text)

    def _cleaned(self, text: str) -> str:
        if self._known:
            text = self._known.sub(HIDDEN, text)
        for shape, instead in SHAPES:
            text = shape.sub(instead, text)
        return text

    def _field(self, name: str, value: Any) -> Any:
        if value is None or isinstance(value, bool):
            return value
        match _kind(name):
            case "secret":
                return HIDDEN
            case "personal":
                return self.mark(value)
            case "exception" if isinstance(value, str):
                return self._exception(value)
        return self._value(value)

    def _exception(self, trace: str) -> str:
        """Frames are indented and are our own source; the other lines are messages, which may quote a value.

        What stands in the source too is a name of ours; one word that does not may be somebody's.
        """
        source = {word for line in trace.splitlines() if line[:1].isspace() for word in WORD.findall(line)}

        def shown(quoted: re.Match[str]) -> str:
            ours = quoted[2] or (quoted[1] or quoted[3]) in source
            return quoted[0] if ours else f"'{CUT}'"

        lines = (line if line[:1].isspace() else QUOTED.sub(shown, line) for line in trace.splitlines())
        return self.text("\n".join(lines))

    def _value(self, value: Any) -> Any:
        match value:
            case bool() | float() | None:
                return value
            case int():
                # A number can be a phone's.
                return value if abs(value) < 10**10 else self.text(str(value))
            case str():
                return self.text(value)
            case Mapping():
                return {str(name): self._field(str(name), inner) for name, inner in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self._value(inner) for inner in value]
            case bytes():
                return f"[{len(value)} bytes]"
        return self.text(str(value))


def configure(
    level: str = "info",
    secrets: Iterable[str] = (),
    key: str = "",
    stream: TextIO | None = None,
    pretty: bool | None = None,
) -> Redaction:
    """Send all logs through one handler to `stream` (standard error): JSON, or lines for people on a terminal.

    `secrets` are never shown in any field; `key` makes the marks of personal values, the same in every replica.
    """
    out = stream or sys.stderr
    threshold = logging.getLevelNamesMapping()[level.upper()]
    redaction = Redaction(secrets, key)
    if pretty is None:
        pretty = out.isatty()
    first: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
    ]
    write: Processor = (
        # Its usual way with an exception shows the frames' local values.
        structlog.dev.ConsoleRenderer(colors=True, exception_formatter=structlog.dev.plain_traceback)
        if pretty
        else _as_json
    )
    last: list[Processor] = [
        structlog.processors.format_exc_info,
        redaction,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        write,
    ]
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=first,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(threshold)
    for name, quiet in QUIET.items():
        logging.getLogger(name).setLevel(max(quiet, root.level))
    logging.captureWarnings(True)
    # A record that cannot be written is dropped without the interpreter's report, which would show its arguments.
    logging.raiseExceptions = False
    structlog.configure(
        processors=[*first, _whole],
        logger_factory=lambda name="menkou": Straight(name, last, handler),
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        cache_logger_on_first_use=False,
    )
    return redaction


class Straight:
    """Brings our own records to the handler's stream, without making one of the library's records of each: that costs
    three times as much, and there is one with every turn.

    A record that cannot be written is dropped here too: nothing may break because it was told.
    """

    def __init__(self, name: str, last: Sequence[Processor], handler: logging.StreamHandler[TextIO]) -> None:
        self.name = name
        self._last = last
        self._handler = handler

    def msg(self, record: MutableMapping[str, Any]) -> None:
        """One record."""
        line: Any = record
        with suppress(Exception):
            for step in self._last:
                line = step(self, "msg", line)
            handler = self._handler
            handler.acquire()
            try:
                handler.stream.write(f"{line}{handler.terminator}")
                handler.stream.flush()
            finally:
                handler.release()

    debug = info = warning = error = critical = msg


def _whole(_logger: WrappedLogger, _method: str, record: EventDict) -> tuple[tuple[EventDict], dict[str, Any]]:
    """The record as it is, for `Straight`."""
    return (record,), {}


def _as_json(_logger: WrappedLogger, _method: str, record: EventDict) -> str:
    try:
        return to_json(record, fallback=str).decode()
    except ValueError:  # half a surrogate pair, or too deep
        return json.dumps(record, ensure_ascii=False, default=str)


@lru_cache(maxsize=1024)
def _kind(name: str) -> str:
    """What a field's name says of its value."""
    if SECRET_FIELD.search(name):
        return "secret"
    if name.lower() in PERSONAL:
        return "personal"
    return name if name == "exception" else ""


QUIET: Mapping[str, int] = {
    "sqlalchemy": logging.WARNING,  # at INFO it writes every statement with its values
    "aiosqlite": logging.WARNING,
    "asyncio": logging.WARNING,
    "apscheduler": logging.WARNING,
    "aiogram": logging.INFO,
    "alembic": logging.WARNING,
    "urllib3": logging.WARNING,
    "prompt_toolkit": logging.WARNING,
}
"""Libraries that say too much, and the least level that is heard from them even when debugging."""


def hook_crashes(log: Callable[..., Any]) -> None:
    """What nothing caught goes through the log too, instead of bare onto the terminal."""

    def crashed(kind: type[BaseException], fault: BaseException, trace: Any) -> None:
        log("crashed", exc_info=(kind, fault, trace))

    sys.excepthook = crashed
