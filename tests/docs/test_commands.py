"""Every command and every `--option value` in the documentation parses with the real parser.

Commands in blocks and spans of code are parsed, not run; a span that is only options belongs to
some command. Options of experiments, which are no part of the command, are looked up in their
sources.
"""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from cyclopts import CycloptsError, MissingArgumentError

from ritornello import Composer, cli
from ritornello.cli.streams import STREAM
from ritornello.papers.systems import SYSTEMS
from tests.docs.pages import ROOT, pages
from tests.docs.reference import arguments, commands

_FENCE = re.compile(r"^ *```(?P<language>[\w{}-]*)[^\n]*\n(?P<text>.*?)^ *```$", re.M | re.S)
_SPAN = re.compile(r"(?<!`)(`+)(?!`)(?P<text>.+?)(?<!`)\1(?!`)", re.S)
_OPERATORS = re.compile(r"[|&;<>()]+")
# What stands for a name that the reader chooses, where not every name will do.
_PLACEHOLDERS = {"SYSTEM": SYSTEMS[0], "SEED": "1", "N": "1", "A-B": "1-2"}
_COMMANDS = {words[0] for words in commands()}
_OPTIONS = {name for words in commands() for each in arguments(words) for name in each.names}
_EXPERIMENTS = "\n".join(
    path.read_text("utf-8") for path in sorted((ROOT / "experiments").rglob("*.py"))
)
_PROGRAMS = {"awk", "git", "make", "pip", "pytest", "python"}  # of others
# Their options that the documentation names without the program beside them.
_OTHERS = {
    "--nproc-per-node",  # torchrun
}


def _code(page: Path) -> Iterator[tuple[str, bool]]:
    """The lines of a page's blocks but for Python, and its spans: (text, whether it is a span)."""
    text = (ROOT / page).read_text("utf-8")
    for block in _FENCE.finditer(text):
        if block["language"] == "python":
            continue
        lines = block["text"].replace("\\\n", " ").splitlines()
        for line in lines:
            if block["language"] != "console" or line.startswith("$ "):
                yield line.removeprefix("$ ").strip(), False
    for span in _SPAN.finditer(_FENCE.sub("", text)):
        yield " ".join(span["text"].split()), True


def _simple_commands(line: str) -> list[list[str]]:
    """The words of each command in a line of a shell."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.wordchars += "#:=,+%{}$[]@^!"
    lexer.commenters = ""
    words = itertools.takewhile(lambda word: word != "#", lexer)
    found: list[list[str]] = [[]]
    for word in words:
        if _OPERATORS.fullmatch(word):
            found.append([])
        else:
            found[-1].append(word)
    return found


def _alternatives(text: str) -> list[str]:
    """Each of the texts that one with "a|b" stands for."""
    parts = [word.split("|") for word in text.split(" ")]
    return [" ".join(words) for words in itertools.product(*parts)]


def _asked(line: str, is_span: bool) -> Iterator[tuple[str, list[str]]]:
    """What a line asks of whom: ("ritornello", words), ("experiments", words), ("any", words).

    A span with options that is none of these asks ("nobody", words).
    """
    if line.startswith("# "):  # a comment in a block
        for text in re.findall(r"--[a-z][\w-]*(?: [^\s-]\S*)?", line):
            yield "any", shlex.split(text)
        return
    if is_span and re.match(r"--?[a-z][\w-]*(?<!-)( |$)", line):
        for text in _alternatives(line):
            yield "any", shlex.split(text)
        return
    if not re.search(r"ritornello|experiments|^\w[\w-]* .*--?\w", line):
        return
    for words in _simple_commands(line):
        names = [Path(word).name for word in words]
        if "ritornello" in names and "pip" not in names:
            yield "ritornello", words[names.index("ritornello") + 1 :]
        elif modules := [word for word in words if word.startswith("experiments.")]:
            # What stands before the module is said to Python or to torchrun.
            yield "experiments", words[words.index(modules[0]) :]
        elif is_span and words and words[0] in _COMMANDS and len(words) > 1:
            yield "ritornello", words
        elif (
            is_span
            and names
            and names[0] not in _PROGRAMS
            and any(word[:2] == "--" for word in words)
        ):
            yield "nobody", words


def _parse(words: list[str]) -> None:
    """Parse a command line; what is missing, as in a span that only names a command, is added.

    Raises:
        CycloptsError: if it does not parse.
    """
    words = [_PLACEHOLDERS.get(word, "1" if word.startswith("$") else word) for word in words]
    words = [word for word in words if word not in ("...", "…")]
    words = [STREAM if word == "-" else word for word in words]
    for _ in range(4):
        try:
            cli.app.parse_args(words, print_error=False, exit_on_error=False)
        except MissingArgumentError as error:
            names = error.argument.names if error.argument else ()
            # An option at the end lacks its value only.
            named = [name for name in names if name.startswith("-") and words[-1] not in names]
            choices = error.argument.get_choices(force=True) if error.argument else None
            words = [*words, *named[:1], choices[0] if choices else "1"]
        else:
            return
    raise AssertionError(f"{words} lacks too much")


def _belongs_to_some_command(words: list[str]) -> bool:
    for above in commands():
        try:
            _parse([*above, *words])
        except CycloptsError:
            continue
        return True
    return False


def _problem(whose: str, words: list[str]) -> str:
    if whose == "ritornello":
        try:
            _parse(words)
        except CycloptsError as error:
            return str(error)
        return ""
    if whose == "nobody":
        return "name the command"
    options = [word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)]
    unknown = [name for name in options if f'"{name}"' not in _EXPERIMENTS and name != "-m"]
    if whose == "experiments":
        own = [name for name in unknown if name not in _OTHERS]
        return f"no experiment has {own}" if own else ""
    if not {*options} & _OPTIONS and (not unknown or {*options} <= _OTHERS):
        return ""
    return "" if _belongs_to_some_command(words) else "no command takes it"


@pytest.mark.parametrize("page", pages(), ids=str)
def test_every_option_parses(page: Path) -> None:
    wrong = []
    for line, is_span in _code(page):
        for whose, words in _asked(line, is_span):
            if problem := _problem(whose, words):
                wrong.append(f"{line}\n    {problem}")
    assert not wrong, "\n".join([str(page), *wrong])


def test_every_collection_that_is_named_is_one_of_the_bundled_model() -> None:
    asked = {
        words[words.index("--like") + 1]
        for page in pages()
        for line, is_span in _code(page)
        for _, words in _asked(line, is_span)
        if "--like" in words[:-1] and not {"-m", "--model"} & {*words}
    }
    composer = Composer.load()
    assert asked
    for name in sorted(asked):
        composer.compose(bars=1, collection=name)  # refuses what it does not know


def test_what_is_wrong_is_found() -> None:
    for line in ("ritornello compose --bras 8", "ritornello train x -o y --cell nonsense"):
        ((whose, words),) = _asked(line, True)
        assert _problem(whose, words), line
    assert _problem("any", ["--cell", "nonsense"])
    assert _problem("any", ["--width", "many"])
    assert not _problem("any", ["--cell", "mingru"])


def test_the_examples_of_the_help_parse() -> None:
    shown = [cli.app[name].help_epilogue or "" for name in sorted(_COMMANDS)]
    found = [
        asked
        for text in shown
        for span in _SPAN.finditer(str(text))
        for asked in _asked(span["text"], True)
    ]
    assert len(found) > 8
    assert not [(words, problem) for whose, words in found if (problem := _problem(whose, words))]
