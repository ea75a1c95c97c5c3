"""SoundFont 2 and 3 files as plain values: presets made of zones, zones that name a sample.

A preset holds zones of its own and points to instruments that hold more; `SoundFont.load` joins
both levels, so that a `Zone` says everything a player needs in seconds, decibels and cents.
Samples stay in the file until a note needs them (SF3 keeps them as Ogg Vorbis).

Source: SoundFont Technical Specification 2.04, sections 7 to 9.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from os import PathLike

import numpy as np

from ritornello.audio.stand_ins import stand_in
from ritornello.errors import InputError

DRUM_BANK = 128
_ROM_SAMPLE = 0x8000
_VORBIS_SAMPLE = 0x10

# Generator numbers of section 8.1.2 that are used here.
_START, _END, _LOOP_START, _LOOP_END = 0, 1, 2, 3
_START_COARSE, _END_COARSE, _LOOP_START_COARSE, _LOOP_END_COARSE = 4, 12, 45, 50
_CUTOFF, _RESONANCE, _ENVELOPE_TO_CUTOFF, _PAN = 8, 9, 11, 17
_MODULATION_ENVELOPE, _VOLUME_ENVELOPE = 25, 33
_INSTRUMENT, _KEYS, _VELOCITIES, _ATTENUATION = 41, 43, 44, 48
_COARSE_TUNE, _FINE_TUNE, _SAMPLE, _LOOPING = 51, 52, 53, 54
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

_RECORDS = {
    b"phdr": "S20,<u2,<u2,<u2,<u4,<u4,<u4",
    b"pbag": "<u2,<u2",
    b"pgen": "<u2,<i2",
    b"inst": "S20,<u2",
    b"ibag": "<u2,<u2",
    b"igen": "<u2,<i2",
    b"shdr": "S20,<u4,<u4,<u4,<u4,<u4,u1,i1,<u2,<u2",
}


@dataclass(frozen=True)
class Envelope:
    """Delay, attack, hold, decay and release in seconds, and the level held, as section 8.1.2.

    Attributes:
        sustain: decibels below the peak in a volume envelope, share of the peak in a modulation
            envelope.
        hold_cents_per_key, decay_cents_per_key: how much longer the stage lasts for each key
            below 60, in cents of an octave of time.
    """

    delay_seconds: float
    attack_seconds: float
    hold_seconds: float
    decay_seconds: float
    release_seconds: float
    sustain: float
    hold_cents_per_key: float
    decay_cents_per_key: float


@dataclass(frozen=True)
class Zone:
    """A sample and how it is played, for a range of keys and velocities.

    Attributes:
        sample: index into the font's samples.
        root_key, tuning_cents: the sample sounds in tune at ``root_key`` raised by the cents.
        cents_per_key: 100, but 0 for sounds without pitch.
        span: first sample, end, loop start and loop end as offsets from the sample's own.
        pan: -1 (left) to 1 (right).
        resonance_db: height of the filter's peak over its level at 0 Hz.
        envelope_to_cutoff_cents: how far the modulation envelope opens the filter.
    """

    keys: tuple[int, int]
    velocities: tuple[int, int]
    sample: int
    root_key: int
    tuning_cents: float
    cents_per_key: float
    is_looped: bool
    span: tuple[int, int, int, int]
    gain: float
    pan: float
    exclusive_class: int
    cutoff_cents: float
    resonance_db: float
    envelope_to_cutoff_cents: float
    volume: Envelope
    modulation: Envelope

    def covers(self, key: int, velocity: int) -> bool:
        low, high = self.velocities
        return self.keys[0] <= key <= self.keys[1] and low <= velocity <= high


@dataclass(frozen=True, eq=False)
class Sample:
    """A recording: float32 [samples] in -1..1, its rate, and its loop in samples."""

    data: np.ndarray
    rate_hz: int
    loop_start: int
    loop_end: int


@dataclass(frozen=True, eq=False)
class SoundFont:
    """A SoundFont in memory; samples are decoded when first asked for.

    Attributes:
        presets: (bank, program) -> zones.
        where: the file, for messages.
    """

    presets: dict[tuple[int, int], tuple[Zone, ...]]
    where: str
    _headers: np.ndarray
    _audio: np.ndarray
    _decoded: dict[int, Sample] = field(default_factory=dict)

    @classmethod
    def load(cls, path: str | PathLike[str] | None = None) -> SoundFont:
        """Read an .sf2 or .sf3 file; without a path, the font that ships with the package.

        Raises:
            InputError: if the file cannot be read, is damaged or holds no preset.
        """
        if path is None:
            with as_file(files("ritornello") / "assets" / "FluidR3Mono_17presets.sf3") as bundled:
                return cls.load(bundled)
        where = str(path)
        step = "Give a SoundFont file (.sf2 or .sf3)."
        try:
            content = np.memmap(path, np.uint8, mode="r")
        except (OSError, ValueError) as error:
            raise InputError(
                f"The SoundFont cannot be read: {error}.", where=where, next_step=step
            ) from error
        chunks = _chunks(content)
        if missing := [name.decode() for name in (*_RECORDS, b"smpl") if name not in chunks]:
            raise InputError(
                f"Not a whole SoundFont: the parts {', '.join(missing)} are missing.",
                where=where,
                next_step=step,
            )
        try:
            tables = {
                name: np.frombuffer(chunks[name].tobytes(), np.dtype(layout))
                for name, layout in _RECORDS.items()
            }
            presets = _presets(tables)
        except (ValueError, IndexError, KeyError) as error:
            raise InputError(
                f"The SoundFont is damaged: {error}.", where=where, next_step=step
            ) from error
        if not presets:
            raise InputError("The SoundFont holds no preset.", where=where, next_step=step)
        return cls(presets, where, tables[b"shdr"], chunks[b"smpl"])

    def preset(self, program: int, is_drum: bool = False) -> tuple[Zone, ...]:
        """Zones of a General MIDI program, or of the preset that sounds most like it.

        Raises:
            InputError: if drums are asked of a font without a drum kit, or pitches of one
                without anything else.
        """
        banks = {bank for bank, _ in self.presets if (bank == DRUM_BANK) == is_drum}
        if not banks:
            kind = "drum kit (bank 128)" if is_drum else "pitched preset"
            raise InputError(f"The SoundFont has no {kind}.", where=self.where)
        bank = min(banks)
        here = [number for at, number in self.presets if at == bank]
        return self.presets[bank, stand_in(0 if is_drum else program, here)]

    def sample(self, index: int) -> Sample:
        """A decoded sample.

        Raises:
            InputError: if it is damaged.
        """
        if index not in self._decoded:
            self._decoded[index] = self._decode(self._headers[index])
        return self._decoded[index]

    def _decode(self, header: np.void) -> Sample:
        name, start, end, loop_start, loop_end, rate = (header[i].item() for i in range(6))
        where = f"{self.where}, sample {name.decode('latin-1')!r}"
        if not 400 <= rate <= 400_000:
            raise InputError(f"The SoundFont is damaged: rate {rate} Hz.", where=where)
        if header[9].item() & _VORBIS_SAMPLE:
            data = _read_vorbis(self._audio[start:end].tobytes(), where)
            return Sample(data, rate, loop_start, loop_end)  # loops count from the sample here
        data = self._audio[2 * start : 2 * end].view("<i2").astype(np.float32) / 32768
        return Sample(data, rate, loop_start - start, loop_end - start)


def _read_vorbis(content: bytes, where: str) -> np.ndarray:
    import soundfile

    try:
        return soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)[0][:, 0].copy()
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise InputError(f"The SoundFont is damaged: {error}.", where=where) from error


def _chunks(content: np.ndarray) -> dict[bytes, np.ndarray]:
    """Chunks of a RIFF file by name, those inside lists too; stops where the file is cut."""
    found: dict[bytes, np.ndarray] = {}
    at = 0
    while at + 8 <= len(content):
        name = content[at : at + 4].tobytes()
        if name in (b"RIFF", b"LIST"):
            at += 12  # name, size and kind: go inside
            continue
        size = int(content[at + 4 : at + 8].view("<u4")[0])
        if at + 8 + size > len(content):
            break
        found[name] = content[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    return found


def _presets(tables: dict[bytes, np.ndarray]) -> dict[tuple[int, int], tuple[Zone, ...]]:
    heads, instruments, samples = tables[b"phdr"], tables[b"inst"], tables[b"shdr"]
    for name, column in ((b"phdr", 3), (b"inst", 1), (b"pbag", 0), (b"ibag", 0)):
        if (np.diff(tables[name][f"f{column}"].astype(np.int64)) < 0).any():
            raise ValueError(f"the indices of {name.decode()} do not rise")
    # Instrument zones are shared by presets: read each instrument once.
    by_instrument = [
        _zones(tables[b"ibag"], tables[b"igen"], *_bags(instruments, index, 1), _SAMPLE)
        for index in range(len(instruments) - 1)
    ]
    presets = {}
    for index in range(len(heads) - 1):
        zones = []
        bags = _bags(heads, index, 3)
        for offsets in _zones(tables[b"pbag"], tables[b"pgen"], *bags, _INSTRUMENT):
            for generators in by_instrument[offsets[_INSTRUMENT]]:
                zone = _joined(generators, offsets, samples)
                if zone is not None:
                    zones.append(zone)
        if zones:
            presets[int(heads[index][2]), int(heads[index][1])] = tuple(zones)
    return presets


def _bags(heads: np.ndarray, index: int, column: int) -> tuple[int, int]:
    return int(heads[index][column]), int(heads[index + 1][column])


def _zones(
    bags: np.ndarray, generators: np.ndarray, first: int, end: int, target: int
) -> list[dict[int, int]]:
    """Generators of each zone that names a target; a first zone without one gives defaults."""
    common: dict[int, int] = {}
    zones = []
    for index in range(first, end):
        low, high = int(bags[index][0]), int(bags[index + 1][0])
        own = {int(number): int(amount) for number, amount in generators[low:high]}
        if target in own:
            zones.append(common | own)
        elif index == first:
            common = own
    return zones


def _joined(own: dict[int, int], offsets: dict[int, int], samples: np.ndarray) -> Zone | None:
    """One playable zone of an instrument's generators and the preset's offsets to them."""
    header = samples[own[_SAMPLE]]
    keys = _overlap(own, offsets, _KEYS)
    velocities = _overlap(own, offsets, _VELOCITIES)
    if keys[0] > keys[1] or velocities[0] > velocities[1] or header[9].item() & _ROM_SAMPLE:
        return None

    def value(number: int) -> int:
        base = own.get(number, _DEFAULTS.get(number, 0))
        return base if number in _INSTRUMENT_ONLY else base + offsets.get(number, 0)

    root = value(_ROOT_KEY)
    recorded = int(header[6]) if int(header[6]) <= 127 else 60
    return Zone(
        keys=keys,
        velocities=velocities,
        sample=own[_SAMPLE],
        root_key=root if 0 <= root <= 127 else recorded,
        tuning_cents=100 * value(_COARSE_TUNE) + value(_FINE_TUNE) + int(header[7]),
        cents_per_key=value(_SCALE_TUNING),
        is_looped=value(_LOOPING) & 1 == 1,
        span=(
            value(_START) + 32768 * value(_START_COARSE),
            value(_END) + 32768 * value(_END_COARSE),
            value(_LOOP_START) + 32768 * value(_LOOP_START_COARSE),
            value(_LOOP_END) + 32768 * value(_LOOP_END_COARSE),
        ),
        gain=10 ** (-_ATTENUATION_HEARD * min(1440, max(-600, value(_ATTENUATION))) / 200),
        pan=min(1.0, max(-1.0, value(_PAN) / 500)),
        exclusive_class=value(_EXCLUSIVE_CLASS),
        cutoff_cents=min(13500, max(1500, value(_CUTOFF))),
        resonance_db=min(96.0, max(0.0, value(_RESONANCE) / 10)),
        envelope_to_cutoff_cents=min(12000, max(-12000, value(_ENVELOPE_TO_CUTOFF))),
        volume=_envelope([value(_VOLUME_ENVELOPE + stage) for stage in range(8)], in_db=True),
        modulation=_envelope(
            [value(_MODULATION_ENVELOPE + stage) for stage in range(8)], in_db=False
        ),
    )


def _overlap(own: dict[int, int], offsets: dict[int, int], number: int) -> tuple[int, int]:
    """The range both levels allow; a range is two bytes, the lower end first."""
    ranges = [own.get(number, _EVERY_VALUE), offsets.get(number, _EVERY_VALUE)]
    return max(r & 127 for r in ranges), min(r >> 8 & 127 for r in ranges)


def _envelope(amounts: list[int], *, in_db: bool) -> Envelope:
    def seconds(timecents: int) -> float:
        # The shortest time that can be written means none at all.
        return 0.0 if timecents <= -12000 else 2 ** (min(8000, timecents) / 1200)

    delay, attack, hold, decay, sustain, release, hold_by_key, decay_by_key = amounts
    return Envelope(
        delay_seconds=seconds(delay),
        attack_seconds=seconds(attack),
        hold_seconds=seconds(hold),
        decay_seconds=seconds(decay),
        release_seconds=seconds(release),
        sustain=min(144.0, max(0.0, sustain / 10))
        if in_db
        else 1 - min(1000, max(0, sustain)) / 1000,
        hold_cents_per_key=min(1200, max(-1200, hold_by_key)),
        decay_cents_per_key=min(1200, max(-1200, decay_by_key)),
    )
