"""The operators' guide holds: every command, setting and metric that it and the files in deploy/ name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.channels.web import PHOTO, PHOTO_LIMIT
from bot.meters import Meters
from bot.server import BODY_LIMIT
from bot.settings import PREFIX, SECRETS, Settings, load
from tests.test_readme import is_command

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
RESULTS = (ROOT / "benchmarks/results.md").read_text(encoding="utf-8")
FILES = {"docs/operating.md": GUIDE} | {
    f"deploy/{file.name}": file.read_text(encoding="utf-8") for file in sorted((ROOT / "deploy").iterdir())
}

CODE = re.compile(r"`([^`\n]+)`")
SETTING = re.compile(rf"\b{PREFIX}[A-Z_]+\b")
METRIC = re.compile(r"\bmenkou_[a-z_]+")
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
LINK = re.compile(r"\]\(([^)#]+)\)")
FILE = re.compile(r"`((?:docs|deploy|tests|benchmarks)/[\w./-]+)`")

each = pytest.mark.parametrize("text", FILES.values(), ids=FILES.keys())


def settings_that_are_not(text: str) -> list[str]:
    known = {name.upper() for name in Settings.model_fields} | {f"{name}_file".upper() for name in SECRETS}
    return [name for name in SETTING.findall(text) if name.removeprefix(PREFIX) not in known]


def metrics_that_are_not(text: str) -> list[str]:
    families = Meters().registry.collect()
    known = {one.name + end for one in families for end in ("", "_total", "_count", "_sum", "_bucket")}
    return [name for name in METRIC.findall(text) if name not in known]


def commands_that_are_not(text: str) -> list[str]:
    found = [line for line in CODE.findall(text) if line.startswith("menkou ")]
    found += re.findall(r"\.venv/bin/(menkou .*)$", text, re.MULTILINE)
    return [line for line in found if not is_command(line)]


@each
def test_every_setting_that_is_named_is_one(text: str) -> None:
    assert settings_that_are_not(text) == []


def test_every_metric_and_command_of_the_guide_is_there() -> None:
    assert len(METRIC.findall(GUIDE)) > 10
    assert metrics_that_are_not(GUIDE) == []
    assert commands_that_are_not(GUIDE) == []


def test_every_meter_that_there_is_has_its_alarm() -> None:
    """One that nobody is told to look at is none."""
    named = METRIC.findall(GUIDE)
    assert [one.name for one in Meters().registry.collect() if not any(at.startswith(one.name) for at in named)] == []


def test_every_command_in_the_deployment_files_is_one() -> None:
    assert "command: [migrate]" in FILES["deploy/compose.yaml"]
    words = re.findall(r"^ *command: \[(\w+)\]", FILES["deploy/compose.yaml"], re.MULTILINE)
    words += re.findall(r'^CMD \["(\w+)"\]', FILES["deploy/Dockerfile"], re.MULTILINE)
    assert all(is_command(f"menkou {word}") for word in words)
    assert commands_that_are_not(FILES["deploy/menkou.service"]) == []


def test_the_proxy_lets_through_what_the_pages_take() -> None:
    """A picture of two megabytes was refused before it came to us: the proxy took 64 KiB everywhere."""
    proxy = FILES["deploy/nginx.conf"]
    places = dict(re.findall(r"^    location (?:= )?(\S+) \{\n(.*?)^    \}", proxy, re.MULTILINE | re.DOTALL))
    assert list(places) == ["/", "/chat", PHOTO, "/chat/events"]
    assert all("proxy_pass http://menkou;" in said for said in places.values())
    everywhere = proxy.split("location")[0]
    assert f"client_max_body_size {BODY_LIMIT // 1024}k;" in everywhere
    assert f"client_max_body_size {PHOTO_LIMIT // 1024**2}m;" in places[PHOTO]
    # Said once for all: whatever a location sets of these takes all of them away there.
    assert "proxy_set_header X-Forwarded-For" in everywhere
    assert not any("proxy_set_header" in said for said in places.values())


def test_no_image_is_built_with_a_citys_secrets() -> None:
    """`COPY . .` would take them along, and the environment that was built for the machine outside."""
    assert "COPY --chown=menkou . ." in FILES["deploy/Dockerfile"]
    left_out = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    compose = FILES["deploy/compose.yaml"]
    beside = {one.split("/")[0] for one in re.findall(r"\{file: ([\w/]+)\}", compose)} | {"certificates"}
    assert beside == {"secrets", "certificates"}
    assert {"var", "menkou.toml", ".venv", ".git", *(f"deploy/{one}" for one in beside)} <= set(left_out)


def test_the_settings_of_the_service_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [shown] = re.findall(r"^```toml\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    (tmp_path / "menkou.toml").write_text(shown, encoding="utf-8")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/secret_key").write_text("a key that only this test uses, long enough", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert load().key.startswith("a key")
    assert "/srv/menkou/menkou.toml" in FILES["deploy/menkou.service"]


def figures_that_are_not(guide: str, results: str) -> list[str]:
    """Figures in the table of what was measured that the last full run did not find, rounded as they are there."""
    found = [float(one.replace(",", "")) for one in NUMBER.findall(results)]
    table = guide[guide.index("## 8.") : guide.index("## 9.")]
    cells = [cell for row in re.findall(r"^\| \w.*\|$", table, re.MULTILINE) for cell in row.split("|")[2:]]
    shown = [one for cell in cells for one in NUMBER.findall(cell)]
    assert len(shown) > 10
    decimals = {one: len(one.partition(".")[2]) for one in shown}
    return [one for one in shown if not any(f"{each:,.{decimals[one]}f}" == one for each in found)]


def test_the_figures_of_the_guide_are_those_of_the_last_full_run() -> None:
    assert figures_that_are_not(GUIDE, RESULTS) == []
    measured = re.search(r"on (\d{4}-\d\d-\d\d) [\d:]+ UTC, a full run", RESULTS)
    assert measured
    assert f"a full run of {measured[1]}" in GUIDE


def test_every_file_that_the_guide_points_to_is_there() -> None:
    there = [*(ROOT / "docs" / one for one in LINK.findall(GUIDE)), *(ROOT / one for one in FILE.findall(GUIDE))]
    assert len(there) > 5
    assert [str(one) for one in there if not one.exists()] == []


def test_what_there_is_not_would_be_noticed() -> None:
    """Control."""
    assert settings_that_are_not("set `MENKOU_DATABASE_UR` and MENKOU_SECRET_KEY_FILE") == ["MENKOU_DATABASE_UR"]
    assert metrics_that_are_not("menkou_turns_seconds and menkou_sent_total") == ["menkou_turns_seconds"]
    turns = re.search(r"Menkou's turn, SQLite: webhook calls a second \| ([\d,]+)", RESULTS)
    assert turns
    assert figures_that_are_not(GUIDE, RESULTS.replace(turns[1], "9")) == [turns[1]]
    assert commands_that_are_not("`menkou conjure` or `menkou doctor --settings`") == ["menkou conjure"]
