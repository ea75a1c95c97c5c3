"""The recording of a remix: found in a file, in a folder of stems or in a mix, and played."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ritornello.accompany.form import Form
from ritornello.accompany.solo import Solo, fit_to_length, loop_blocks
from ritornello.errors import ConfigError
from ritornello.music.piece import Track
from ritornello.separate.separation import separate
from ritornello.separate.stem_folders import PARTS, sound_files
from ritornello.transcribe.transcription import Transcription

_RATES_HZ = (44_100, 48_000)


@contextmanager
def solo_of(recording: Path, stem: str | None, watch: Callable[[int, int], None]) -> Iterator[Path]:
    """The file in which one instrument plays alone.

    Args:
        recording: of that instrument; or of several, or a folder with a sound file for each.
        stem: which of several: one of `PARTS`, or the name of a file of the folder; its ending may
            be left out where that leaves one.
        watch: called with (done, total) while a mix is taken apart.

    Raises:
        ConfigError: if there is no such stem, or more than one.
    """
    if recording.is_dir():
        files = sound_files(recording)
        found = [path for path in files if stem in (path.name, path.stem)]
        if not files:
            raise ConfigError(
                "The folder holds no sound files.",
                where=str(recording),
                next_step="Name a recording, or a folder with a sound file for each stem.",
            )
        if len(found) != 1:
            names = ", ".join(path.name for path in files)
            raise ConfigError(
                f"The folder holds {names}; asked for {stem or 'none of them'}.",
                where=str(recording),
                next_step="Name the one that the band is to follow: --stem NAME.",
            )
        yield found[0]
    elif stem is None:
        yield recording
    else:
        if stem not in PARTS:
            raise ConfigError(
                f"No stem is called {stem!r}.", next_step=f"Known: {', '.join(PARTS)}."
            )
        with tempfile.TemporaryDirectory(prefix="ritornello-") as folder:
            yield separate(recording, folder, progress=watch).stems[stem]


def rate_hz_of(transcription: Transcription) -> int:
    """The rate of the recording if mixes are usually made at it, or at a part of it."""
    own = transcription.recording.rate_hz
    return next((rate for rate in _RATES_HZ if own % rate == 0), _RATES_HZ[0])


def open_solo(transcription: Transcription, form: Form, notes: Track) -> Solo:
    """The recording as the form wants it, in the middle and centred, see `Cleaned`."""
    rate_hz = rate_hz_of(transcription)

    def play() -> Iterator[np.ndarray]:
        return transcription.cleaned.blocks(rate_hz, channels=2)

    blocks = play()
    if form.loop_seconds is not None:
        first, last = (round(seconds * rate_hz) for seconds in form.loop_seconds)
        blocks = loop_blocks(play, first, last, rate_hz=rate_hz)
    if form.plays_on:
        gone = round(form.last_bar_seconds * rate_hz)
        blocks = fit_to_length(blocks, gone, fade_seconds=form.fade_seconds, rate_hz=rate_hz)
    return Solo(blocks, notes)
