"""Temperature and nucleus of sampling; `ritornello.note_model.engine.drawing` samples with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ritornello.errors import ConfigError
from ritornello.note_model.encoding.notes import FIELDS, PITCH, SHIFT
from ritornello.option_names import check_numbers, check_whole_numbers

# The logits of a field are divided by temperature * factor, so a factor below 1 sharpens it. One
# temperature for all fields would not do: a pitch out of the key costs a listener more than a rare
# duration. With these factors the keys and the tunes of composed music are most like those of real
# music, see docs/decisions/sampling.md.
_TEMPERATURE_FACTORS = {SHIFT: 0.8, PITCH: 0.8}
_UNSHARPENED = 1.2
_COLDEST, _HOTTEST = 0.05, 5.0


@dataclass(frozen=True)
class Sampling:
    """How the fields of an event are sampled from their distributions.

    Attributes:
        temperature: 1 is the default; lower is safer, higher is wilder. 0 would repeat itself for
            ever and is refused. Shift and pitch are sampled at 0.8 of it.
        top_p: nucleus sampling; the least likely classes that together hold less than 1 - top_p
            are never sampled.
        top_k: only the k likeliest classes are sampled; 0 for all.
        by_field: temperatures of single fields (shift, part, pitch, duration, velocity), in place
            of those above: they divide the logits as they are.

    Raises:
        ConfigError: if a number is out of range or a field is unknown.
    """

    temperature: float = 1.0
    top_p: float = 0.97
    top_k: int = 0
    by_field: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        numbers = {"temperature": self.temperature, "top_p": self.top_p, **self.by_field}
        check_numbers(numbers)
        check_whole_numbers({"top_k": self.top_k})
        for name, value in {"temperature": self.temperature, **self.by_field}.items():
            if not _COLDEST <= value <= _HOTTEST:
                raise ConfigError(f"The {name} is 0.05 to 5; asked for {value:g}.")
        if unknown := set(self.by_field) - set(FIELDS):
            raise ConfigError(f"No field is called {unknown.pop()!r}; known: {', '.join(FIELDS)}.")
        if not 0 < self.top_p <= 1 or self.top_k < 0:
            raise ConfigError("top_p is above 0 and at most 1, and top_k at least 0.")

    def unsharpened(self) -> Sampling:
        """The same without what keeps music in a figure that it has got into: the factors that
        sharpen shifts and pitches, the nucleus, and a fifth more of temperature."""
        wilder = min(self.temperature * _UNSHARPENED, _HOTTEST)
        plain = {FIELDS[head]: wilder for head in _TEMPERATURE_FACTORS}
        return Sampling(wilder, 1.0, self.top_k, {**plain, **self.by_field})

    def temperature_of(self, head: int) -> float:
        """What the logits of a field, given by its index, are divided by."""
        usual = self.temperature * _TEMPERATURE_FACTORS.get(head, 1.0)
        return self.by_field.get(FIELDS[head], usual)
