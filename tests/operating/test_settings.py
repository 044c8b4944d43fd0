"""What an operator may set, and what is said when it is wrong."""

import os
from pathlib import Path

import pytest

from bot.app import App
from bot.domain.reach import Way
from bot.domain.rulesets import SHIPPED
from bot.means import means
from bot.settings import SECRETS, BadSettings, Settings, describe, for_demo, load

KEY = "k" * 40
TOKEN = "123456789:" + "A" * 35


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("MENKOU_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def problems() -> tuple[str, ...]:
    with pytest.raises(BadSettings) as caught:
        load()
    return caught.value.problems


def test_a_city_starts_with_no_setting_at_all() -> None:
    found = load()
    assert found.database_url == "sqlite+aiosqlite:///var/menkou.db"
    assert (found.host, found.port, found.address) == ("127.0.0.1", 8080, "http://127.0.0.1:8080")
    assert found.quiet == (21 * 60, 8 * 60)
    assert str(found.zone) == "Asia/Shanghai"
    assert not found.chat
    assert not found.wechat_plaintext


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("menkou.toml").write_text('listen = "127.0.0.1:1"\nlocale = "en"\n')
    monkeypatch.setenv("MENKOU_LISTEN", "127.0.0.1:2")
    found = load()
    assert found.port == 2
    assert found.locale == "en"


def test_an_empty_variable_counts_as_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MENKOU_PUBLIC_URL", "")
    assert load().public_url is None


@pytest.mark.parametrize("secret", SECRETS)
def test_every_secret_can_come_from_a_file(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    good = {
        "database_url": "postgresql://me:pw@localhost/city",
        "move_to": "postgresql://me:pw@elsewhere/city",
        "secret_key": KEY,
        "telegram_token": TOKEN,
        "telegram_secret": "s" * 32,
        "wechat_app_secret": "a" * 32,
        "wechat_token": "token",
        "wechat_aes_key": "a" * 43,
        "wechat_aes_key_previous": "b" * 43,
    }
    monkeypatch.setenv("MENKOU_WECHAT_APP_ID", "wx0123456789abcdef")
    for name in ("wechat_token", "wechat_aes_key"):
        monkeypatch.setenv("MENKOU_" + name.upper(), good[name])
    monkeypatch.delenv("MENKOU_" + secret.upper(), raising=False)
    Path("secret").write_text(good[secret] + "\n")
    monkeypatch.setenv(f"MENKOU_{secret.upper()}_FILE", "secret")
    found = getattr(load(), secret)
    shown = found if isinstance(found, str) else found.get_secret_value()
    assert shown.endswith(good[secret].partition("://")[2] or good[secret])


def test_every_secret_is_in_the_list_of_those_that_can_be_files() -> None:
    hidden = {name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)}
    assert hidden | {"database_url", "move_to"} == set(SECRETS)


def test_a_secret_given_twice_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("secret").write_text(KEY)
    monkeypatch.setenv("MENKOU_SECRET_KEY", KEY)
    monkeypatch.setenv("MENKOU_SECRET_KEY_FILE", "secret")
    (line,) = problems()
    assert "twin" in line


def test_a_secret_in_the_environment_wins_over_a_file_named_in_toml(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("secret").write_text("f" * 40)
    Path("menkou.toml").write_text('secret_key_file = "secret"\n')
    assert load().key == "f" * 40
    monkeypatch.setenv("MENKOU_SECRET_KEY", KEY)
    assert load().key == KEY


def test_a_file_that_is_not_there_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MENKOU_SECRET_KEY_FILE", "nowhere")
    assert problems() == ("MENKOU_SECRET_KEY_FILE names a file that cannot be read: No such file or directory.",)


def test_an_unknown_variable_is_refused_with_the_nearest_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MENKOU_TELEGRAM_TOKN", "1")
    monkeypatch.setenv("MENKOU_WECHAT_AESKEY_FILE", "1")
    first, second = sorted(problems())
    assert first == "MENKOU_TELEGRAM_TOKN is not a setting of Menkou; did you mean MENKOU_TELEGRAM_TOKEN?"
    assert "did you mean MENKOU_WECHAT_AES_KEY_FILE?" in second


def test_an_unknown_key_of_the_file_is_refused_with_the_nearest_name() -> None:
    Path("menkou.toml").write_text('timzone = "Asia/Shanghai"\n[telegram]\ntoken = "x"\n')
    first, second = sorted(problems())
    assert first.startswith("telegram in menkou.toml is not a setting")
    assert second == "timzone in menkou.toml is not a setting of Menkou; did you mean timezone?"


def test_the_tests_own_variables_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MENKOU_TEST_POSTGRES", "postgresql://somewhere")
    monkeypatch.setenv("MENKOU_CI", "1")
    load()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SECRET_KEY", "short-and-secret", "at least 32"),
        ("LISTEN", "8099", "127.0.0.1:8080"),
        ("PUBLIC_URL", "my.house", "https://"),
        ("TIMEZONE", "Asia/Peking-Duck", "Asia/Shanghai"),
        ("LOCALE", "fr", "zh_CN"),
        ("RULES", "no/such/rules.csv", "cannot be read: No such file"),
        ("QUIET_HOURS", "25:00-08:00", "21:00-08:00"),
        ("DATABASE_URL", "mysql://somewhere", "postgresql+asyncpg://"),
        ("MOVE_TO", "mysql://somewhere", "postgresql+asyncpg://"),
        ("TELEGRAM_TOKEN", "not-a-token-at-all", "BotFather"),
        ("TELEGRAM_MODE", "pigeon", "polling"),
        ("TELEGRAM_RATE", "0", "greater than 0"),
        ("WECHAT_AES_KEY", "tooshort-secret", "43"),
        ("WECHAT_KIND", "friend", "subscription"),
        ("WECHAT_NAME", "北" * 31, "名称"),
        ("WECHAT_NAME", "北京\u200b志愿", "名称"),
        ("WECHAT_PLAINTEXT", "perhaps", "boolean"),
    ],
)
def test_a_wrong_value_is_one_clear_line_that_does_not_show_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv("MENKOU_" + name, value)
    (line,) = problems()
    assert line.startswith("MENKOU_" + name)
    assert says in line
    assert value not in line.removeprefix("MENKOU_" + name) or len(value) < 2
    assert "\n" not in line


