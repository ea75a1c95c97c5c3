"""Random mixes of stems, to train a separator on.

The stems of a mix come from one moment of a song, or each from a moment of another song. So that a
few SoundFonts teach more than their own sound, some mixes are changed: their songs are played a
little faster or slower, which moves timbres with pitches, and their stems go through effects.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ritornello.errors import ConfigError
from ritornello.rng import Rng

# Of the mixes to learn from. Shorter ones make for more steps: after 30 seconds of training on one
# processor mixes of 1.5 s were ahead of those of 3 s and of 0.75 s.
MIX_SECONDS = 1.5
LEVELS_DB = 6.0
_SEMITONES = 4.0

Effect = Callable[[np.ndarray, Rng], np.ndarray]
"""Changes the stems of a mix, float32 [parts, samples], such as by rooms and filters."""


class StemMixer:
    """Samples stems from songs: a `ritornello.separate.training.Draw`.

    Args:
        songs: [samples, parts] each, float32 or int16 (full scale 32,767); shorter ones are
            followed by silence. Of memory maps only what is drawn is read.
        samples: of a mix.
        effect: of the mixes that are changed, after their songs are played at other speeds, up to 4
            semitones away; None changes no mix.
        mixed: share of the mixes whose parts come from different songs or moments. After 45 seconds
            of training half was ahead of none by 0.3 dB, and of all by 1.1 dB.
        changed: share of the mixes that are changed.

    Raises:
        ConfigError: if there are no songs.
    """

    def __init__(
        self,
        songs: Sequence[np.ndarray],
        samples: int,
        *,
        effect: Effect | None = None,
        mixed: float = 0.5,
        changed: float = 0.5,
    ) -> None:
        if not songs:
            raise ConfigError("There are no songs to draw from.")
        self.songs, self.samples = songs, samples
        self.effect, self.mixed, self.changed = effect, mixed, changed
        lengths = np.array([len(song) for song in songs], float)
        self._odds = lengths / lengths.sum()

    def __call__(self, rng: Rng) -> np.ndarray:
        """The stems of a mix, float32 [samples, parts], each at a level of its own."""
        parts = self.songs[0].shape[1]
        effect = self.effect if rng.random() < self.changed else None
        most = _SEMITONES if effect else 0.0
        if rng.random() < self.mixed:
            stems = np.stack([self._sounding(part, most, rng) for part in range(parts)])
        else:
            moment = self._moment(most, rng)
            stems = np.stack([self._played(part, *moment) for part in range(parts)])
        if effect:
            stems = effect(stems, rng)
        levels_db = rng.uniform(-LEVELS_DB, LEVELS_DB, (parts, 1))
        return (stems * (10 ** (levels_db / 20)).astype(np.float32)).T

    def _moment(self, most_semitones: float, rng: Rng) -> tuple[np.ndarray, int, float]:
        """A random song, first sample and playing speed."""
        song = self.songs[rng.choice(len(self.songs), p=self._odds)]
        speed = 2 ** (rng.uniform(-most_semitones, most_semitones) / 12)
        start = int(rng.integers(max(1, len(song) - int(self.samples * speed) + 1)))
        return song, start, speed

    def _played(self, part: int, song: np.ndarray, start: int, speed: float) -> np.ndarray:
        """One stem of an excerpt, float32 [samples]."""
        needed = int((self.samples - 1) * speed) + 2
        heard = song[start : start + needed, part]
        scale = 1 / 32_767 if heard.dtype == np.int16 else 1.0
        heard = np.pad(heard.astype(np.float32) * np.float32(scale), (0, needed - len(heard)))
        if speed != 1:
            heard = np.interp(np.arange(self.samples) * speed, np.arange(needed), heard)
        return heard[: self.samples].astype(np.float32)

    def _sounding(self, part: int, most_semitones: float, rng: Rng) -> np.ndarray:
        """One stem of a random excerpt, sampled once more if it is silent there."""
        stem = self._played(part, *self._moment(most_semitones, rng))
        return stem if stem.any() else self._played(part, *self._moment(most_semitones, rng))
