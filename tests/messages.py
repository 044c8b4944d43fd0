"""The message catalogues: brings the template and the translations up to date with the sources, and checks them.

    python -m tests.messages            what is wrong, exit 1 if anything is
    python -m tests.messages --update   write the template, carry the translations over, then check

A new message comes into `locales/zh_CN` empty, a changed one with its old translation marked fuzzy: put it right,
remove the mark. English needs no catalogue: its messages are the msgids.
"""

from __future__ import annotations

import ast
import io
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("bot", "handlers")
KEYWORDS = {"_": None, "ngettext": (1, 2)}
FILLED_IN_LATER = "bot/pages/"
"""Pages hand some sentences with their names in them to the browser, which fills in numbers that change each second."""

HEADER = """\
# {title}
msgid ""
msgstr ""
"Project-Id-Version: Menkou\\n"
{language}\
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
TEMPLATE_TITLE = "Every message of Menkou. Written by `make messages`; do not edit."
CHINESE_TITLE = "Menkou in Chinese: short, warm, plain words for residents of every age."
CHINESE_LANGUAGE = '"Language: zh_CN\\n"\n"Plural-Forms: nplurals=1; plural=0;\\n"\n'
WIDTH = 110

_HALF_WIDTH = re.compile(r"[\u3400-\u9fff”）][,.!?;:(]|\)[\u3400-\u9fff]")
_TYPED_IN_ENGLISH = re.compile(r"“[A-Za-z][^”]*”")


@dataclass(frozen=True, slots=True)
class Catalogues:
    """Where sources and catalogues lie; tests lay out others."""

    root: Path = ROOT

    @property
    def template(self) -> Path:
        """Every message, untranslated."""
        return self.root / "locales" / "menkou.pot"

    @property
    def chinese(self) -> Path:
        """Every message in Chinese."""
        return self.root / "locales" / "zh_CN" / "LC_MESSAGES" / "menkou.po"

    def sources(self) -> Iterator[tuple[str, Path]]:
        """Every Python file that may hold messages, with its name in the project."""
        for folder in SOURCES:
            for path in sorted((self.root / folder).rglob("*.py")):
                yield path.relative_to(self.root).as_posix(), path

    def messages(self) -> Catalog:
        """What the sources say, by file and then by alphabet: moving a function does not make the template stale."""
        found: dict[str, tuple[str | tuple[str, ...], set[str]]] = {}
        for name, path in self.sources():
            with path.open("rb") as source:
                for _line, msgid, _comments, _context in extract("python", source, KEYWORDS):
                    words = msgid if isinstance(msgid, str) else tuple(msgid)
                    key = words if isinstance(words, str) else words[0]
                    kept, names = found.setdefault(key, (words, set()))
                    if isinstance(words, tuple) and isinstance(kept, str):
                        kept = words  # said with a count and without: one message with both forms
                    found[key] = (kept, names | {name})
        catalogue = Catalog(charset="utf-8")
        for key in sorted(found, key=lambda key: (min(found[key][1]), key)):
            words, names = found[key]
            catalogue.add(words, locations=[(name, 0) for name in sorted(names)])
        return catalogue

    def update(self) -> None:
        """Write the template, and carry the Chinese over to it; what nothing says any more goes."""
        template = self.messages()
        chinese = self._read_chinese()
        chinese.update(template, update_creation_date=False)
        chinese.obsolete.clear()
        self.template.parent.mkdir(parents=True, exist_ok=True)
        self.template.write_text(written(template, TEMPLATE_TITLE), encoding="utf-8")
        self.chinese.parent.mkdir(parents=True, exist_ok=True)
        self.chinese.write_text(written(chinese, CHINESE_TITLE, CHINESE_LANGUAGE), encoding="utf-8")

    def faults(self) -> list[str]:
        """Everything that is wrong, each in one line that says what to do."""
        template = self.messages()
        kept = self.template.read_text(encoding="utf-8") if self.template.exists() else ""
        stale = kept != written(template, TEMPLATE_TITLE)
        return [
            *(["locales/menkou.pot is stale: run `make messages`, then translate what is new"] if stale else []),
            *faults_of_calls(self.sources()),
            *faults_of_templates(self.root),
            *faults_of_chinese(template, self._read_chinese()),
        ]

    def _read_chinese(self) -> Catalog:
        if not self.chinese.exists():
            return Catalog(locale="zh_CN", charset="utf-8")
        with self.chinese.open("rb") as po:
            return read_po(po, locale="zh_CN", abort_invalid=True)


def written(catalogue: Catalog, title: str, language: str = "") -> str:
    """The catalogue as a file: no dates, no line numbers, nothing of the machine that wrote it."""
    for message in catalogue:
        # Babel reads the sentence that a translation was made for ("#| …") as a comment, and would keep it for ever.
        message.user_comments = [one for one in message.user_comments if not one.startswith("|")]
        message.flags &= {"fuzzy"}  # Babel takes “50 % of” for a printf format; ours are named values in braces
    text = io.BytesIO()
    write_po(text, catalogue, width=WIDTH, omit_header=True, include_lineno=False, include_previous=True)
    return HEADER.format(title=title, language=language) + text.getvalue().decode().strip() + "\n"


def names(sentence: str) -> set[str]:
    """The named values of a sentence. Raises ValueError where a brace is not closed."""
    return {name for _text, name, _spec, _conversion in Formatter().parse(sentence) if name is not None}


def forms(message: Message) -> list[tuple[str, str]]:
    """Each sentence of a message, and what it is in the catalogue's language."""
    if isinstance(message.id, str):
        return [(message.id, str(message.string or ""))]
    return [(message.id[-1], str(form or "")) for form in message.string or ("",)]


