"""Kinds of options that several commands share, and how people write them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeVar

from cyclopts import Parameter

from ritornello.errors import ConfigError

Value = TypeVar("Value")


def _whole(kind: Any, value: str, *, delimiter: str | None = None) -> list[str]:
    # An environment variable is one text: "double bass,piano" must not be cut at the blank.
    return [value]


# Names with commas between them: --parts piano,bass. A list in ritornello.toml does as well.
Names = Annotated[tuple[str, ...], Parameter(negative=(), show_default=False, env_var_split=_whole)]
Flag = Annotated[bool, Parameter(negative=(), show_default=False)]


def split_names(texts: Iterable[str]) -> list[str]:
    """The names in texts such as "piano, bass"."""
    names = [name.strip() for text in texts for name in text.split(",")]
    return [name for name in names if name]


def split_pairs(
    texts: Iterable[str], option: str, example: str, read: Callable[[str], Value]
) -> dict[str, Value]:
    """Name -> value of texts such as "lead=1,all=4".

    Raises:
        ConfigError: if one is not a name, an equals sign and a readable value.
    """
    pairs = {}
    for text in split_names(texts):
        name, equals, value = text.partition("=")
        try:
            if not (name.strip() and equals):
                raise ValueError
            pairs[name.strip()] = read(value.strip())
        except ValueError:
            raise ConfigError(
                f"{text!r} is not a name with a value.",
                where=option,
                next_step=f"Write it as in {option} {example}",
            ) from None
    return pairs


def read_range(text: str) -> tuple[int, int]:
    """Read "28-50".

    Raises:
        ValueError: if it is something else.
    """
    low, _, high = text.partition("-")
    return int(low), int(high)
