"""How loud a dynamic mark of a score is, and what people call loudness, as MIDI velocities."""

from __future__ import annotations

from ritornello.errors import ConfigError

VELOCITIES = {"pppp": 10, "ppp": 20, "pp": 33, "p": 49, "mp": 64, "mf": 80, "f": 96, "ff": 112,
              "fff": 120, "ffff": 127}  # fmt: skip
_WORDS = {"soft": "p", "medium": "mf", "loud": "f"}


def velocity_of(text: str) -> float:
    """The velocity that a text such as "70", "mf" or "soft" asks for.

    Raises:
        ConfigError: if it is no number, mark or word; of a number the range is not looked at.
    """
    word = text.strip().lower()
    mark = _WORDS.get(word, word)
    if mark in VELOCITIES:
        return VELOCITIES[mark]
    try:
        return float(word)
    except ValueError:
        raise ConfigError(
            f"{text!r} is no loudness.",
            next_step="Write soft, medium or loud, a mark such as pp, mf or f, or a velocity, "
            "1 to 127.",
        ) from None
