"""Options in Python: American spellings are known, misspelt ones told the nearest; numbers checked.

A misspelt keyword is a `TypeError` in Python and an error of ours for the person who wrote it; so
an `OptionError` is both.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from difflib import get_close_matches
from numbers import Integral, Real
from typing import Any, TypeVar

from ritornello.errors import ConfigError, OptionError, shortened

Class = TypeVar("Class", bound=type)
AMERICAN = {"meter": "metre"}


def canonical(given: Mapping[str, Any], known: Iterable[str], *, of: str) -> dict[str, Any]:
    """Options under their own names.

    Args:
        given: by names that may be spelt the American way.
        known: all names there are.
        of: what has these options, for messages.

    Raises:
        OptionError: if there is no such option, or one is given in both spellings.
    """
    known = list(known)
    found: dict[str, Any] = {}
    for name, value in given.items():
        own = AMERICAN.get(name, name)
        if own not in known:
            near = get_close_matches(str(name).lower(), known, n=1)
            raise OptionError(
                f"{of} has no option {shortened(str(name))!r}.",
                next_step=f"{f'Did you mean {near[0]!r}? ' if near else ''}"
                f"Known: {', '.join(known)}.",
            )
        if own in found:
            raise OptionError(f"The option {own!r} of {of} is given twice.")
        found[own] = value
    return found


def check_numbers(numbers: Mapping[str, object]) -> None:
    """Refuse values of options that are no numbers; None asks for nothing.

    Raises:
        ConfigError: naming the option.
    """
    for name, value in numbers.items():
        if value is not None and not isinstance(value, Real):
            raise ConfigError(f"{_named(name)} is a number; found {shortened(repr(value))}.")


def check_whole_numbers(numbers: Mapping[str, object]) -> None:
    """Refuse values of options that are no whole numbers.

    Raises:
        ConfigError: naming the option.
    """
    for name, value in numbers.items():
        if not isinstance(value, Integral):
            raise ConfigError(f"{_named(name)} is a whole number; found {shortened(repr(value))}.")


def _named(name: str) -> str:
    return f"The option {name!r}"


def named_options(of: str) -> Callable[[Class], Class]:
    """Decorates a dataclass: its keywords are read by `canonical`."""

    def decorate(kind: Class) -> Class:
        plain = vars(kind)["__init__"]

        @functools.wraps(plain)
        def read(self: Any, *args: Any, **given: Any) -> None:
            known = [field.name for field in fields(kind)]
            plain(self, *args, **canonical(given, known, of=of))

        setattr(kind, "__init__", read)  # noqa: B010
        return kind

    return decorate
