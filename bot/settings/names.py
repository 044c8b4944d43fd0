"""Every setting by its name, with its default; what needs what; and what the parts are given of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time, tzinfo
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bot.delivery.pace import FREE_RATE
from bot.domain.notices import Kind
from bot.domain.rulesets import SHIPPED, Rules
from bot.settings import values
from bot.settings.problems import BadSettings
from bot.settings.sources import PREFIX, Written
from bot.settings.templates import Templates
from bot.settings.values import NEW_KEY

FOLDER = Path("var")
"""Where a city on one machine keeps what it makes: the database, its backups, the demonstration city."""


class Settings(BaseSettings):
    """One city's settings. Names and defaults are an outside contract; what is secret is never shown."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    database_url: Annotated[str, AfterValidator(values.database)] = Field(
        "sqlite+aiosqlite:///var/menkou.db", repr=False, description="where the city's data are"
    )
    move_to: Annotated[str, AfterValidator(values.database)] | None = Field(
        None, repr=False, description="the empty database into which `menkou move` brings the city"
    )
    listen: Annotated[str, AfterValidator(values.listen)] = Field(
        "127.0.0.1:8080", description="address and port to serve"
    )
    public_url: Annotated[str, AfterValidator(values.web)] | None = Field(
        None, description="the address under which people reach the pages"
    )
    secret_key: Annotated[SecretStr, AfterValidator(values.secret_key)] | None = Field(
        None, description="seals personal data and signs codes; losing it loses them; to change it: “new old”"
    )
    timezone: Annotated[str, AfterValidator(values.zone)] = Field("Asia/Shanghai", description="the city's time zone")
    locale: Literal["zh_CN", "en"] = Field("zh_CN", description="language for people who have not chosen one")
    quiet_hours: Annotated[str, AfterValidator(values.hours)] = Field(
        "21:00-08:00", description="when nothing is sent that can wait"
    )
    rules: Annotated[Rules, BeforeValidator(values.rules)] = Field(
        SHIPPED, repr=False, description="a file of the city's own rules from a day on: daily cap, notice, rounding"
    )
    chat: bool = Field(False, description="serve the web chat outside the demonstration")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="what goes into the log")

    telegram_token: Annotated[SecretStr, AfterValidator(values.telegram_token)] | None = Field(
        None, description="of the bot, from @BotFather"
    )
    telegram_mode: Literal["polling", "webhook"] = Field("polling", description="how updates come")
    telegram_secret: Annotated[SecretStr, AfterValidator(values.telegram_secret)] | None = Field(
        None, description="of the webhook"
    )
    telegram_api_base: Annotated[str, AfterValidator(values.web)] = Field(
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

    wechat_app_id: Annotated[str, AfterValidator(values.wechat_app_id)] | None = Field(None, description="AppID")
    wechat_app_secret: SecretStr | None = Field(None, min_length=16, description="AppSecret")
    wechat_token: Annotated[SecretStr, AfterValidator(values.wechat_token)] | None = Field(None, description="Token")
    wechat_aes_key: Annotated[SecretStr, AfterValidator(values.aes_key)] | None = Field(
        None, description="EncodingAESKey"
    )
    wechat_aes_key_previous: Annotated[SecretStr, AfterValidator(values.aes_key)] | None = Field(
        None, description="the EncodingAESKey before, while it is being changed"
    )
    wechat_api_base: Annotated[str, AfterValidator(values.web)] = Field(
        "https://api.weixin.qq.com", description="WeChat's API"
    )
    wechat_plaintext: bool = Field(False, description="accept messages that anybody could have written")
    wechat_kind: Literal["service", "subscription", "unverified"] = Field(
        "service", description="what the account may do"
    )
    wechat_name: Annotated[str, AfterValidator(values.wechat_name)] | None = Field(
        None, description="what the account is called, for posters: people search WeChat for it"
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
        return init_settings, Written(settings_cls)

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
        elif self.wechat_app_secret or self.wechat_token or self.wechat_aes_key or self.wechat_name:
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
        passwords = [values.password_in(address) for address in (self.database_url, self.move_to) if address]
        keys = keys_of(self.secret_key.get_secret_value()) if self.secret_key else []
        # Of a password also what the database is given, where the address writes its signs as %40.
        several = (*found, *keys, *passwords, *map(unquote, passwords))
        return tuple(dict.fromkeys(value for value in several if value))
