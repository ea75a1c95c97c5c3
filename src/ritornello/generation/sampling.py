"""How bold a composer is. The drawing itself is in `ritornello.note_model.engine.drawing`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ritornello.errors import ConfigError
from ritornello.note_model.encoding.notes import FIELDS, PITCH, SHIFT

# Sharpened or flattened alike, the fields would not be right together: a pitch out of the key costs
# a listener more than a rare duration. With these factors composed music is most like real music:
# of eight settings tried on training excerpts of bands and songs, see docs/decisions/sampling.md.
_BOLDNESS = {SHIFT: 0.8, PITCH: 0.68}


@dataclass(frozen=True)
class Sampling:
    """How bold the choices are.

    Attributes:
        temperature: 1 is the usual boldness, lower is safer, higher is wilder; 0 would repeat
            itself for ever and is refused.
        top_p: the least likely classes that together hold less than 1 - top_p are not drawn.
        top_k: only the k likeliest classes are drawn; 0 for all.
        by_field: temperatures of single fields (shift, part, pitch, duration, velocity), as they
            divide the logits.

    Raises:
        ConfigError: if a number is out of range or a field is unknown.
    """

    temperature: float = 1.0
    top_p: float = 0.97
    top_k: int = 0
    by_field: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in {"temperature": self.temperature, **self.by_field}.items():
            if not 0.05 <= value <= 5:
                raise ConfigError(f"The {name} is 0.05 to 5; asked for {value:g}.")
        if unknown := set(self.by_field) - set(FIELDS):
            raise ConfigError(f"No field is called {unknown.pop()!r}; known: {', '.join(FIELDS)}.")
        if not 0 < self.top_p <= 1 or self.top_k < 0:
            raise ConfigError("top_p is above 0 and at most 1, and top_k at least 0.")

    def temperature_of(self, head: int) -> float:
        """The temperature of a field, by its index."""
        usual = self.temperature * _BOLDNESS.get(head, 1.0)
        return self.by_field.get(FIELDS[head], usual)
