"""What an operator can set: the environment first, then `menkou.toml`; a name that does not exist is refused."""

from __future__ import annotations

import difflib
import os
import re
import secrets
import tomllib
from collections.abc import Iterator, Mapping
from datetime import time, tzinfo
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bot.delivery.pace import FREE_RATE
from bot.domain.notices import Kind
from bot.domain.rulesets import SHIPPED, BadRules, Rules, with_own
from bot.templates import Templates

PREFIX = "MENKOU_"

TESTING = ("MENKOU_TEST_", "MENKOU_CI")
"""Names that begin like this belong to the tests (`MENKOU_TEST_POSTGRES`) and are nobody's settings."""

FILE = Path("menkou.toml")
"""Read from the working directory."""

FOLDER = Path("var")
"""Where a city on one machine keeps what it makes: the database, its backups, the demonstration city."""

KEY_LENGTH = 32
"""Characters that the secret key has at least: all other keys are derived from it."""

NEW_KEY = 'python -c "import secrets; print(secrets.token_urlsafe(48))"'
"""The command that makes a secret key."""


class BadSettings(Exception):
    """The settings cannot be used; `problems` are lines for the operator, each with its fix and without values."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class NotPossible(Exception):
    """What the operator asked for cannot be done; the text is one line with the way out, and names no person."""


def _telegram_token(value: SecretStr) -> SecretStr:
    """Telegram writes the bot's number, a colon and 35 characters."""
    if not re.fullmatch(r"\d{4,16}:[A-Za-z0-9_-]{30,64}", value.get_secret_value()):
        raise ValueError("is not a bot token; @BotFather shows it as 123456789:AAF…")
    return value


def _telegram_secret(value: SecretStr) -> SecretStr:
    """Bot API, setWebhook: 1–256 characters A-Z, a-z, 0-9, _ and -; under 32 anybody could guess it."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{32,256}", value.get_secret_value()):
        raise ValueError(f"needs 32 to 256 letters, digits, _ or -; make one: {NEW_KEY}")
    return value


def _wechat_app_id(value: str) -> str:
    if not re.fullmatch(r"wx[0-9a-f]{16}", value):
        raise ValueError("is not an AppID; the console shows it as wx and 16 digits or letters a–f")
    return value


def _wechat_token(value: SecretStr) -> SecretStr:
    """WeChat's console: 3–32 letters and digits."""
    if not re.fullmatch(r"[A-Za-z0-9]{3,32}", value.get_secret_value()):
        raise ValueError("needs 3 to 32 letters and digits, the same as Token in the console")
    return value


def _aes_key(value: SecretStr) -> SecretStr:
    """WeChat's console: 43 letters and digits, which are 32 bytes in Base64 without its last sign."""
    if not re.fullmatch(r"[A-Za-z0-9]{43}", value.get_secret_value()):
        raise ValueError("needs 43 letters and digits, the same as EncodingAESKey in the console")
    return value


