"""A disk as it may be found after the power went: what was flushed, and of the rest whatever chance left.

Built from the system calls of a process as strace wrote them down. It keeps no more than POSIX promises: without a
flush a write may be lost, come before an earlier one or stop at any sector; a name is there only once its folder is
flushed. What a file grew by without having been written may hold anything.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal

SECTOR = 512
"""Bytes that a disk writes whole or not at all."""

KINDS = {
    "pwrite64": "write", "write": "acknowledge", "ftruncate": "truncate", "openat": "create", "unlink": "remove",
    "unlinkat": "remove", "fsync": "flush", "fdatasync": "flush",
}  # fmt: skip
UNKNOWN = (
    "writev", "pwritev", "pwritev2", "truncate", "fallocate", "rename", "renameat", "renameat2", "link", "linkat",
    "copy_file_range", "sendfile", "splice",
)  # fmt: skip
"""Would change a disk as well; a process that uses one of them has outgrown this model, and its test says so."""

How = Literal["none", "all", "prefix", "subset", "torn"]
HOWS: tuple[How, ...] = ("none", "all", "prefix", "subset", "torn")
"""What becomes of what was written and not flushed."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a process did to a file (by its name), or whom it acknowledged."""

    kind: str
    file: str
    data: bytes = b""
    offset: int = 0
    """Of a write; of a truncation the new size."""
    since: int = 0
    """Of a flush: how many steps had been taken when it began. Those it makes last, and no later ones."""


# --- What a process did --------------------------------------------------------------------------------------------


def hinders_tracing(folder: Path) -> str:
    """Why nothing can be traced here; empty where it can."""
    if shutil.which("strace") is None:
        return "there is no strace on this system"
    tried = subprocess.run(
        [*_strace(folder / "tried", [folder]), "true"], capture_output=True, text=True, timeout=20, check=False
    )
    return f"strace says: {tried.stderr.strip()[-200:]}" if tried.returncode else ""


def traced(command: Sequence[str], trace: Path, files: Sequence[Path], seconds: float) -> list[Step]:
    """Run a program to its end; all that it did to these files, the last of which takes its acknowledgements."""
    ran = subprocess.run(
        [*_strace(trace, files), *command], capture_output=True, text=True, timeout=seconds, check=False
    )
    assert ran.returncode == 0, ran.stderr
    with trace.open() as lines:
        return list(steps(lines))


def _strace(trace: Path, files: Sequence[Path]) -> list[str]:
    calls = ",".join((*KINDS, *UNKNOWN))
    paths = [part for file in files for part in ("-P", str(file))]
    return ["strace", "-f", "--seccomp-bpf", "-qqq", "-y", "-xx", "-s", "1000000", "-e", f"trace={calls}",
            "-e", "signal=none", *paths, "-o", str(trace)]  # fmt: skip


_LINE = re.compile(r"(?P<thread>\d+) +(?:(?P<call>\w+)\((?P<given>.*?)|<\.\.\. \w+ resumed>.*?)"
                   r"(?:(?P<unfinished> <unfinished \.\.\.>)|\) += (?P<result>-?\d+|\?).*)\n?")  # fmt: skip
_FILE = r"\d+<(?P<file>[^>]*)>(?:\(deleted\))?"
_DATA = r'"(?P<data>[^"]*)"'
_NAMED = r'(?:[^"]*, )?"(?P<file>[^"]*)"'
_GIVEN = {
    "write": re.compile(rf"{_FILE}, {_DATA}, \d+, (?P<offset>\d+)"),
    "acknowledge": re.compile(rf"{_FILE}, {_DATA}, \d+"),
    "truncate": re.compile(rf"{_FILE}, (?P<offset>\d+)"),
    "flush": re.compile(_FILE),
    "create": re.compile(rf"{_NAMED}, (?P<flags>[A-Z_|]+).*"),
    "remove": re.compile(rf"{_NAMED}.*"),
}


def steps(lines: Iterable[str]) -> Iterator[Step]:
    """The calls of a trace in their order.

    A call that another thread ran across is taken as early as it may have had its effect, a flush as late.
    """
    begun: dict[str, tuple[str, str, int]] = {}
    taken = 0
    for line in lines:
        read = _LINE.fullmatch(line)
        if read is None:
            continue
        thread, unfinished = read["thread"], bool(read["unfinished"])
        call, given, since = (read["call"], read["given"], taken) if read["call"] else begun.pop(thread)
        assert call in KINDS, f"{call} is not in the model of the disk"
        flushes = KINDS[call] == "flush"
        if unfinished:
            begun[thread] = call, given, since
        # Every file is our own: none of these calls fails half.
        failed = not unfinished and read["result"] == "-1"
        early = not flushes and (unfinished or bool(read["call"]))
        if (early or (flushes and not unfinished)) and not failed and (step := _step(KINDS[call], given, since)):
            taken += 1
            yield step