def faults_of_chinese(template: Catalog, chinese: Catalog) -> Iterator[str]:
    """What is missing, not looked at, no longer said, or not to be put into words."""
    said = {str(one.id) for one in template if one.id}
    have = {str(one.id) for one in chinese if one.id}
    for one in template:
        if one.id and str(one.id) not in have:
            yield f"zh_CN does not know “{one.id}”: run `make messages`, then translate it"
    for obsolete in chinese.obsolete:
        yield f"zh_CN keeps “{obsolete}”, which nothing says: run `make messages`"
    for message in chinese:
        if not message.id:
            continue
        if str(message.id) not in said:
            yield f"zh_CN holds “{message.id}”, which nothing says: run `make messages`"
        if message.fuzzy:
            yield f"zh_CN has only guessed “{message.id}”: put it right and remove the word fuzzy"
        for english, words in forms(message):
            yield from (f"zh_CN “{english}”: {fault}" for fault in faults_of_sentence(english, words))


def faults_of_sentence(english: str, chinese: str) -> Iterator[str]:
    """What is wrong with one Chinese sentence."""
    if not chinese.strip():
        yield "is not translated"
        return
    try:
        asked, given = names(english), names(chinese)
    except ValueError as broken:
        yield f"has a broken value: {broken}"
        return
    for name in sorted(given - asked):
        yield f"the Chinese has a value {{{name}}} that the English lacks"
    for name in sorted(asked - given):
        yield f"the Chinese lacks the value {{{name}}}"
    for mark in _HALF_WIDTH.finditer(chinese):
        yield f"half-width punctuation beside Chinese: {mark[0]}"
    for word in _TYPED_IN_ENGLISH.finditer(chinese):
        yield f"tells people to type {word[0]}: give the Chinese word"
    if chinese != chinese.strip() and english == english.strip():
        yield "begins or ends with a space"


def faults_of_calls(sources: Iterable[tuple[str, Path]]) -> Iterator[str]:
    """Messages that cannot be found in a catalogue, or not be put into words, because of how they are called."""
    for name, path in sources:
        try:
            tree = ast.parse(path.read_bytes(), name)
        except SyntaxError as broken:
            yield f"{name}:{broken.lineno}: cannot be read: {broken.msg}"
            continue
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in KEYWORDS:
                for fault in _faults_of_call(call, call.func.id == "ngettext", name.startswith(FILLED_IN_LATER)):
                    yield f"{name}:{call.lineno}: {fault}"


def _faults_of_call(call: ast.Call, counted: bool, filled_in_later: bool) -> Iterator[str]:
    said = [one.value for one in call.args[: 2 if counted else 1] if isinstance(one, ast.Constant)]
    sentences = [one for one in said if isinstance(one, str)]
    if len(sentences) < (2 if counted else 1):
        yield "a message must be a plain string, with its values by name"
        return
    given = {one.arg for one in call.keywords if one.arg is not None}
    if any(one.arg is None for one in call.keywords) or (filled_in_later and not given):
        return
    asked = set().union(*(names(one) for one in sentences))
    for value in sorted(asked - given - ({"n"} if counted else set())):
        yield f"“{sentences[0]}” wants the value {{{value}}}, which is not given"
    for value in sorted(given - asked):
        yield f"“{sentences[0]}” is given {value}, which it does not say"


def faults_of_templates(root: Path) -> Iterator[str]:
    """A page's template says words that it is given; a sentence of its own would stay English for everybody."""
    for folder in SOURCES:
        for path in sorted((root / folder).rglob("templates/**/*")):
            if path.is_file():
                for found in re.finditer(r"\b(?:_|ngettext)\(\s*[\"'][^\"']*", path.read_text(encoding="utf-8")):
                    yield f"{path.relative_to(root).as_posix()}: {found[0]}…: make it a message of the page's module"


def main(arguments: list[str]) -> int:
    """0: all is well."""
    if set(arguments) - {"--update"}:
        print(__doc__, file=sys.stderr)
        return 2
    catalogues = Catalogues()
    if arguments:
        catalogues.update()
    faults = catalogues.faults()
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{len(catalogues.messages())} messages, {len(faults)} faults", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
