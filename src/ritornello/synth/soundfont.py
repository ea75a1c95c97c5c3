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

from ritornello.errors import InputError
from ritornello.synth.modulators import Wire
from ritornello.synth.program_substitution import substitute_program
from ritornello.synth.zones import INSTRUMENT, SAMPLE, Level, Zone, joined

DRUM_BANK = 128
_ROM_SAMPLE = 0x8000
_VORBIS_SAMPLE = 0x10

_RECORDS = {
    b"phdr": "S20,<u2,<u2,<u2,<u4,<u4,<u4",
    b"pbag": "<u2,<u2",
    b"pmod": "<u2,<u2,<i2,<u2,<u2",
    b"pgen": "<u2,<i2",
    b"inst": "S20,<u2",
    b"ibag": "<u2,<u2",
    b"imod": "<u2,<u2,<i2,<u2,<u2",
    b"igen": "<u2,<i2",
    b"shdr": "S20,<u4,<u4,<u4,<u4,<u4,u1,i1,<u2,<u2",
}


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
        return self.presets[bank, substitute_program(0 if is_drum else program, here)]

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
        result: np.ndarray = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)[
            0
        ][:, 0].copy()
        return result
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
    indices = [
        (b"phdr", 3),
        (b"inst", 1),
        *((bag, i) for bag in (b"pbag", b"ibag") for i in (0, 1)),
    ]
    for name, column in indices:
        if (np.diff(tables[name][f"f{column}"].astype(np.int64)) < 0).any():
            raise ValueError(f"the indices of {name.decode()} do not rise")
    # Instrument zones are shared by presets: read each instrument once.
    by_instrument = [
        _levels(tables, "i", _bags(instruments, index, 1), SAMPLE)
        for index in range(len(instruments) - 1)
    ]
    presets = {}
    for index in range(len(heads) - 1):
        zones = []
        for offsets in _levels(tables, "p", _bags(heads, index, 3), INSTRUMENT):
            for own in by_instrument[offsets.generators[INSTRUMENT]]:
                header = samples[own.generators[SAMPLE]]
                zone = joined(own, offsets, int(header[6]), int(header[7]))
                if zone is not None and not header[9].item() & _ROM_SAMPLE:
                    zones.append(zone)
        if zones:
            presets[int(heads[index][2]), int(heads[index][1])] = tuple(zones)
    return presets


def _bags(heads: np.ndarray, index: int, column: int) -> range:
    return range(int(heads[index][column]), int(heads[index + 1][column]))


def _levels(tables: dict[bytes, np.ndarray], kind: str, indices: range, goal: int) -> list[Level]:
    """Zones that name a goal, of a preset or an instrument; a first one without gives defaults.

    Args:
        kind: "p" or "i", with which the names of the tables begin.
        goal: the generator that points to an instrument or a sample.
    """
    bags, generators, modulators = (
        tables[f"{kind}{table}".encode()] for table in ("bag", "gen", "mod")
    )
    common = Level({}, {})
    levels = []
    for index in indices:
        (gen, mod), (gen_end, mod_end) = (map(int, bags[i].item()) for i in (index, index + 1))
        own = Level(
            dict(generators[gen:gen_end].tolist()),
            {
                Wire(source, target, scale, transform): amount
                for source, target, amount, scale, transform in modulators[mod:mod_end].tolist()
            },
        )
        if goal in own.generators:
            levels.append(common | own)
        elif index == indices[0]:
            common = own
    return levels
