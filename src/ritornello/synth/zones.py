"""Zones of a SoundFont: which notes a sample sounds for, and how it is played for each.

Source: SoundFont Technical Specification 2.04, sections 8.1 and 9.4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from ritornello.synth.modulators import Wire, added
from ritornello.synth.modulators import joined as joined_modulators

# Generator numbers of section 8.1.2 that are used here.
INSTRUMENT, SAMPLE = 41, 53
_START, _END, _LOOP_START, _LOOP_END = 0, 1, 2, 3
_START_COARSE, _END_COARSE, _LOOP_START_COARSE, _LOOP_END_COARSE = 4, 12, 45, 50
_CUTOFF, _RESONANCE, _ENVELOPE_TO_CUTOFF, _PAN = 8, 9, 11, 17
_MODULATION_ENVELOPE, _VOLUME_ENVELOPE = 25, 33
_KEYS, _VELOCITIES, _ATTENUATION = 43, 44, 48
_COARSE_TUNE, _FINE_TUNE, _LOOPING = 51, 52, 54
_SCALE_TUNING, _EXCLUSIVE_CLASS, _ROOT_KEY = 56, 57, 58
_EVERY_VALUE = 127 << 8
_DEFAULTS = {
    _CUTOFF: 13500,
    _SCALE_TUNING: 100,
    _ROOT_KEY: -1,
    **{base + stage: -12000 for base in (25, 33) for stage in (0, 1, 2, 3, 5)},
}
# Presets give offsets; these say what a sample is, so they count in instruments only.
_INSTRUMENT_ONLY = {
    *(_START, _END, _LOOP_START, _LOOP_END, _START_COARSE, _END_COARSE),
    *(_LOOP_START_COARSE, _LOOP_END_COARSE, _LOOPING, _EXCLUSIVE_CLASS, _ROOT_KEY),
}
# The synthesizer SoundFonts were made for applied 0.4 of the written attenuation, and fonts are
# balanced by ear for that. They use negative ones too, though the specification has none.
_ATTENUATION_HEARD = 0.4


class Level(NamedTuple):
    """Generator amounts and modulators of one level of a SoundFont (preset or instrument)."""

    generators: dict[int, int]
    modulators: dict[Wire, int]

    def __or__(self, other: Level) -> Level:
        """This one where the other says nothing."""
        return Level(self.generators | other.generators, self.modulators | other.modulators)


@dataclass(frozen=True)
class VolumeEnvelope:
    """Delay, attack, hold, decay and release in seconds, and the level held, as section 8.1.2.

    Attributes:
        sustain: decibels below the peak in a volume envelope, share of the peak in a modulation
            envelope.
    """

    delay_seconds: float
    attack_seconds: float
    hold_seconds: float
    decay_seconds: float
    release_seconds: float
    sustain: float


@dataclass(frozen=True)
class Sound:
    """How a sample is played for a note, but for its loudness and place.

    Attributes:
        sample: index into the font's samples.
        cents: how far above its recorded pitch it is played.
        start: samples left out at its beginning.
        shifts: of its end, loop start and loop end, in samples.
        resonance_db: height of the filter's peak over its level at 0 Hz.
        envelope_to_cutoff_cents: how far the modulation envelope opens the filter.
    """

    sample: int
    cents: float
    is_looped: bool
    start: int
    shifts: tuple[int, int, int]
    cutoff_cents: float
    resonance_db: float
    envelope_to_cutoff_cents: float
    volume: VolumeEnvelope
    modulation: VolumeEnvelope


@dataclass(frozen=True, eq=False)
class Zone:
    """A sample for a range of keys and velocities, lowest and highest included.

    Attributes:
        recorded_key, recorded_cents: the sample sounds in tune at the key raised by the cents.
        level: sums of what preset and instrument say.
    """

    keys: tuple[int, int]
    velocities: tuple[int, int]
    sample: int
    recorded_key: int
    recorded_cents: float
    level: Level

    @property
    def exclusive_class(self) -> int:
        """Zones of one class, unless it is 0, stop each other."""
        return self.level.generators.get(_EXCLUSIVE_CLASS, 0)

    def covers(self, key: int, velocity: int) -> bool:
        low, high = self.velocities
        return self.keys[0] <= key <= self.keys[1] and low <= velocity <= high

    def gain_and_pan(self, key: int, velocity: int) -> tuple[float, float]:
        """Loudness of a note as a factor, and its place from -1 (left) to 1 (right)."""
        extra = added(self.level.modulators, key, velocity)
        written = min(1440, max(-600, self.level.generators.get(_ATTENUATION, 0)))
        centibels = _ATTENUATION_HEARD * written + extra.get(_ATTENUATION, 0.0)
        pan = self.level.generators.get(_PAN, 0) + extra.get(_PAN, 0.0)
        return 10 ** (-min(1440.0, max(-240.0, centibels)) / 200), min(1.0, max(-1.0, pan / 500))

    def sound(self, key: int, velocity: int) -> Sound:
        """How the sample is played for a note; equal sounds are heard as the same tone."""
        extra = added(self.level.modulators, key, velocity)

        def value(number: int) -> float:
            return self.level.generators.get(number, 0) + extra.get(number, 0.0)

        root = value(_ROOT_KEY)
        steps = key - (root if 0 <= root <= 127 else self.recorded_key)
        tuning = 100 * value(_COARSE_TUNE) + value(_FINE_TUNE) + self.recorded_cents
        return Sound(
            sample=self.sample,
            cents=steps * value(_SCALE_TUNING) + tuning,
            is_looped=int(value(_LOOPING)) & 1 == 1,
            start=round(value(_START) + 32768 * value(_START_COARSE)),
            shifts=(
                round(value(_END) + 32768 * value(_END_COARSE)),
                round(value(_LOOP_START) + 32768 * value(_LOOP_START_COARSE)),
                round(value(_LOOP_END) + 32768 * value(_LOOP_END_COARSE)),
            ),
            cutoff_cents=min(13500, max(1500, value(_CUTOFF))),
            resonance_db=min(96.0, max(0.0, value(_RESONANCE) / 10)),
            envelope_to_cutoff_cents=min(12000, max(-12000, value(_ENVELOPE_TO_CUTOFF))),
            volume=_envelope(value, _VOLUME_ENVELOPE, key),
            modulation=_envelope(value, _MODULATION_ENVELOPE, key),
        )


def joined(own: Level, offsets: Level, recorded_key: int, recorded_cents: int) -> Zone | None:
    """The zone of an instrument's level and a preset's offsets to it; None if nothing plays it.

    Args:
        recorded_key, recorded_cents: what the sample says of itself; over 127 is no key.
    """
    keys = _overlap(own, offsets, _KEYS)
    velocities = _overlap(own, offsets, _VELOCITIES)
    if keys[0] > keys[1] or velocities[0] > velocities[1]:
        return None
    generators = _DEFAULTS | own.generators
    for number, offset in offsets.generators.items():
        if number not in _INSTRUMENT_ONLY:
            generators[number] = generators.get(number, 0) + offset
    return Zone(
        keys=keys,
        velocities=velocities,
        sample=own.generators[SAMPLE],
        recorded_key=recorded_key if recorded_key <= 127 else 60,
        recorded_cents=recorded_cents,
        level=Level(generators, joined_modulators(own.modulators, offsets.modulators)),
    )


def _overlap(own: Level, offsets: Level, number: int) -> tuple[int, int]:
    """The range both levels allow; a range is two bytes, the lower end first."""
    ranges = [level.generators.get(number, _EVERY_VALUE) for level in (own, offsets)]
    return max(r & 127 for r in ranges), min(r >> 8 & 127 for r in ranges)


def _envelope(value: Callable[[int], float], first: int, key: int) -> VolumeEnvelope:
    """The envelope of eight generators from a first one on, at a key."""
    delay, attack, hold, decay, sustain, release, hold_by_key, decay_by_key = (
        value(first + stage) for stage in range(8)
    )
    below_60 = 60 - key
    return VolumeEnvelope(
        delay_seconds=_seconds(delay),
        attack_seconds=_seconds(attack),
        hold_seconds=_seconds(hold + below_60 * min(1200, max(-1200, hold_by_key))),
        decay_seconds=_seconds(decay + below_60 * min(1200, max(-1200, decay_by_key))),
        release_seconds=_seconds(release),
        sustain=min(144.0, max(0.0, sustain / 10))
        if first == _VOLUME_ENVELOPE
        else 1 - min(1000, max(0, sustain)) / 1000,
    )


def _seconds(timecents: float) -> float:
    # The shortest time that can be written means none at all.
    return 0.0 if timecents <= -12000 else 2 ** (min(8000, timecents) / 1200)
