"""One family of errors. Each says what was found, what was expected, where, and what to do next.

The command line prints ``str(error)`` and exits with ``error.exit_code``; no expected
failure ever shows a traceback.
"""

from __future__ import annotations


class RitornelloError(Exception):
    """An expected failure, with a message for the person who met it.

    Args:
        what: what was found and what was expected, as one sentence.
        where: the file, track, bar or option it concerns, if any.
        next_step: what the person can do now, if known.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", next_step: str = "") -> None:
        self.what = what
        self.where = where
        self.next_step = next_step
        super().__init__(what)

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}\n{self.next_step}" if self.next_step else text

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword arguments would be lost when an error crosses a process pool.
        return _rebuild, (type(self), self.what, self.where, self.next_step)


def _rebuild(kind: type[RitornelloError], what: str, where: str, next_step: str) -> RitornelloError:
    return kind(what, where=where, next_step=next_step)


class InputError(RitornelloError):
    """A file or piece that cannot be used as it is."""


class OutputError(RitornelloError):
    """A result that cannot be written: it exists, the disk is full, the folder is absent."""


class ConfigError(RitornelloError):
    """An option, rule or setting that has no meaning or contradicts another."""

    exit_code = 2


class OptionError(ConfigError, TypeError):
    """A keyword that nothing is called, in Python."""


class CheckpointError(RitornelloError):
    """A model file that is damaged, missing, or made for another encoding or version."""


class MissingExtraError(RitornelloError):
    """An optional package is needed. ``extra`` names the install extra that brings it."""

    def __init__(self, what: str, *, extra: str = "", where: str = "", next_step: str = "") -> None:
        step = next_step or f"Install it with: pip install 'ritornello[{extra}]'"
        super().__init__(what, where=where, next_step=step)


def shortened(text: str, most: int = 120) -> str:
    """A text in one printable line of at most ``most`` characters."""
    plain = "".join(char if char.isprintable() else " " for char in text[: 2 * most])
    line = " ".join(plain.split()).rstrip(".")
    return line if len(line) <= most else line[: most - 3] + "..."
