"""Values of a transcription in seconds: notes, beats, and the hints of a user."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from ritornello.errors import ConfigError
from ritornello.option_names import named_options

ON_BEAT_SECONDS = 0.05  # what is nearer to a beat is on it

# Sorted by (onset, pitch). ``confidence`` is 0 to 1.
HEARD_NOTE_DTYPE = np.dtype(
    [
        ("onset_seconds", np.float64),
        ("end_seconds", np.float64),
        ("pitch", np.int16),
        ("velocity", np.int16),
        ("confidence", np.float32),
    ]
)


@named_options("Hints")
@dataclass(frozen=True)
class Hints:
    """What the user states of a recording; None is estimated.

    Attributes:
        tempo_bpm: felt beats a minute, about; the player's own timing around it is still followed.
        metre: (numerator, denominator); 6/8 and its like have dotted beats, see `Metre.beat_ticks`.
        downbeat_seconds: when some bar begins.
        steady: whether the tempo is the same all along, as to a click.
        beats_seconds: beats as they were tapped or corrected, ascending, at least two; where they
            stop, the beats go on as they are heard.
    """

    tempo_bpm: float | None = None
    metre: tuple[int, int] | None = None
    downbeat_seconds: float | None = None
    steady: bool = False
    beats_seconds: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.tempo_bpm is not None and not 20 <= self.tempo_bpm <= 400:
            raise ConfigError(f"A tempo is 20 to 400 beats a minute; found {self.tempo_bpm:g}.")
        if self.downbeat_seconds is not None and self.downbeat_seconds < 0:
            raise ConfigError("A bar begins at 0 seconds or later.")
        if self.beats_seconds is not None:
            _check_beats(self.beats_seconds)


def _check_beats(beats_seconds: tuple[float, ...]) -> None:
    if len(beats_seconds) < 2:
        raise ConfigError(f"Beats by hand are at least two; found {len(beats_seconds)}.")
    for before, now in pairwise(beats_seconds):
        if not 0 <= before < now:
            raise ConfigError(
                f"Beats by hand ascend from 0 seconds on; found {now:g} after {before:g}."
            )


@dataclass(frozen=True, eq=False)
class Beats:
    """The beats of a recording and which of them begin bars.

    Attributes:
        times_seconds: float64 [beats], at least two, ascending, from the first beat at or after 0
            to the last before the end of the recording; none in long silence before or after.
        metre: (numerator, denominator), the same all along.
        first_downbeat: index of the first beat that begins a bar; less than `beats_per_bar`.
        beats_per_bar: felt beats, such as 4 in 4/4 and 2 in 6/8.
        confidence: 0 to 1, that these are the beats; 0 where none was heard and a steady tempo was
            assumed.
        downbeat_confidence: 0 to 1, that bars begin where they are said to; 1 where the player says
            so.
        other_tempo_bpm: twice or half the tempo, two thirds or three halves, where the beat may as
            well be felt so.
        bar_odds: log odds, by sound alone, that each of the beats begins a bar, float64 [beats];
            None where nothing was heard.
        followed_bars: beats a bar by which they were followed, where they were; see
            `bar_following`.
    """

    times_seconds: np.ndarray
    metre: tuple[int, int]
    first_downbeat: int
    beats_per_bar: int
    confidence: float
    downbeat_confidence: float
    other_tempo_bpm: float | None = None
    bar_odds: np.ndarray | None = None
    followed_bars: int | None = None

    @cached_property
    def tempo_bpm(self) -> float:
        """Median, in felt beats a minute."""
        return 60 / float(np.median(np.diff(self.times_seconds)))

    @property
    def downbeats_seconds(self) -> np.ndarray:
        """When bars begin, float64 [bars]."""
        return self.times_seconds[self.first_downbeat :: self.beats_per_bar]
