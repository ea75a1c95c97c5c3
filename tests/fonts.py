"""A small SoundFont made by the tests: one looped sine, whose every setting is known."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

SINE_HZ = 441.0  # 100 samples a period at 44,100 Hz: key 69 raised by 3.93 cents
ROOT_KEY = 69
DELAY, ATTACK, HOLD, DECAY, SUSTAIN, RELEASE = 33, 34, 35, 36, 37, 38

_NOTHING = b""
# Source, generator, amount, source of the amount, transform: section 7.4 of the specification.
Modulator = tuple[int, int, int, int, int]


def font_bytes(
    generators: dict[int, int] | None = None,
    *,
    bank: int = 0,
    by_key: bool = False,
    modulators: Iterable[Modulator] = (),
    preset_modulators: Iterable[Modulator] = (),
) -> bytes:
    """An .sf2 file whose one zone plays a sine, looped, with these generators and modulators.

    With ``by_key`` there are zones for keys 0-59 (exclusive class 1) and 60-127 (class 1 too).
    """
    sine = np.sin(2 * np.pi * SINE_HZ * np.arange(4410) / 44100) * 16000
    samples = np.concatenate([sine, np.zeros(46)]).astype("<i2").tobytes()
    own = {54: 1, **(generators or {})}
    zones = [own]
    if by_key:
        zones = [{43: 59 << 8, **own, 57: 1}, {43: 127 << 8 | 60, **own, 57: 1}]
    igen, ibag, imod = _NOTHING, _NOTHING, _NOTHING
    for zone in zones:
        ibag += struct.pack("<HH", len(igen) // 4, len(imod) // 10)
        imod += _modulators(modulators)
        igen += b"".join(struct.pack("<HH", op, value & 0xFFFF) for op, value in zone.items())
        igen += struct.pack("<HH", 53, 0)
    ibag += struct.pack("<HH", len(igen) // 4, len(imod) // 10)
    pmod = _modulators(preset_modulators)
    header = struct.pack("<20sIIIIIBbHH", b"sine", 0, 4410, 1000, 4000, 44100, ROOT_KEY, 0, 0, 1)
    chunks = {
        b"phdr": struct.pack("<20sHHHIII", b"Sine", 0, bank, 0, 0, 0, 0)
        + struct.pack("<20sHHHIII", b"EOP", 0, 0, 1, 0, 0, 0),
        b"pbag": struct.pack("<HHHH", 0, 0, 1, len(pmod) // 10),
        b"pmod": pmod + bytes(10),
        b"pgen": struct.pack("<HHHH", 41, 0, 0, 0),
        b"inst": struct.pack("<20sH20sH", b"Sine", 0, b"EOI", len(zones)),
        b"ibag": ibag,
        b"imod": imod + bytes(10),
        b"igen": igen + bytes(4),
        b"shdr": header + struct.pack("<20sIIIIIBbHH", b"EOS", 0, 0, 0, 0, 0, 0, 0, 0, 0),
    }
    pdta = b"pdta" + b"".join(_chunk(name, content) for name, content in chunks.items())
    sdta = b"sdta" + _chunk(b"smpl", samples)
    info = b"INFO" + _chunk(b"ifil", struct.pack("<HH", 2, 1))
    return _chunk(
        b"RIFF", b"sfbk" + _chunk(b"LIST", info) + _chunk(b"LIST", sdta) + _chunk(b"LIST", pdta)
    )


def _modulators(modulators: Iterable[Modulator]) -> bytes:
    return b"".join(struct.pack("<HHhHH", *modulator) for modulator in modulators)


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content


@pytest.fixture
def sine_font(tmp_path: Path) -> Callable[..., Path]:
    """Writes a font of `font_bytes` and returns its path."""

    def write(generators: dict[int, int] | None = None, **options: object) -> Path:
        path = tmp_path / "sine.sf2"
        path.write_bytes(font_bytes(generators, **options))  # type: ignore[arg-type]
        return path

    return write
