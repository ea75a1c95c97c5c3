"""Effects of recording: filters, rooms, saturation, compression, noise and mp3, as plain functions.

They make rendered music sound less alike, so that what is trained on it listens to more than one
SoundFont. Sounds are float32 arrays [..., samples], nominally within -1..1, and keep their shape;
nothing is changed in place, and nothing is delayed. Filters have no phase: they are products of
the spectrum. All work on the whole sound at once, so use them on seconds to minutes.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Literal, get_args

import numpy as np

from ritornello.dsp.reverb import impulse_response
from ritornello.errors import ConfigError
from ritornello.rng import Rng

NoiseKind = Literal["white", "pink", "hum"]
NOISE_KINDS: tuple[NoiseKind, ...] = get_args(NoiseKind)
TELEPHONE_HZ = (300.0, 3400.0)  # ITU-T G.712

_LOWEST_HZ = 20.0
_PIVOT_HZ = 1000.0
_RINGING_SECONDS = 0.25  # longest echo of a filter here, so that none wraps around
_BLOCK_SECONDS, _GLIDE_SECONDS = 0.005, 0.1
_HUM_HARMONICS = 8
_MP3_RATES_HZ = (16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_OTHER_INSTRUMENT_DB = 12.0
_MP3_COMPRESSION = (0.0, 0.7)  # beyond this the coder delays the sound


def gain(sound: np.ndarray, level_db: float) -> np.ndarray:
    """The sound made louder by so many decibels."""
    return sound * np.float32(10 ** (level_db / 20))


def tilt(sound: np.ndarray, rate_hz: int, db_per_octave: float) -> np.ndarray:
    """Brighter (above 0) or darker around 1 kHz, which keeps its level; even below 20 Hz."""

    def response(hz: np.ndarray) -> np.ndarray:
        return 10 ** (db_per_octave * _octaves(hz, _PIVOT_HZ) / 20)

    return _filtered(sound, rate_hz, response)


def shelf(
    sound: np.ndarray, rate_hz: int, corner_hz: float, level_db: float, *, above: bool
) -> np.ndarray:
    """All frequencies above (or below) a corner changed by a level, half of it at the corner."""

    def response(hz: np.ndarray) -> np.ndarray:
        share = _share_above(hz, corner_hz)
        return 10 ** (level_db * (share if above else 1 - share) / 20)

    return _filtered(sound, rate_hz, response)


def random_equaliser(sound: np.ndarray, rate_hz: int, rng: Rng, most_db: float) -> np.ndarray:
    """The sound through a tilt, a shelf below, one above and a bell between, drawn at random.

    One filter, and so cheap.

    Args:
        most_db: of each shelf and of the bell, up or down; of the tilt over three octaves.
    """
    tilted, below, above, bell = rng.uniform(-most_db, most_db, 4)
    low_hz, bell_hz, high_hz = (
        _between_hz(*range_hz, rng) for range_hz in ((80, 400), (300, 3_000), (2_000, 8_000))
    )

    def response(hz: np.ndarray) -> np.ndarray:
        level_db = tilted / 3 * _octaves(hz, _PIVOT_HZ)
        level_db += below * (1 - _share_above(hz, low_hz)) + above * _share_above(hz, high_hz)
        level_db += bell * np.exp(-2 * np.square(_octaves(hz, bell_hz)))
        result: np.ndarray = 10 ** (level_db / 20)
        return result

    return _filtered(sound, rate_hz, response)


def band_limit(
    sound: np.ndarray, rate_hz: int, low_hz: float, high_hz: float, *, order: int = 4
) -> np.ndarray:
    """The sound between two frequencies; `TELEPHONE_HZ` sounds like a telephone.

    Butterworth's response: 3 dB down at either frequency, then 6 dB an octave for each order.

    Raises:
        ConfigError: if the band is empty.
    """
    if not 0 <= low_hz < high_hz:
        raise ConfigError(f"A band goes upward from 0 Hz; found {low_hz:g} to {high_hz:g} Hz.")

    def response(hz: np.ndarray) -> np.ndarray:
        low = (low_hz / np.maximum(hz, 1e-3)) ** (2 * order)
        high = (hz / high_hz) ** (2 * order)
        result: np.ndarray = 1 / np.sqrt((1 + low) * (1 + high))
        return result

    return _filtered(sound, rate_hz, response)


def room(
    sound: np.ndarray, rate_hz: int, *, size: float = 1.0, level_db: float = -15.0, seed: int = 0
) -> np.ndarray:
    """The sound and its echoes from a room, which ring on for up to ``1.4 * size`` seconds.

    Args:
        size: 1 is the room of `ritornello.synth.render`; echoes of half the size die twice as fast.
        level_db: energy of the echoes of a click against that of the click.
        seed: of the echoes.
    """
    echoes = impulse_response(rate_hz, channels=1, size=size, level_db=level_db, seed=seed)[0]
    count = sound.shape[-1]
    fft_size = _fast_size(count + len(echoes))
    spectrum = np.fft.rfft(sound, fft_size) * np.fft.rfft(echoes, fft_size)
    ringing = np.fft.irfft(spectrum, fft_size)[..., :count]
    return sound + ringing.astype(np.float32)


def saturate(sound: np.ndarray, drive_db: float) -> np.ndarray:
    """Overdriven softly (hyperbolic tangent), with the peak where it was.

    Args:
        drive_db: how far the peak is pushed over the knee; below 0 nothing is heard.
    """
    peak = float(np.abs(sound).max(initial=0))
    if not peak:
        return sound.copy()
    drive = 10 ** (drive_db / 20)
    driven = np.tanh(sound / np.float32(peak) * np.float32(drive))
    return driven * np.float32(peak / np.tanh(drive))


def compression_curve(
    sound: np.ndarray, rate_hz: int, *, threshold_db: float, ratio: float
) -> np.ndarray:
    """The gain of a compressor that hears a sound, float32 [samples], within 0..1.

    Multiply the sound by it; or all stems of a mix, which then still sum to it. It looks ahead and
    glides over 100 ms.

    Args:
        threshold_db: root mean square of 5 ms above which it works, against full scale.
        ratio: above the threshold the level rises by 1 dB for so many of the sound, at least 1.

    Raises:
        ConfigError: if the ratio is below 1.
    """
    if not ratio >= 1:
        raise ConfigError(f"A compressor's ratio is at least 1; found {ratio:g}.")
    count = sound.shape[-1]
    if not count:
        return np.zeros(0, np.float32)
    block = max(1, round(_BLOCK_SECONDS * rate_hz))
    power = np.square(sound.reshape(-1, count), dtype=np.float64).mean(axis=0)
    blocks = np.pad(power, (0, -count % block)).reshape(-1, block).mean(axis=1)
    over_db = np.maximum(0, 10 * np.log10(np.maximum(blocks, 1e-12)) - threshold_db)
    window = np.hanning(2 * round(_GLIDE_SECONDS / _BLOCK_SECONDS / 2) + 3)[1:-1]
    held = np.pad(over_db * (1 / ratio - 1), len(window) // 2, mode="edge")
    smooth_db = np.convolve(held, window / window.sum(), "valid")
    middles = (np.arange(len(smooth_db)) + 0.5) * block
    change_db = np.interp(np.arange(count), middles, smooth_db)
    return (10 ** (change_db / 20)).astype(np.float32)


def noise(samples: int, rate_hz: int, kind: NoiseKind, rng: Rng) -> np.ndarray:
    """Noise of root mean square 1, float32 [samples].

    "white" is even over hertz, "pink" over octaves, and "hum" is the mains at 50 or 60 Hz with
    harmonics.

    Raises:
        ConfigError: if there is no such kind.
    """
    if kind not in NOISE_KINDS:
        raise ConfigError(
            f"No noise is called {kind!r}.", next_step=f"There are: {', '.join(NOISE_KINDS)}."
        )
    if kind == "hum":
        mains_hz = rng.choice([50.0, 60.0])
        turns = mains_hz * np.arange(samples) / rate_hz
        sound = np.zeros(samples)
        for harmonic in range(1, _HUM_HARMONICS + 1):
            if harmonic * mains_hz < rate_hz / 2:
                level = rng.uniform(0.2, 1.0) / harmonic
                sound += level * np.sin(2 * np.pi * (harmonic * turns + rng.random()))
    else:
        sound = rng.standard_normal(samples)
        if kind == "pink":
            sound = _filtered(sound, rate_hz, lambda hz: 1 / np.sqrt(np.maximum(hz, _LOWEST_HZ)))
    level = np.sqrt(np.square(sound).mean()) if samples else 1.0
    return (sound / max(level, 1e-12)).astype(np.float32)


def add_noise(
    sound: np.ndarray, rate_hz: int, kind: NoiseKind, snr_db: float, rng: Rng
) -> np.ndarray:
    """The sound with noise so many decibels below it; silence stays silent.

    Raises:
        ConfigError: if there is no such kind of noise.
    """
    level = np.sqrt(np.square(sound, dtype=np.float64).mean()) if sound.size else 0.0
    added = noise(sound.shape[-1], rate_hz, kind, rng)
    return sound + np.float32(level * 10 ** (-snr_db / 20)) * added


def through_mp3(sound: np.ndarray, rate_hz: int, compression: float = 0.5) -> np.ndarray:
    """A sound [samples] encoded as mp3 and decoded; the coder makes it 0.45 dB softer.

    Args:
        rate_hz: 16,000 to 48,000, one of those of mp3.
        compression: 0 to 0.7, from about 160 to 56 kbit a second at 22,050 Hz, and from 320 to 112
            at 44,100 Hz.

    Raises:
        ConfigError: if the rate or compression is out of range.
    """
    import soundfile

    low, high = _MP3_COMPRESSION
    if rate_hz not in _MP3_RATES_HZ or not low <= compression <= high:
        raise ConfigError(
            f"mp3 cannot be made at {rate_hz} Hz with compression {compression:g}.",
            next_step=f"Rates: {', '.join(map(str, _MP3_RATES_HZ))}; compression {low} to {high}.",
        )
    if not sound.size:
        return sound.copy()
    file = io.BytesIO()
    soundfile.write(
        file, sound, rate_hz, "MPEG_LAYER_III", format="MP3", compression_level=compression,
        bitrate_mode="CONSTANT",
    )  # fmt: skip
    file.seek(0)
    result: np.ndarray = soundfile.read(file, dtype="float32")[0][: len(sound)]
    return result


def random_effects(
    sound: np.ndarray,
    rate_hz: int,
    rng: Rng,
    *,
    strength: float = 1.0,
    noisy: bool = True,
) -> np.ndarray:
    """A sound [samples] as another player, room and recorder would give it.

    Each of these happens or not, drawn apart, in this order; the peak ends within -1..1 where it
    was within it before.

    ============== ===== ==============================================================
    effect         odds  range at strength 1
    ============== ===== ==============================================================
    tilt           0.6   -2 to 2 dB an octave
    low shelf      0.4   -6 to 6 dB below 80 to 400 Hz
    high shelf     0.4   -6 to 6 dB above 2 to 8 kHz
    saturation     0.25  0 to 12 dB
    compression    0.25  above 6 to 20 dB under the peak, at 1.5 to 4
    room           0.5   size 0.2 to 1.5, 24 to 8 dB down
    band limit     0.15  20 to 120 Hz, up to 5 kHz or more; one in four a telephone
    noise          0.4   of any kind, 60 to 25 dB down (only if ``noisy``)
    mp3            0.2   compression 0 to 0.7 (only if ``noisy`` and at a rate of mp3)
    gain           1     -6 to 6 dB
    ============== ===== ==============================================================

    Args:
        strength: multiplies the decibels and the odds; 0 gives the sound back.
        noisy: also what does not belong to the sound. Off for a stem that is to be the answer.
    """

    def happens(odds: float) -> bool:
        return bool(rng.random() < odds * strength)

    def level_db(most: float) -> float:
        return strength * rng.uniform(-most, most)

    peak = float(np.abs(sound).max(initial=0))
    if happens(0.6):
        sound = tilt(sound, rate_hz, level_db(2))
    if happens(0.4):
        sound = shelf(sound, rate_hz, _between_hz(80, 400, rng), level_db(6), above=False)
    if happens(0.4):
        sound = shelf(sound, rate_hz, _between_hz(2000, 8000, rng), level_db(6), above=True)
    if happens(0.25):
        sound = saturate(sound, strength * rng.uniform(0, 12))
    if happens(0.25):
        sound = sound * _random_compression(sound, rate_hz, rng)
    if happens(0.5):
        size, down_db = rng.uniform(0.2, 1.5), rng.uniform(8, 24)
        seed = int(rng.integers(2**31))
        sound = room(sound, rate_hz, size=size, level_db=-down_db, seed=seed)
    if happens(0.15):
        low_hz, high_hz = _between_hz(20, 120, rng), _between_hz(5000, rate_hz / 2, rng)
        band = TELEPHONE_HZ if rng.random() < 0.25 else (low_hz, max(high_hz, 2 * low_hz))
        sound = band_limit(sound, rate_hz, *band)
    if noisy and happens(0.4):
        kind = NOISE_KINDS[rng.integers(len(NOISE_KINDS))]
        sound = add_noise(sound, rate_hz, kind, rng.uniform(25, 60), rng)
    sound = gain(sound, level_db(6))
    loudest = float(np.abs(sound).max(initial=0))
    if peak <= 1 < loudest:
        sound = sound / np.float32(loudest)
    if noisy and rate_hz in _MP3_RATES_HZ and happens(0.2):
        sound = np.clip(through_mp3(sound, rate_hz, rng.uniform(*_MP3_COMPRESSION)), -1, 1)
    return sound.astype(np.float32, copy=False)


def other_stems(stems: np.ndarray, rate_hz: int, rng: Rng) -> np.ndarray:
    """Stems of a mix as other instruments and another recorder would give them, cheaply.

    Each goes through a `random_equaliser` of up to 12 dB: grand pianos of two SoundFonts differ by
    as much as 20 dB above 3 kHz. 40% of the mixes get noise, 20 to 55 dB down, and 30% lose what
    lies below 20 to 250 Hz and above 3.5 to 18 kHz.

    Args:
        stems: float32 [parts, samples]. The last part is all that belongs to no other; so it gets
            the noise.
    """
    made = [
        random_equaliser(stem, rate_hz, rng, _OTHER_INSTRUMENT_DB) if stem.any() else stem
        for stem in stems
    ]
    if rng.random() < 0.4:
        kind = NOISE_KINDS[rng.integers(len(NOISE_KINDS))]
        level = np.sqrt(np.square(np.sum(made, axis=0)).mean())
        level *= 10 ** (-rng.uniform(20, 55) / 20)
        made[-1] = made[-1] + np.float32(level) * noise(stems.shape[-1], rate_hz, kind, rng)
    if rng.random() < 0.3:
        low_hz, high_hz = rng.uniform(20, 250), rng.uniform(3_500, 18_000)
        return band_limit(np.stack(made), rate_hz, low_hz, high_hz)
    return np.stack(made)


def _random_compression(sound: np.ndarray, rate_hz: int, rng: Rng) -> np.ndarray:
    peak_db = 20 * np.log10(max(float(np.abs(sound).max(initial=0)), 1e-6))
    threshold_db = peak_db - rng.uniform(6, 20)
    ratio = rng.uniform(1.5, 4)
    return compression_curve(sound, rate_hz, threshold_db=threshold_db, ratio=ratio)


def _between_hz(low_hz: float, high_hz: float, rng: Rng) -> float:
    """A frequency drawn evenly over octaves."""
    return float(np.exp(rng.uniform(np.log(low_hz), np.log(max(low_hz, high_hz)))))


def _octaves(hz: np.ndarray, from_hz: float) -> np.ndarray:
    """How far frequencies lie from one; below 20 Hz as at 20 Hz."""
    result: np.ndarray = np.log2(np.maximum(hz, _LOWEST_HZ) / from_hz)
    return result


def _share_above(hz: np.ndarray, corner_hz: float) -> np.ndarray:
    """Of a shelf's level: half at its corner, all far above it."""
    result: np.ndarray = 1 / (1 + (corner_hz / np.maximum(hz, 1e-3)) ** 2)
    return result


def _filtered(
    sound: np.ndarray, rate_hz: int, response: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """The sound with its spectrum multiplied by a response to frequencies in Hz."""
    count = sound.shape[-1]
    size = _fast_size(count + round(_RINGING_SECONDS * rate_hz))
    spectrum = np.fft.rfft(sound, size)
    spectrum *= response(np.fft.rfftfreq(size, 1 / rate_hz)).astype(np.float32)
    return np.fft.irfft(spectrum, size)[..., :count].astype(np.float32)


def _fast_size(count: int) -> int:
    """A length not below ``count`` and at most a sixteenth above, of small prime factors."""
    step = 1 << max(0, count.bit_length() - 5)
    return -(-count // step) * step
