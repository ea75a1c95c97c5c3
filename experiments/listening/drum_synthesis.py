"""Drums and cymbals as they may sound, each drawn anew and synthesised.

After the circuits of analogue machines a falling sine and a click are kicks and toms, tone and
noise snares, filtered noise and metal partials hats and cymbals. After what is struck toms and
snares are modes of a membrane (Fletcher and Rossing, "The Physics of Musical Instruments", 1998),
cymbals many modes that decay each in its time, over noise.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import butter, sosfilt

from ritornello.transcribe.spectra import RATE_HZ

LONGEST_SECONDS = 3.0
_MEMBRANE = np.array([1.0, 1.59, 2.14, 2.3, 2.65, 2.92, 3.5, 3.6])  # modes, by the lowest
_STRUCK_SHARE = 0.6  # of toms and cymbals; the others are of machines


def _time(seconds: float) -> np.ndarray:
    return np.arange(round(seconds * RATE_HZ)) / RATE_HZ


def _filtered(sound: np.ndarray, low_hz: float, high_hz: float) -> np.ndarray:
    edges = [max(20, low_hz), min(high_hz, 0.49 * RATE_HZ)]
    result: np.ndarray = sosfilt(butter(2, edges, "band", fs=RATE_HZ, output="sos"), sound)
    return result


def _falling(rng: np.random.Generator, base_hz: float, octaves: float, decay: float) -> np.ndarray:
    """A sine that falls to its pitch."""
    time = _time(min(LONGEST_SECONDS, 7 * decay))
    hz = base_hz * 2 ** (octaves * np.exp(-time / rng.uniform(0.01, 0.05)))
    sine: np.ndarray = np.sin(2 * np.pi * np.cumsum(hz) / RATE_HZ)
    return sine * np.exp(-time / decay)


def _noise(rng: np.random.Generator, decay: float, low_hz: float, high_hz: float) -> np.ndarray:
    time = _time(min(LONGEST_SECONDS, 7 * decay))
    return level(_filtered(rng.standard_normal(len(time)) * np.exp(-time / decay), low_hz, high_hz))


def _sum(*sounds: np.ndarray) -> np.ndarray:
    out = np.zeros(max(map(len, sounds)))
    for sound in sounds:
        out[: len(sound)] += sound
    return out


def _kick(rng: np.random.Generator) -> np.ndarray:
    body = _falling(rng, rng.uniform(40, 75), rng.uniform(0.5, 2.5), rng.uniform(0.05, 0.25))
    click = rng.uniform(0, 0.5) * _noise(rng, rng.uniform(0.002, 0.01), 500, rng.uniform(2e3, 9e3))
    return _sum(np.tanh(rng.uniform(1, 3) * body), click)


def _snare(rng: np.random.Generator) -> np.ndarray:
    wires = _noise(rng, rng.uniform(0.04, 0.2), rng.uniform(300, 2000), rng.uniform(5e3, 1e4))
    if rng.random() > _STRUCK_SHARE:
        body = _falling(rng, rng.uniform(140, 260), rng.uniform(0, 0.8), rng.uniform(0.03, 0.1))
        return _sum(rng.uniform(0.2, 1) * body, rng.uniform(0.5, 1.2) * wires)
    # A shell of wood or metal rings long under loose wires, which a resonance buzzes through.
    shell = _membrane(rng, rng.uniform(140, 330), rng.uniform(0, 0.15), rng.uniform(0.04, 0.25))
    stick = _noise(rng, rng.uniform(0.002, 0.01), rng.uniform(600, 2000), 1.05e4)
    buzz = np.exp(rng.uniform(np.log(0.12), np.log(1.2))) * wires
    return _sum(level(shell), buzz, rng.uniform(0.1, 0.8) * stick)


def _rim(rng: np.random.Generator) -> np.ndarray:
    wood = _falling(rng, rng.uniform(350, 1800), rng.uniform(0, 0.3), rng.uniform(0.01, 0.04))
    click = _noise(rng, rng.uniform(0.003, 0.02), rng.uniform(800, 2500), rng.uniform(5e3, 1e4))
    return _sum(rng.uniform(0.3, 1) * wood, rng.uniform(0.3, 1) * click)


def _clap(rng: np.random.Generator) -> np.ndarray:
    low_hz, high_hz = rng.uniform(600, 1200), rng.uniform(3e3, 8e3)
    out = _noise(rng, rng.uniform(0.05, 0.2), low_hz, high_hz)
    for _ in range(int(rng.integers(4))):
        hand = _noise(rng, rng.uniform(0.004, 0.01), low_hz, high_hz)
        out = _sum(
            np.concatenate([np.zeros(round(rng.uniform(0.007, 0.014) * RATE_HZ)), out]), hand
        )
    return out


def _closed_hat(rng: np.random.Generator) -> np.ndarray:
    return _hat(rng, rng.uniform(0.01, 0.07))


def _open_hat(rng: np.random.Generator) -> np.ndarray:
    return _hat(rng, float(np.exp(rng.uniform(np.log(0.1), np.log(1.0)))))


def _hat(rng: np.random.Generator, decay: float) -> np.ndarray:
    if rng.random() < _STRUCK_SHARE:
        return _plate(rng, decay, rng.uniform(1500, 5000), rng.uniform(0.2, 1), 1.2)
    return _metal(rng, decay, rng.uniform(4000, 8000))


def _crash(rng: np.random.Generator) -> np.ndarray:
    if rng.random() > _STRUCK_SHARE:
        return _metal(rng, rng.uniform(0.3, 1.0), rng.uniform(1500, 5000))
    sound = _plate(rng, rng.uniform(0.25, 1.6), rng.uniform(300, 1500), rng.uniform(0.2, 1.5), 0.7)
    opens = np.minimum(1, np.arange(len(sound)) / RATE_HZ / rng.uniform(0.001, 0.03))
    return sound * (rng.uniform(0.3, 1) + opens)


def _ride(rng: np.random.Generator) -> np.ndarray:
    wash = _plate(rng, rng.uniform(0.3, 1.2), rng.uniform(400, 3000), rng.uniform(0, 1), 0.8)
    ping = _plate(rng, rng.uniform(0.08, 0.5), rng.uniform(1500, 4000), rng.uniform(0, 0.3), 0.3)
    stick = _noise(rng, rng.uniform(0.002, 0.012), rng.uniform(1500, 4000), 1.05e4)
    return _sum(rng.uniform(0.15, 0.8) * wash, ping, rng.uniform(0.1, 0.8) * stick)


def _bell(rng: np.random.Generator) -> np.ndarray:
    modes = _modes(
        rng, int(rng.integers(3, 9)), rng.uniform(500, 1500), 6000, rng.uniform(0.2, 0.9), 0.5
    )
    return _sum(modes, rng.uniform(0.1, 0.4) * _ride(rng))


def _splash(rng: np.random.Generator) -> np.ndarray:
    return _plate(rng, rng.uniform(0.08, 0.35), rng.uniform(800, 3000), rng.uniform(0.3, 1.5), 0.6)


def _china(rng: np.random.Generator) -> np.ndarray:
    sound = _plate(rng, rng.uniform(0.15, 0.7), rng.uniform(250, 900), rng.uniform(0.5, 2), 0.8)
    return np.tanh(rng.uniform(1.5, 4) * sound)


def _plate(
    rng: np.random.Generator, decay: float, low_hz: float, noise: float, brighter: float
) -> np.ndarray:
    """Modes of a plate up from a frequency, and so much noise; high ones decay sooner, as the
    frequency to the power of `brighter` less one."""
    modes = _modes(rng, int(rng.integers(16, 60)), low_hz, 1.07e4, decay, brighter)
    hiss = _noise(rng, decay * rng.uniform(0.4, 1), max(low_hz, rng.uniform(1e3, 5e3)), 1.05e4)
    return level(_sum(modes, noise * hiss))


def _modes(
    rng: np.random.Generator,
    count: int,
    low_hz: float,
    high_hz: float,
    decay: float,
    brighter: float,
) -> np.ndarray:
    time = _time(min(LONGEST_SECONDS, 7 * decay))
    out = np.zeros(len(time), np.float32)
    for hz in np.exp(rng.uniform(np.log(low_hz), np.log(high_hz), count)):
        mine = decay * (hz / low_hz) ** (brighter - 1) * rng.uniform(0.5, 1.3)
        tone = np.sin((2 * np.pi * hz * time + rng.uniform(0, 2 * np.pi)).astype(np.float32))
        out += rng.exponential() * tone * np.exp(-(time / mine)).astype(np.float32)
    return level(out)


def _metal(rng: np.random.Generator, decay: float, low_hz: float) -> np.ndarray:
    noise = _noise(rng, decay, low_hz, 1.05e4)
    time = np.arange(len(noise)) / RATE_HZ
    partials = rng.uniform(low_hz, 1e4, 6)
    tones = sum(np.sign(np.sin(2 * np.pi * hz * time)) for hz in partials) / 6
    ringing = _filtered(tones * np.exp(-time / decay), low_hz, 1.05e4)
    metal: np.ndarray = noise + rng.uniform(0, 0.7) * ringing
    return metal


def _low_tom(rng: np.random.Generator) -> np.ndarray:
    return _tom(rng, rng.uniform(55, 110))


def _mid_tom(rng: np.random.Generator) -> np.ndarray:
    return _tom(rng, rng.uniform(80, 160))


def _high_tom(rng: np.random.Generator) -> np.ndarray:
    return _tom(rng, rng.uniform(110, 260))


def _tom(rng: np.random.Generator, base_hz: float) -> np.ndarray:
    decay, click = rng.uniform(0.08, 0.45), rng.uniform(0, 0.4)
    stick = click * _noise(rng, rng.uniform(0.004, 0.015), 300, rng.uniform(3e3, 8e3))
    if rng.random() > _STRUCK_SHARE:
        return _sum(_falling(rng, base_hz, rng.uniform(0.1, 0.9), decay), stick)
    return _sum(_membrane(rng, base_hz, rng.uniform(0, 0.25), decay), stick)


def _membrane(rng: np.random.Generator, base_hz: float, octaves: float, decay: float) -> np.ndarray:
    """The lowest modes of a struck skin, which fall by some octaves; high ones decay sooner."""
    modes = _MEMBRANE[: int(rng.integers(2, len(_MEMBRANE) + 1))]
    return _sum(
        *(
            rng.uniform(0.1, 1) / ratio * _falling(rng, base_hz * ratio, octaves, decay / ratio)
            for ratio in modes
        )
    )


_OF = {
    "kick": _kick, "snare": _snare, "rim": _rim, "clap": _clap,
    "closed hat": _closed_hat, "open hat": _open_hat,
    "low tom": _low_tom, "mid tom": _mid_tom, "high tom": _high_tom,
    "crash": _crash, "ride": _ride, "bell": _bell, "splash": _splash, "china": _china,
}  # fmt: skip


def synthesised(drum: str, rng: np.random.Generator) -> np.ndarray:
    """A stroke on a drum or cymbal that is drawn anew, float64 at `RATE_HZ`, at most 1."""
    return level(_OF[drum](rng))


def level(sound: np.ndarray) -> np.ndarray:
    result: np.ndarray = sound / max(1e-6, float(np.abs(sound).max()))
    return result
