"""Audio files: wav, flac, ogg and mp3, to and from `Waveform`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ritornello.atomic import atomic_write
from ritornello.dsp.sound_formats import AUDIO_SUFFIXES, SOUND_FORMATS
from ritornello.dsp.waveform import Waveform
from ritornello.errors import InputError, OutputError

if TYPE_CHECKING:
    from soundfile import SoundFile

READABLE = f"Readable here: {', '.join(sorted(AUDIO_SUFFIXES))}"
# What soundfile raises for a bad file; its own error is a RuntimeError.
SOUND_ERRORS = (RuntimeError, OSError, TypeError, MemoryError)
_MP3_RATES_HZ = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_OGG_HIGHEST_HZ = 200_000
# libvorbis crashes when it is given minutes of sound in one call.
BLOCK = 65_536
_MOST_BYTES = 4  # of a sample of one channel in a wav
_LARGEST_WAV = 2**32 - 2**16
_MOST_SAMPLES = 2**31  # read at once, 8 GB


def read_audio(path: str | PathLike[str]) -> Waveform:
    """Read a sound file that libsndfile knows, at its own rate and with all its channels.

    Raises:
        InputError: if the file is missing, is no sound, is damaged, or holds values that are
            not numbers.
    """
    import soundfile

    require_sound_file(path)
    try:
        with soundfile.SoundFile(system_path(path)) as file:
            if file.frames * file.channels > _MOST_SAMPLES:
                raise InputError("The sound is too long to be read at once.", where=str(path))
            samples, rate_hz = file.read(dtype="float32", always_2d=True), file.samplerate
    except SOUND_ERRORS as error:
        raise unreadable(path, error) from error
    require_numbers(samples, path)
    return Waveform(samples, rate_hz)


def system_path(path: str | PathLike[str]) -> str | bytes:
    """A path as soundfile takes it, which by itself refuses names that are no text."""
    return os.fspath(path) if os.name == "nt" else os.fsencode(path)


def require_sound_file(path: str | PathLike[str], readable: str = READABLE) -> None:
    """Raise an InputError, which ends with what is readable, if there is no such file."""
    if not Path(path).is_file():
        raise InputError("There is no such file.", where=str(path), next_step=f"{readable}.")


def require_numbers(samples: np.ndarray, path: str | PathLike[str]) -> None:
    """Raise an InputError if a sample is not a number or infinite."""
    if not np.isfinite(samples).all():
        raise InputError("The sound holds values that are not numbers.", where=str(path))


def unreadable(path: str | PathLike[str], reason: object, readable: str = READABLE) -> InputError:
    """The error for a file that no decoder understands; it ends with what is readable."""
    return InputError(
        f"The sound cannot be read: {reason}.", where=str(path), next_step=f"{readable}."
    )


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
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in SOUND_FORMATS:
        raise OutputError(
            f"{suffix or 'A name without ending'} is not a sound format.",
            where=str(target),
            next_step=f"Use one of {', '.join(SOUND_FORMATS)}.",
        )
    samples = waveform.samples
    passes_full_scale = samples.size and max(samples.max(), -samples.min()) > 1
    coding = "FLOAT" if suffix == ".wav" and passes_full_scale else None
    refuse_unholdable(target, waveform.rate_hz, waveform.channels)
    with (
        atomic_write(target, overwrite=overwrite) as temporary,
        sound_file(
            temporary, target, waveform.rate_hz, waveform.channels, len(samples), coding
        ) as file,
    ):
        for start in range(0, len(samples), BLOCK):
            file.write(np.ascontiguousarray(samples[start : start + BLOCK]))
    return target


@contextmanager
def sound_file(
    temporary: Path,
    target: Path,
    rate_hz: int,
    channels: int,
    count: int,
    coding: str | None = None,
) -> Iterator[SoundFile]:
    """A sound file to be filled block by block, of at most `BLOCK` samples each.

    Args:
        temporary: where it is written; a file there is replaced.
        target: what it will be called; the ending, one of `AUDIO_SUFFIXES`, chooses the format.
        count: samples that will come; a wav of more than 4 GB becomes an RF64.
        coding: as libsndfile names it, such as "FLOAT"; None for that of the format.

    Raises:
        OutputError: if the file cannot be written.
    """
    import soundfile

    format = SOUND_FORMATS[target.suffix.lower()]
    container = format.container
    if container == "WAV" and count * channels * _MOST_BYTES > _LARGEST_WAV:
        container = "RF64"
    try:
        with soundfile.SoundFile(
            system_path(temporary),
            "w",
            rate_hz,
            channels,
            coding or format.coding,
            format=container,
            compression_level=format.compression,
        ) as file:
            yield file
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise OutputError(f"The sound cannot be written: {error}.", where=str(target)) from error


def refuse_unholdable(target: Path, rate_hz: int, channels: int) -> None:
    """Refuse a target whose format, one of `AUDIO_SUFFIXES`, cannot hold a sound.

    Raises:
        OutputError: if so.
    """
    if problem := _cannot_hold(target.suffix.lower(), rate_hz, channels):
        raise OutputError(problem, where=str(target), next_step="Write wav instead.")


def _cannot_hold(suffix: str, rate_hz: int, channels: int) -> str:
    """Why a format cannot hold a sound; empty if it can."""
    if suffix == ".mp3" and rate_hz not in _MP3_RATES_HZ:
        return f"mp3 holds {', '.join(map(str, _MP3_RATES_HZ))} Hz, not {rate_hz} Hz."
    if suffix == ".mp3" and channels > 2:
        return f"mp3 holds one or two channels, not {channels}."
    # libvorbis crashes above this rate.
    if suffix == ".ogg" and rate_hz > _OGG_HIGHEST_HZ:
        return f"ogg holds at most {_OGG_HIGHEST_HZ} Hz, not {rate_hz} Hz."
    return ""
