"""The READMEs' marked blocks: `python -m docs.readme --update` writes them anew, the tests compare them.

A block stands between `<!-- from SOURCE -->` and `<!-- end -->`; its source is a transcript with its steps
(`tests/transcripts/resident.txt 2-9`) or `menkou demo`. Whatever else is written there is written by hand.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from tests.transcripts import Transcript

ROOT = Path(__file__).parent.parent
READMES = (ROOT / "README.md", ROOT / "README.zh.md")

BLOCK = re.compile(r"<!-- from (?P<source>.+?) -->\n```\w*\n(?P<text>.*?)```\n<!-- end -->\n", re.DOTALL)

DEMO = "menkou demo"


def blocks(text: str) -> list[tuple[str, str]]:
    """Each marked block: its source, and what stands in it."""
    return [(found["source"], found["text"]) for found in BLOCK.finditer(text)]


def excerpt(source: str) -> str:
    """Some steps of a transcript, with what was answered: `tests/transcripts/resident.txt 2-9` or `… 10-`."""
    name, _space, span = source.partition(" ")
    text = (ROOT / name).read_text(encoding="utf-8")
    transcript = Transcript.read(text)
    lines = text.splitlines()
    starts: list[int] = []
    for step in transcript.steps:
        starts.append(lines.index(step, starts[-1] + 1 if starts else 0))
    starts.append(len(lines))
    first, _dash, last = span.partition("-")
    return "\n".join(lines[starts[int(first) - 1] : starts[int(last) if last else -1]]).strip() + "\n"


def normalised(printed: str) -> str:
    """What `menkou demo` prints, with the address that it has by itself, and the wall's key left out."""
    printed = re.sub(r"http://127\.0\.0\.1:\d+", "http://127.0.0.1:8080", printed)
    return re.sub(r"/wall/\d+\?k=[0-9a-f]+", "/wall/…", printed)


class Demonstration:
    """`menkou demo` in a process of its own, in a folder of its own, on a free port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.printed = ""

    def __enter__(self) -> Demonstration:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MENKOU_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bot", "demo"],
            cwd=self.folder,
            env={**kept, "MENKOU_LISTEN": "127.0.0.1:0", "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.printed += line
            if line.startswith("Stop with"):
                break
        return self

    @property
    def address(self) -> str:
        """Where it listens."""
        found = re.search(r"http://127\.0\.0\.1:\d+", self.printed)
        assert found, self.printed
        return found[0]

    def get(self, path: str) -> tuple[int, str]:
        """A page's status and text."""
        with urllib.request.urlopen(self.address + path, timeout=10) as answer:  # noqa: S310 - our own address
            return answer.status, answer.read().decode()

    def stop(self) -> int:
        """As a service manager stops it; its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(20)

    def __exit__(self, *_fault: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


def demo_printed() -> str:
    """What the demonstration prints."""
    with tempfile.TemporaryDirectory() as folder, Demonstration(Path(folder)) as demo:
        printed = demo.printed
        demo.stop()
    return normalised(printed)


def update(text: str, printed: str) -> str:
    """The README with its blocks as their sources are now."""

    def fresh(found: re.Match[str]) -> str:
        source = found["source"]
        now = f"$ make demo\n{printed}" if source == DEMO else excerpt(source)
        start, end = found.start("text") - found.start(), found.end("text") - found.start()
        return found[0][:start] + now + found[0][end:]

    return BLOCK.sub(fresh, text)


def main() -> int:
    """0: all blocks are as they should be (now)."""
    parser = argparse.ArgumentParser(prog="python -m docs.readme", description=__doc__)
    parser.add_argument("--update", action="store_true", help="rewrite the blocks")
    asked = parser.parse_args()
    printed, differ = demo_printed(), []
    for readme in READMES:
        text = readme.read_text(encoding="utf-8")
        fresh = update(text, printed)
        if fresh != text:
            differ.append(readme.name)
            if asked.update:
                readme.write_text(fresh, encoding="utf-8")
    for name in differ:
        print(f"{name}: {'rewritten' if asked.update else 'differs; see it with --update and git diff'}")
    return 1 if differ and not asked.update else 0


if __name__ == "__main__":
    sys.exit(main())