def test_several_problems_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MENKOU_LISTEN", "x")
    monkeypatch.setenv("MENKOU_LOCALE", "x")
    assert len(problems()) == 2


def test_a_file_that_is_not_toml_is_told_with_its_place() -> None:
    Path("menkou.toml").write_text("listen = \n")
    (line,) = problems()
    assert line.startswith("menkou.toml is not TOML")
    assert "line 1" in line


def test_a_webhook_needs_a_secret_and_an_https_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MENKOU_TELEGRAM_TOKEN", TOKEN)
    monkeypatch.setenv("MENKOU_TELEGRAM_MODE", "webhook")
    assert [line.split()[0] for line in problems()] == ["MENKOU_TELEGRAM_SECRET", "MENKOU_PUBLIC_URL"]
    monkeypatch.setenv("MENKOU_TELEGRAM_SECRET", "s" * 32)
    monkeypatch.setenv("MENKOU_PUBLIC_URL", "https://example.org/")
    assert load().public_url == "https://example.org"


def test_beyond_thirty_a_second_telegram_is_only_asked_by_a_bot_that_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MENKOU_TELEGRAM_RATE", "30")
    assert not load().telegram_paid_broadcast
    monkeypatch.setenv("MENKOU_TELEGRAM_RATE", "1000")
    (line,) = problems()
    assert "MENKOU_TELEGRAM_PAID_BROADCAST" in line
    monkeypatch.setenv("MENKOU_TELEGRAM_PAID_BROADCAST", "true")
    assert load().telegram_rate == 1000