def _step(kind: str, given: str, since: int) -> Step | None:
    found = _GIVEN[kind].fullmatch(given)
    assert found is not None, f"{kind}: {given[:200]}"
    part = found.groupdict()
    if kind == "create" and "O_CREAT" not in part["flags"]:
        return None
    data, offset = _bytes(part.get("data") or ""), int(part.get("offset") or 0)
    return Step(kind, os.fsdecode(_bytes(part["file"])), data, offset, since if kind == "flush" else 0)


def _bytes(shown: str) -> bytes:
    return bytes.fromhex(shown.replace("\\x", ""))


# --- What the disk keeps of it -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Pending:
    """A step that no flush has made last yet, and the file that then had the name."""

    place: int
    step: Step
    file: int


class Disk:
    """One folder, step after step."""

    def __init__(self, folder: str, files: Mapping[str, bytes]) -> None:
        """`files`: what was there, and on disk, before the first step."""
        self.folder = folder
        self._contents = [bytearray(content) for content in files.values()]
        self._names = {name: number for number, name in enumerate(files)}
        self._lasting_names = dict(self._names)
        self._pending: list[_Pending] = []
        self._taken = 0

    def take(self, step: Step) -> None:
        """Let one step happen."""
        match step.kind:
            case "flush":
                self._flush(step)
            case "create" if step.file not in self._names:
                self._names[step.file] = len(self._contents)
                self._contents.append(bytearray())
                self._wait(step)
            case "remove":
                self._wait(step)
                del self._names[step.file]
            case "write" | "truncate":
                self._wait(step)
        self._taken += 1

    def _wait(self, step: Step) -> None:
        self._pending.append(_Pending(self._taken, step, self._names[step.file]))

    def _flush(self, flush: Step) -> None:
        whole = None if flush.file == self.folder else self._names[flush.file]
        left = []
        for one in self._pending:
            of_folder = one.step.kind in ("create", "remove")
            meant = of_folder if whole is None else not of_folder and one.file == whole
            if meant and one.place < flush.since:
                _apply(one, self._contents, self._lasting_names)
            else:
                left.append(one)
        self._pending = left

    def without_power(self, how: How, chance: Random) -> dict[str, bytes]:
        """The files as they are found when the power is back."""
        contents, names = [bytearray(content) for content in self._contents], dict(self._lasting_names)
        share = chance.choice((0.1, 0.5, 0.9))
        survives: Callable[[], bool] = lambda: chance.random() < share  # noqa: E731 - a name for what chance decides
        pending = self._pending
        if how == "prefix":
            pending = pending[: chance.randint(0, len(pending))]
        if how == "subset":
            pending = [one for one in pending if survives()]
        for one in () if how == "none" else pending:
            if how == "torn" and one.step.kind == "write":
                _tear(contents[one.file], one.step, survives, chance)
            elif how != "torn" or survives():
                _apply(one, contents, names)
        return {name: bytes(contents[number]) for name, number in names.items()}


def _apply(one: _Pending, contents: Sequence[bytearray], names: dict[str, int]) -> None:
    step = one.step
    match step.kind:
        case "create":
            names[step.file] = one.file
        case "remove":
            names.pop(step.file, None)
        case "truncate":
            content = contents[one.file]
            del content[step.offset :]
            content.extend(bytes(step.offset - len(content)))
        case "write":
            content = contents[one.file]
            content.extend(bytes(max(0, step.offset - len(content))))
            content[step.offset : step.offset + len(step.data)] = step.data


def _tear(content: bytearray, step: Step, survives: Callable[[], bool], chance: Random) -> None:
    """Some of its sectors; where the file grew by the others, whatever stood there before it was the file's."""
    end = step.offset + len(step.data)
    content.extend(chance.randbytes(max(0, end - len(content))))
    for sector in range(step.offset // SECTOR, (end - 1) // SECTOR + 1):
        first, last = max(step.offset, sector * SECTOR), min(end, (sector + 1) * SECTOR)
        if survives():
            content[first:last] = step.data[first - step.offset : last - step.offset]
