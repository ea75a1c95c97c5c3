"""Audio files: wav, flac, ogg and mp3, to and from `Waveform`."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np

from ritornello.errors import InputError, OutputError
from ritornello.io.atomic import atomic_write
from ritornello.waveform import Waveform

# Ending -> container and coding as libsndfile names them, and how much to compress, 0 to 1.
_FORMATS: dict[str, tuple[str, str, float | None]] = {
    ".wav": ("WAV", "PCM_24", None),
    ".flac": ("FLAC", "PCM_24", 0.5),
    ".ogg": ("OGG", "VORBIS", 0.2),
    ".mp3": ("MP3", "MPEG_LAYER_III", 0.2),
}
AUDIO_SUFFIXES = frozenset(_FORMATS)
_MP3_RATES_HZ = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_OGG_HIGHEST_HZ = 200_000
# libvorbis crashes when it is given minutes of sound in one call.
_BLOCK = 65_536
_MOST_SAMPLES = 2**31  # read at once, 8 GB


def read_audio(path: str | PathLike[str]) -> Waveform:
    """Read a sound file that libsndfile knows, at its own rate and with all its channels.

    Raises:
        InputError: if the file is missing, is no sound, is damaged, or holds values that are
            not numbers.
    """
    import soundfile

    step = f"Readable here: {', '.join(sorted(AUDIO_SUFFIXES))}."
    if not Path(path).is_file():
        raise InputError("There is no such file.", where=str(path), next_step=step)
    try:
        with soundfile.SoundFile(path) as file:
            if file.frames * file.channels > _MOST_SAMPLES:
                raise InputError("The sound is too long to be read at once.", where=str(path))
            samples, rate_hz = file.read(dtype="float32", always_2d=True), file.samplerate
    except (soundfile.SoundFileError, RuntimeError, OSError, TypeError, MemoryError) as error:
        raise InputError(
            f"The sound cannot be read: {error}.", where=str(path), next_step=step
        ) from error
    if not np.isfinite(samples).all():
        raise InputError("The sound holds values that are not numbers.", where=str(path))
    return Waveform(samples, rate_hz)


def write_audio(waveform: Waveform, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
    """Write a sound; the ending chooses the format.

    wav and flac hold 24 bits, ogg and mp3 about 180 kbit a second. A wav whose samples pass full
    scale, as stems may, holds 32-bit floating point so that nothing is cut off; the other
    formats cut it off.

    Returns:
        The path written.

    Raises:
        OutputError: if the ending is not one of wav, flac, ogg, mp3, the format cannot hold the
            rate or channels, or the file cannot be written; see `atomic_write`.
    """
    import soundfile

    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in _FORMATS:
        raise OutputError(
            f"{suffix or 'A name without ending'} is not a sound format.",
            where=str(target),
            next_step=f"Use one of {', '.join(_FORMATS)}.",
        )
    container, coding, compression = _FORMATS[suffix]
    samples = waveform.samples
    if suffix == ".wav" and samples.size and max(samples.max(), -samples.min()) > 1:
        coding = "FLOAT"
    if problem := _cannot_hold(suffix, waveform):
        raise OutputError(problem, where=str(target), next_step="Write wav instead.")
    with atomic_write(target, overwrite=overwrite) as temporary:
        try:
            with soundfile.SoundFile(
                temporary,
                "w",
                waveform.rate_hz,
                waveform.channels,
                coding,
                format=container,
                compression_level=compression,
            ) as file:
                for start in range(0, len(samples), _BLOCK):
                    file.write(np.ascontiguousarray(samples[start : start + _BLOCK]))
        except (soundfile.SoundFileError, RuntimeError) as error:
            raise OutputError(
                f"The sound cannot be written: {error}.", where=str(target)
            ) from error
    return target


def _cannot_hold(suffix: str, waveform: Waveform) -> str:
    """Why a format cannot hold a sound; empty if it can."""
    rate_hz, channels = waveform.rate_hz, waveform.channels
    if suffix == ".mp3" and rate_hz not in _MP3_RATES_HZ:
        return f"mp3 holds {', '.join(map(str, _MP3_RATES_HZ))} Hz, not {rate_hz} Hz."
    if suffix == ".mp3" and channels > 2:
        return f"mp3 holds one or two channels, not {channels}."
    # libvorbis crashes above this rate.
    if suffix == ".ogg" and rate_hz > _OGG_HIGHEST_HZ:
        return f"ogg holds at most {_OGG_HIGHEST_HZ} Hz, not {rate_hz} Hz."
    return ""
