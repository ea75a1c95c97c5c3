"""A score of lines to rendered stems that sum to their mix.

A `Score` says who plays what, by which sounds and how loud; `play` renders it, with effects on each
stem and on their sum. What is random about the sound is decided by the seed of the score.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from ritornello.dsp import effects
from ritornello.errors import ConfigError
from ritornello.rng import Rng
from ritornello.separate.stem_folders import PARTS
from ritornello.synth.sampler import PlayedNote, Sampler
from ritornello.synth.soundfont import DRUM_BANK, SoundFont

RENDER_RATE_HZ = 44_100  # the sampler does not filter, so a lower rate would fold cymbals down
# Level of a part against the others, and how far it may be from that.
_PART_LEVELS_DB = {"bass": 0.0, "drums": 1.0, "piano": -2.0, "other": -1.0}
_PART_SPREAD_DB = 5.0
_PEAK_DB = (-12.0, -0.5)
_SOUNDING_DB = -40.0


@dataclass(frozen=True)
class RenderConfig:
    """How examples are made.

    Attributes:
        rate_hz: samples per second, mono. seconds: length of an example.
        soundfonts: paths, of which each line draws one; none for the font of the package.
        mixed: share of examples whose parts come from different songs.
        effects: strength of the effects on each stem and on their sum, 0 to 1; see
            `ritornello.dsp.effects.random_effects`.
        seed: of everything.

    Raises:
        ConfigError: if a setting is out of range.
    """

    rate_hz: int = 22_050
    seconds: float = 10.0
    soundfonts: tuple[str, ...] = ()
    mixed: float = 0.5
    effects: float = 0.7
    seed: int = 0

    def __post_init__(self) -> None:
        if not (self.samples >= 1 and 8_000 <= self.rate_hz <= RENDER_RATE_HZ):
            raise ConfigError(
                f"Examples of {self.seconds:g} s at {self.rate_hz} Hz cannot be rendered.",
                next_step=f"Rates are 8000 to {RENDER_RATE_HZ} Hz.",
            )
        if not (0 <= self.mixed <= 1 and 0 <= self.effects <= 1):
            raise ConfigError(
                f"Shares and strengths are 0 to 1; found {self.mixed:g} and {self.effects:g}."
            )

    @property
    def samples(self) -> int:
        return round(self.seconds * self.rate_hz)


@dataclass(frozen=True, eq=False)
class Line:
    """What one player plays in an example.

    Attributes:
        part: index into `PARTS`.
        notes: int64 [notes, 4]: onset and end in samples of the rendering, pitch, velocity.
        soundfont: a path; empty for the font of the package.
        kit: where among the drum kits of the font, 0 to 1.
        level_db: against the other lines of the part.
    """

    part: int
    notes: np.ndarray
    program: int
    is_drum: bool
    soundfont: str
    kit: float
    level_db: float


@dataclass(frozen=True, eq=False)
class Score:
    """An example before it is played: the lines, and the seed of levels and effects."""

    lines: tuple[Line, ...]
    sources: tuple[str, ...]
    config: RenderConfig
    seed: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Example:
    """A few seconds of music.

    Attributes:
        stems: float32 [samples, parts] in the order of `PARTS`; a part that rests is silent.
        sources: names of the songs in it.
        rate_hz: samples per second.
    """

    stems: np.ndarray
    sources: tuple[str, ...]
    rate_hz: int

    @property
    def mix(self) -> np.ndarray:
        """The sum of the stems, float32 [samples], within -1..1."""
        result: np.ndarray = self.stems.sum(axis=1)
        return result


def play(score: Score) -> Example:
    """Render an example: every line by its font, effects on each stem, and on their sum."""
    config = score.config
    rng = np.random.default_rng((*score.seed, 1))
    stems = np.zeros((len(PARTS), config.samples), np.float32)
    for line in score.lines:
        stems[line.part] += _levelled(_played(line, config), line.level_db)
    for part, name in enumerate(PARTS):
        if stems[part].any():
            stems[part] = effects.random_effects(
                stems[part], config.rate_hz, rng, strength=config.effects, noisy=False
            )
            spread_db = rng.uniform(-_PART_SPREAD_DB, _PART_SPREAD_DB)
            stems[part] = _levelled(stems[part], _PART_LEVELS_DB[name] + spread_db)
    stems = _on_the_bus(stems, config, rng)
    return Example(np.ascontiguousarray(stems.T), score.sources, config.rate_hz)


def _played(line: Line, config: RenderConfig) -> np.ndarray:
    """A line alone, mono float32 [samples] at the rate of the examples."""
    import soxr

    count = int(np.ceil(config.samples * RENDER_RATE_HZ / config.rate_hz)) + 1
    out = np.zeros((2, count), np.float32)
    font = _with_kit(_font(line.soundfont), line.kit) if line.is_drum else _font(line.soundfont)
    notes = [PlayedNote(*map(int, note)) for note in line.notes]
    Sampler(font, RENDER_RATE_HZ).play(notes, out, program=line.program, is_drum=line.is_drum)
    mono = soxr.resample(out.mean(axis=0), RENDER_RATE_HZ, config.rate_hz)[: config.samples]
    return np.pad(mono, (0, config.samples - len(mono)))


@lru_cache(maxsize=8)
def _font(path: str) -> SoundFont:
    return SoundFont.load(path or None)


def _with_kit(font: SoundFont, share: float) -> SoundFont:
    """The font with another of its drum kits in the place of the first."""
    kits = sorted(place for place in font.presets if place[0] == DRUM_BANK)
    if not kits:
        return font
    chosen = font.presets[kits[int(share * len(kits))]]
    return replace(font, presets={**font.presets, kits[0]: chosen})


def _levelled(sound: np.ndarray, level_db: float) -> np.ndarray:
    """The sound scaled to a root mean square, in dB, over its non-silent samples; silence stays."""
    power = np.square(sound)
    sounding = power[power > power.max(initial=0) * 10 ** (_SOUNDING_DB / 10)]
    if not len(sounding):
        return sound
    return effects.gain(sound, level_db - float(10 * np.log10(sounding.mean())))


def _on_the_bus(stems: np.ndarray, config: RenderConfig, rng: Rng) -> np.ndarray:
    """Effects of a mix bus, applied to every stem with one gain so that they still sum to the mix.

    Args:
        stems: float32 [parts, samples].
    """
    strength = config.effects
    if rng.random() < 0.5 * strength:
        stems = effects.tilt(stems, config.rate_hz, strength * rng.uniform(-1.5, 1.5))
    if rng.random() < 0.3 * strength:
        size, down_db = rng.uniform(0.2, 1.2), rng.uniform(12, 24)
        seed = int(rng.integers(2**31))
        stems = effects.room(stems, config.rate_hz, size=size, level_db=-down_db, seed=seed)
    peak = _peak(stems)
    if not peak:
        return stems
    if rng.random() < 0.4 * strength:
        mix = stems.sum(axis=0) / np.float32(peak)
        threshold_db, ratio = rng.uniform(-20, -6), rng.uniform(1.5, 3)
        stems = stems * effects.compression_curve(
            mix, config.rate_hz, threshold_db=threshold_db, ratio=ratio
        )
        peak = _peak(stems)
    return effects.gain(stems, rng.uniform(*_PEAK_DB) - float(20 * np.log10(peak)))


def _peak(stems: np.ndarray) -> float:
    """Of the stems [parts, samples] and of their sum."""
    return float(max(np.abs(stems).max(), np.abs(stems.sum(axis=0)).max()))