def test_wechat_needs_the_safe_mode_or_an_explicit_plaintext(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MENKOU_WECHAT_APP_ID", "wx0123456789abcdef")
    monkeypatch.setenv("MENKOU_WECHAT_TOKEN", "token")
    (line,) = problems()
    assert "MENKOU_WECHAT_AES_KEY is missing" in line
    monkeypatch.setenv("MENKOU_WECHAT_PLAINTEXT", "on")
    assert load().wechat_plaintext


def test_an_accounts_name_is_kept_without_loose_spaces_and_means_nothing_without_an_account(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MENKOU_WECHAT_NAME", "  北京  志愿 ")
    (line,) = problems()
    assert "MENKOU_WECHAT_APP_ID is missing" in line
    monkeypatch.setenv("MENKOU_WECHAT_APP_ID", "wx0123456789abcdef")
    monkeypatch.setenv("MENKOU_WECHAT_TOKEN", "token")
    monkeypatch.setenv("MENKOU_WECHAT_PLAINTEXT", "on")
    monkeypatch.setenv("MENKOU_SECRET_KEY", KEY)
    assert App(load()).city.account == "北京 志愿"


def test_a_city_without_a_key_says_how_to_make_one() -> None:
    with pytest.raises(BadSettings, match=r"secrets\.token_urlsafe"):
        _ = load().key


def test_secrets_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MENKOU_SECRET_KEY", KEY)
    monkeypatch.setenv("MENKOU_TELEGRAM_TOKEN", TOKEN)
    monkeypatch.setenv("MENKOU_DATABASE_URL", "postgresql://me:hunter2hunter2@localhost/city")
    monkeypatch.setenv("MENKOU_MOVE_TO", "postgresql://me:hunter3hunter3@elsewhere/city")
    found = load()
    assert set(found.secrets) == {KEY, TOKEN, "hunter2hunter2", "hunter3hunter3"}
    for secret in found.secrets:
        assert secret not in repr(found)
        assert secret not in str(found)


@pytest.mark.parametrize(
    ("address", "known"),
    [
        ("postgresql://me:pass/word#1@localhost/city", {"pass/word#1"}),
        ("postgresql://me:pass%40word@localhost/city", {"pass%40word", "pass@word"}),
        ("postgresql://localhost/city?user=me&password=pass&ssl=require", {"pass"}),
        ("postgresql://me@localhost:5432/city", set()),
        ("sqlite:////srv/12:30@night/city.db", set()),
    ],
)
def test_the_log_knows_a_databases_password_however_it_is_written(
    monkeypatch: pytest.MonkeyPatch, address: str, known: set[str]
) -> None:
    """One with # in it let us in and was no secret: its address was read in two ways."""
    monkeypatch.setenv("MENKOU_DATABASE_URL", address)
    assert set(load().secrets) == known


def test_what_is_typed_wins_over_what_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MENKOU_MOVE_TO", "sqlite:///written.db")
    assert load(move_to="sqlite:///typed.db").move_to == "sqlite+aiosqlite:///typed.db"
    assert load(move_to=None).move_to == "sqlite+aiosqlite:///written.db"


def test_the_demonstration_keeps_its_own_key_and_touches_no_platform(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MENKOU_TELEGRAM_TOKEN", TOKEN)
    monkeypatch.setenv("MENKOU_DATABASE_URL", "postgresql://me:pw@localhost/city")
    folder = tmp_path / "demo"
    first, second = for_demo(load(), folder), for_demo(load(), folder)
    assert first.key == second.key
    assert len(first.key) >= 32
    assert (folder / "secret.key").stat().st_mode & 0o777 == 0o600
    assert first.telegram_token is None
    assert first.chat
    assert first.database_url == f"sqlite+aiosqlite:///{folder}/menkou.db"


def test_a_city_has_rules_of_its_own_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load().rules is SHIPPED
    file = tmp_path / "rules.csv"
    file.write_text("name,since,daily_cap\ncity-2027,2027-01-01,480\n", encoding="utf-8")
    monkeypatch.setenv("MENKOU_RULES", str(file))
    assert load().rules.named("city-2027").daily_cap == 480
    file.write_text("name,since,daily_cap\ncity-2027,2027-01-01,much\n", encoding="utf-8")
    (line,) = problems()
    assert line.startswith("MENKOU_RULES names a file that cannot be used: set 1: daily_cap is “much”")


def test_every_setting_is_described() -> None:
    for name, (_default, sentence) in describe().items():
        assert name.startswith("MENKOU_")
        assert not sentence.startswith("None")


FORM = '{"reminder": {"id": "AbCdEfGhIjKlMnOp_-1", "fields": {"thing1": "title", "time2": "when"}}}'


def test_wechats_templates_are_json_in_the_environment_and_tables_in_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MENKOU_WECHAT_TEMPLATES", FORM)
    Path("menkou.toml").write_text(
        '[wechat_notices.announcement]\nid = "AbCdEfGhIjKlMnOp_-2"\nfields = { thing1 = "who" }\n'
    )
    found = load()
    assert found.templates == {"reminder": "AbCdEfGhIjKlMnOp_-1"}
    assert found.notices == {"announcement": "AbCdEfGhIjKlMnOp_-2"}
    assert found.fields == {
        "AbCdEfGhIjKlMnOp_-1": {"thing1": "title", "time2": "when"},
        "AbCdEfGhIjKlMnOp_-2": {"thing1": "who"},
    }


@pytest.mark.parametrize(
    "wrong",
    [
        "reminder",
        FORM.replace("reminder", "greeting"),
        FORM.replace('"when"', '"weather"'),
        FORM.replace("AbCdEfGhIjKlMnOp_-1", "x y"),
        FORM.replace("time2", "时间2"),
    ],
)
def test_a_template_that_cannot_be_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("MENKOU_WECHAT_TEMPLATES", wrong)
    assert all(line.startswith("MENKOU_WECHAT_TEMPLATES") for line in problems())


@pytest.mark.parametrize(
    ("kind", "ways"),
    [
        ("service", {Way.WINDOW, Way.TEMPLATE, Way.GRANT, Way.MASS}),
        ("subscription", {Way.WINDOW, Way.GRANT, Way.MASS}),
        ("unverified", set()),
    ],
)
def test_the_kind_of_the_account_decides_what_exists(
    monkeypatch: pytest.MonkeyPatch, kind: str, ways: set[Way]
) -> None:
    for name, value in {
        "APP_ID": "wx0123456789abcdef", "APP_SECRET": "s" * 32, "TOKEN": "menkoutoken", "PLAINTEXT": "1",
        "KIND": kind, "TEMPLATES": FORM, "NOTICES": FORM,
    }.items():  # fmt: skip
        monkeypatch.setenv(f"MENKOU_WECHAT_{name}", value)
    offers = means(load()).offers
    exists = {
        Way.WINDOW: offers.customer, Way.TEMPLATE: bool(offers.templates), Way.GRANT: bool(offers.notices),
        Way.MASS: offers.mass,
    }  # fmt: skip
    assert {way for way, there in exists.items() if there} == ways
