"""What all commands print alike: results and JSON on stdout; errors and progress on stderr."""

from __future__ import annotations

import codecs
import io
import json
import logging
import os
import shlex
import sys
import unicodedata
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

_LONGEST_MESSAGE = 1200
# What names and texts from files must not do to a terminal: move about in it, colour or title it.
_CONTROLS = str.maketrans(dict.fromkeys((*range(9), *range(11, 32), *range(127, 160)), "?"))
_PLAIN = {"\u2713": "+", "\u2717": "x", "\u2026": "...", "\u2013": "-", "\u00b1": "+-"}


class _Console(Console):
    """A console that shows all texts without their control characters."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(text.translate(_CONTROLS), **options)


class _Results(_Console):
    """Standard output; when its reader has gone, `ritornello.cli` decides what that means."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


out = _Results(highlight=False, soft_wrap=True)
err = _Console(stderr=True, highlight=False)


def write_anything() -> None:
    """Make stdout and stderr escape characters that their encoding lacks, rather than fail.

    Bytes of file names that are no text are written as they are. Signs that the encoding lacks
    become plain ones: "e" for an accented one, or a question mark.
    """
    codecs.register_error("ritornello.plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="ritornello.plain")


def _plain(error: UnicodeError) -> tuple[str | bytes, int]:
    """What to write in place of the first sign that cannot be written, and where to go on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    sign = error.object[error.start]
    if 0xDC80 <= ord(sign) <= 0xDCFF:  # how Python carries a byte of a name that is no text
        return bytes([ord(sign) - 0xDC00]), error.start + 1
    plain = unicodedata.normalize("NFKD", sign).encode("ascii", "ignore").decode()
    return _PLAIN.get(sign) or plain or "?", error.start + 1


def print_error(what: str, next_step: str = "") -> None:
    """One message; in a box where a person looks on, as plain lines in a log."""
    what, next_step = _without_middle(what), _without_middle(next_step)
    if err.is_terminal:
        text = escape(what) + (f"\n[dim]{escape(next_step)}[/dim]" if next_step else "")
        err.print(Panel(text, title="ritornello", title_align="left", border_style="red"))
    else:
        err.print(f"ritornello: {what}", markup=False, soft_wrap=True)
        if next_step:
            err.print(next_step, markup=False, soft_wrap=True)


def _without_middle(text: str) -> str:
    """A text in which what somebody wrote without end is left out."""
    if len(text) <= _LONGEST_MESSAGE:
        return text
    return f"{text[: 2 * _LONGEST_MESSAGE // 3]} [...] {text[-_LONGEST_MESSAGE // 3 :]}"


def say(sentence: str) -> None:
    """A sentence about what is going on."""
    err.print(sentence, markup=False, soft_wrap=True)


class _Teller(logging.Handler):
    """Says each warning once."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._said: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        sentence = record.getMessage()
        if sentence not in self._said:
            self._said.add(sentence)
            say(f"Note: {sentence}")


@contextmanager
def print_warnings() -> Iterator[None]:
    """A context that prints the package's warnings to stderr, and none of libraries.

    With RITORNELLO_DEBUG, those of libraries are shown too.
    """
    logger, teller = logging.getLogger("ritornello"), _Teller()
    logger.addHandler(teller)
    try:
        with warnings.catch_warnings():
            if not os.environ.get("RITORNELLO_DEBUG"):
                warnings.simplefilter("ignore")
            yield
    finally:
        logger.removeHandler(teller)


def print_json(value: object) -> None:
    """One JSON value on stdout; escaped where its encoding lacks a sign."""
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, indent=2, default=str)
    print(text)


def clock(seconds: float) -> str:
    """Seconds as minutes:seconds; "?" for infinity."""
    if seconds == float("inf"):
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


@contextmanager
def resumable(again: Sequence[str]) -> Iterator[Callable[[Callable[[Any], None]], Any]]:
    """A context for a run that saves itself: when interrupted it prints the command that goes on.

    Yields what notes that there are steps: give it what is called after each, and call what it
    returns instead. A run without steps was complete already, which is said too.

    Args:
        again: words of the command that goes on.
    """
    stepped = False

    def noting(step: Callable[[Any], None]) -> Callable[[Any], None]:
        def watch(state: Any) -> None:
            nonlocal stepped
            stepped = True
            step(state)

        return watch

    try:
        yield noting
    except KeyboardInterrupt:
        say(
            f"Saved. Go on with: {shlex.join(again)}"
            if stepped
            else "Stopped before anything was learned."
        )
        raise
    if not stepped:
        say("The run was complete already. Give it more --minutes to go on.")


@contextmanager
def progress(label: str) -> Iterator[Callable[..., None]]:
    """A bar with the time left, only on a terminal.

    Yields what to call with (done, in all), or with (done, in all, another label).
    """
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(label, total=None)

        def watch(done: int, total: int, name: str = label) -> None:
            # A bar whose end is not known moves to and fro.
            bar.update(task, completed=done, total=total or None, description=name)

        yield watch