def _secret_key(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < KEY_LENGTH:
        raise ValueError(f"needs at least {KEY_LENGTH} characters; make one: {NEW_KEY}")
    return value


def _database(value: str) -> str:
    """Addresses that people copy from elsewhere get the driver that Menkou uses."""
    scheme, colon, rest = value.partition("://")
    scheme = {
        "sqlite": "sqlite+aiosqlite",
        "postgres": "postgresql+asyncpg",
        "postgresql": "postgresql+asyncpg",
    }.get(scheme, scheme)
    if not colon or scheme not in ("sqlite+aiosqlite", "postgresql+asyncpg"):
        raise ValueError("needs sqlite+aiosqlite:///var/menkou.db or postgresql+asyncpg://name:password@host/database")
    return f"{scheme}://{rest}"


def _listen(value: str) -> str:
    host, colon, port = value.rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > 65535:
        raise ValueError("needs an address and a port, such as 127.0.0.1:8080")
    return value


def _web(value: str) -> str:
    """An address of a server, without a slash at its end."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("needs an address such as https://volunteers.example.org")
    return value.rstrip("/")


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is not a time zone; write it as Asia/Shanghai") from None
    return value


def _hours(value: str) -> str:
    match = re.fullmatch(r"(\d{1,2}):(\d{2})\s*[-–]\s*(\d{1,2}):(\d{2})", value)
    try:
        if match:
            time(int(match[1]), int(match[2]))
            time(int(match[3]), int(match[4]))
            return f"{int(match[1]):02}:{match[2]}-{int(match[3]):02}:{match[4]}"
    except ValueError:
        match = None
    raise ValueError("needs two times of day, such as 21:00-08:00")


def _rules(value: object) -> object:
    """The city's own sets of rules from the file that is named. Read once, at the start: no turn waits for a file."""
    if not isinstance(value, str):
        return value
    try:
        return with_own(Path(value).read_text(encoding="utf-8"))
    except BadRules as wrong:
        raise ValueError(f"names a file that cannot be used: {wrong}") from None
    except (OSError, UnicodeDecodeError) as fault:
        why = getattr(fault, "strerror", None) or "it is not UTF-8"
        raise ValueError(f"names a file that cannot be read: {why}") from None


class _Files(PydanticBaseSettingsSource):
    """The environment, `…_FILE` and `menkou.toml`, read at once so that every wrong name is told at once."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Unused: `__call__` gives all values together."""
        raise NotImplementedError

    def __call__(self) -> dict[str, Any]:
        """Values by field. Raises BadSettings with one line for every wrong name, file or double."""
        problems: list[str] = []
        values: dict[str, Any] = {}
        for where, found in (("menkou.toml", _from_toml(problems)), ("the environment", _from_environment(problems))):
            taken: dict[str, Any] = {}
            for name, value in found.items():
                shown = PREFIX + name.upper() if where == "the environment" else f"{name} in {where}"
                if name in Settings.model_fields:
                    field, content = name, value
                elif name.endswith("_file") and name.removesuffix("_file") in SECRETS:
                    field, content = name.removesuffix("_file"), _read(str(value), shown, problems)
                else:
                    problems.append(_unknown(name, shown, in_environment=where == "the environment"))
                    continue
                if field in taken:
                    problems.append(f"{shown} is given together with its twin; keep one of the two.")
                taken[field] = content
            values.update(taken)
        if problems:
            raise BadSettings(*problems)
        return values


def _from_environment(problems: list[str]) -> dict[str, str]:
    """What begins with MENKOU_, in small letters; an empty value counts as not given (compose files write such)."""
    return {
        name.removeprefix(PREFIX).lower(): value
        for name, value in os.environ.items()
        if name.startswith(PREFIX) and not name.startswith(TESTING) and value.strip()
    }


def _from_toml(problems: list[str]) -> dict[str, Any]:
    """The file's keys, which are the settings' names in small letters without the prefix."""
    try:
        content = FILE.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as fault:
        problems.append(f"{FILE} cannot be read: {getattr(fault, 'strerror', None) or 'it is not UTF-8'}.")
        return {}
    try:
        return {name.lower(): value for name, value in tomllib.loads(content).items()}
    except tomllib.TOMLDecodeError as fault:
        # Its message quotes no values, only what was expected and where.
        problems.append(f"{FILE} is not TOML: {fault}.")
        return {}


def _read(path: str, shown: str, problems: list[str]) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as fault:
        why = getattr(fault, "strerror", None) or "it is not UTF-8"
        problems.append(f"{shown} names a file that cannot be read: {why}.")
        return None


def _unknown(name: str, shown: str, in_environment: bool) -> str:
    """One line with the nearest name that exists."""
    known = [*Settings.model_fields, *(f"{secret}_file" for secret in SECRETS)]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if not near:
        return f"{shown} is not a setting of Menkou; `menkou doctor --settings` lists all names."
    meant = PREFIX + near[0].upper() if in_environment else near[0]
    return f"{shown} is not a setting of Menkou; did you mean {meant}?"


class Settings(BaseSettings):
    """One city's settings. Names and defaults are an outside contract; what is secret is never shown."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    database_url: Annotated[str, AfterValidator(_database)] = Field(
        "sqlite+aiosqlite:///var/menkou.db", repr=False, description="where the city's data are"
    )
    listen: Annotated[str, AfterValidator(_listen)] = Field("127.0.0.1:8080", description="address and port to serve")
    public_url: Annotated[str, AfterValidator(_web)] | None = Field(
        None, description="the address under which people reach the pages"
    )
    secret_key: Annotated[SecretStr, AfterValidator(_secret_key)] | None = Field(
        None, description="seals personal data and signs codes; losing it loses them; to change it: “new old”"
    )
    timezone: Annotated[str, AfterValidator(_zone)] = Field("Asia/Shanghai", description="the city's time zone")
    locale: Literal["zh_CN", "en"] = Field("zh_CN", description="language for people who have not chosen one")
    quiet_hours: Annotated[str, AfterValidator(_hours)] = Field(
        "21:00-08:00", description="when nothing is sent that can wait"
    )
    rules: Annotated[Rules, BeforeValidator(_rules)] = Field(
        SHIPPED, repr=False, description="a file of the city's own rules from a day on: daily cap, notice, rounding"
    )
    chat: bool = Field(False, description="serve the web chat outside the demonstration")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="what goes into the log")

    telegram_token: Annotated[SecretStr, AfterValidator(_telegram_token)] | None = Field(
        None, description="of the bot, from @BotFather"
    )
    telegram_mode: Literal["polling", "webhook"] = Field("polling", description="how updates come")
    telegram_secret: Annotated[SecretStr, AfterValidator(_telegram_secret)] | None = Field(
        None, description="of the webhook"
    )
    telegram_api_base: Annotated[str, AfterValidator(_web)] = Field(
        "https://api.telegram.org", description="Telegram's API, or your own Bot API server"
    )
    telegram_rate: float = Field(
        # Bot FAQ: bulk notifications up to about 30 messages a second.
        28.0,
        gt=0,
        le=1000,
        description="messages a second that the bot may send",
    )
    telegram_paid_broadcast: bool = Field(
        False, description="pay Telegram's Stars for more than 30 messages a second, up to 1,000 (set 940)"
    )

    wechat_app_id: Annotated[str, AfterValidator(_wechat_app_id)] | None = Field(None, description="AppID")
    wechat_app_secret: SecretStr | None = Field(None, min_length=16, description="AppSecret")
    wechat_token: Annotated[SecretStr, AfterValidator(_wechat_token)] | None = Field(None, description="Token")
    wechat_aes_key: Annotated[SecretStr, AfterValidator(_aes_key)] | None = Field(None, description="EncodingAESKey")
    wechat_aes_key_previous: Annotated[SecretStr, AfterValidator(_aes_key)] | None = Field(
        None, description="the EncodingAESKey before, while it is being changed"
    )
    wechat_api_base: Annotated[str, AfterValidator(_web)] = Field(
        "https://api.weixin.qq.com", description="WeChat's API"
    )
    wechat_plaintext: bool = Field(False, description="accept messages that anybody could have written")
    wechat_kind: Literal["service", "subscription", "unverified"] = Field(
        "service", description="what the account may do"
    )
    wechat_templates: Templates | None = Field(
        None, description="template messages of the account by kind of notice, with their fields"
    )
    wechat_notices: Templates | None = Field(
        None, description="subscription notices of the account by kind of notice, with their fields"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Values given in code (tests, the demonstration) before what the operator wrote."""
        return init_settings, _Files(settings_cls)

    @model_validator(mode="after")
    def _agree(self) -> Settings:
        """Settings that need each other."""
        missing = []
        if self.telegram_mode == "webhook" and self.telegram_token:
            if not self.telegram_secret:
                missing.append(
                    f"{PREFIX}TELEGRAM_SECRET is missing: a webhook without it takes messages from anybody; "
                    f"make one: {NEW_KEY}"
                )
            if not self.public_url or not self.public_url.startswith("https://"):
                missing.append(f"{PREFIX}PUBLIC_URL needs an https address: Telegram sends webhooks nowhere else.")
        if self.telegram_rate > FREE_RATE and not self.telegram_paid_broadcast:
            missing.append(
                f"{PREFIX}TELEGRAM_RATE above {FREE_RATE:g} needs {PREFIX}TELEGRAM_PAID_BROADCAST=true: Telegram "
                "refuses more than that from a bot that does not pay, and each refusal halts it for a while."
            )
        if self.wechat_app_id:
            if not self.wechat_token:
                missing.append(f"{PREFIX}WECHAT_TOKEN is missing: write the console's Token.")
            if not self.wechat_aes_key and not self.wechat_plaintext:
                missing.append(
                    f"{PREFIX}WECHAT_AES_KEY is missing: choose safe mode in the console and write its EncodingAESKey."
                )
        elif self.wechat_app_secret or self.wechat_token or self.wechat_aes_key:
            missing.append(f"{PREFIX}WECHAT_APP_ID is missing: the other WECHAT_ settings do nothing without it.")
        if missing:
            raise BadSettings(*missing)
        return self

    # --- What the parts need, ready to use ---

    @property
    def zone(self) -> tzinfo:
        """The city's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def quiet(self) -> tuple[int, int]:
        """The quiet hours in minutes after midnight, from and until."""
        start, end = (time.fromisoformat(half) for half in self.quiet_hours.split("-"))
        return start.hour * 60 + start.minute, end.hour * 60 + end.minute

    @property
    def templates(self) -> Mapping[Kind, str]:
        """WeChat's template messages, by kind of notice."""
        return {kind: one.id for kind, one in (self.wechat_templates or {}).items()}

    @property
    def notices(self) -> Mapping[Kind, str]:
        """WeChat's subscription notices, by kind of notice."""
        return {kind: one.id for kind, one in (self.wechat_notices or {}).items()}

    @property
    def fields(self) -> Mapping[str, Mapping[str, str]]:
        """Of each template's id, what stands in which field of it."""
        several = [*(self.wechat_templates or {}).values(), *(self.wechat_notices or {}).values()]
        return {one.id: one.fields for one in several}

    @property
    def host(self) -> str:
        """Where to listen."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """0: any free one."""
        return int(self.listen.rpartition(":")[2])

    @property
    def address(self) -> str:
        """The public address, or the local one while there is none."""
        return self.public_url or f"http://{self.listen}"

    def on_port(self, port: int) -> Settings:
        """The same settings, with the port that was really taken."""
        return self.model_copy(update={"listen": f"{self.listen.rpartition(':')[0]}:{port}"})

    @property
    def on_loopback(self) -> bool:
        """Only this machine can reach the server."""
        return self.host in ("127.0.0.1", "::1", "localhost")

    @property
    def key(self) -> str:
        """The secret key. Raises BadSettings when there is none: nothing is sealed with a key made up on the way."""
        if self.secret_key is None:
            raise BadSettings(f"{PREFIX}SECRET_KEY is missing; make one and keep it safe: {NEW_KEY}")
        return self.secret_key.get_secret_value()

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret in use, for the log to recognise."""
        from storage.secrecy import keys_of  # only here: it brings the cryptography along

        found = [value.get_secret_value() for value in self.__dict__.values() if isinstance(value, SecretStr)]
        password = urlsplit(self.database_url).password
        keys = keys_of(self.secret_key.get_secret_value()) if self.secret_key else []
        return tuple(dict.fromkeys(value for value in (*found, *keys, password) if value))

    def for_demo(self, folder: Path) -> Settings:
        """The demonstration city's settings: its own database and key under `folder`, no platform, web chat on."""
        return Settings(
            database_url=f"sqlite+aiosqlite:///{folder / 'menkou.db'}",
            secret_key=SecretStr(_kept_key(folder / "secret.key")),
            listen=self.listen,
            public_url=self.public_url,
            timezone=self.timezone,
            locale=self.locale,
            quiet_hours=self.quiet_hours,
            log_level=self.log_level,
            chat=True,
            telegram_token=None,
            telegram_mode="polling",
            wechat_app_id=None,
            wechat_app_secret=None,
            wechat_token=None,
            wechat_aes_key=None,
        )


SECRETS = (
    "database_url",  # it may hold a password
    "secret_key",
    "telegram_token",
    "telegram_secret",
    "wechat_app_secret",
    "wechat_token",
    "wechat_aes_key",
    "wechat_aes_key_previous",
)
"""Settings that can also come from a file, as `…_FILE`."""


def load() -> Settings:
    """Read the settings. Raises BadSettings with one line for every problem, never showing a value."""
    try:
        return Settings()
    except ValidationError as fault:
        raise BadSettings(*_lines(fault)) from None


def _lines(fault: ValidationError) -> Iterator[str]:
    for error in fault.errors(include_input=False, include_url=False):
        name = PREFIX + "_".join(str(part) for part in error["loc"][:1]).upper()
        message = error["msg"].removeprefix("Value error, ")
        if error["type"] in ("literal_error", "bool_parsing", "float_parsing", "string_type", "string_too_short"):
            message = message.replace("Input should be", "should be").replace("Value should", "should")
        yield f"{name} {message[:1].lower() + message[1:] if message.startswith('Input') else message}."


def describe() -> Mapping[str, tuple[str, str]]:
    """Every setting with its default and one sentence, for `menkou doctor --settings`."""
    return {
        PREFIX + name.upper(): (
            _written(field.default),
            f"{field.description}{' (or …_FILE)' if name in SECRETS else ''}",
        )
        for name, field in Settings.model_fields.items()
    }


def _written(default: object) -> str:
    """A default as an operator would write it."""
    if default is None or isinstance(default, Rules):
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default)


def _kept_key(path: Path) -> str:
    """The key in the file; made on first use, readable for its owner alone."""
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        made = secrets.token_urlsafe(48)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(made + "\n")
        return made
