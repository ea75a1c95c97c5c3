"""A mix to stems, and a user's own stems or MIDI files to a separator: the two commands."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ritornello.atomic import atomic_write
from ritornello.dsp.diagnostics import Finding
from ritornello.dsp.recordings import Recording
from ritornello.dsp.sound_formats import AUDIO_SUFFIXES
from ritornello.dsp.waveform import Waveform
from ritornello.errors import CheckpointError, ConfigError, InputError
from ritornello.music.io import readable_extensions
from ritornello.note_model import weights_file
from ritornello.note_model.weights_file import WeightsFile
from ritornello.separate.stem_folders import PARTS, StemSongs, each_song
from ritornello.training.learning import require_torch

if TYPE_CHECKING:
    from ritornello.separate.training import SeparatorProgress

SEPARATOR_FILE = "separator.safetensors"
SEPARATOR_RATE_HZ = 44_100
_SONGS_FOLDER, _ABOUT_FILE = "songs", "about.json"
_LONGEST_SONG_SECONDS = 600.0
_RENDERED_A_MINUTE = 2  # stretches of MIDI files for each minute of learning, within
_RENDERED_LEAST, _RENDERED_MOST = 60, 600
_RENDERED_SECONDS = 20.0
_VALID_SECONDS = 12.0
_MOST_VALID = 8
_MOST_VALIDATE_MINUTES = 5.0


@dataclass(frozen=True)
class Separation:
    """What `separate` wrote.

    Attributes:
        stems: part -> its file.
        duration_seconds: of each of them.
        findings: what was unusual about the recording.
    """

    stems: dict[str, Path]
    duration_seconds: float
    findings: tuple[Finding, ...]


def separate(
    recording: str | PathLike[str],
    folder: str | PathLike[str],
    *,
    model: str | PathLike[str] | None = None,
    suffix: str = ".wav",
    overwrite: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Separation:
    """Take a recording apart into bass, drums, piano and the rest.

    The stems have its rate and its length, and sum to it. Recordings may be of any length: memory
    does not grow with it.

    Args:
        recording: any sound file; more than two channels are mixed to two.
        folder: for the stems, ``bass.wav`` and so on.
        model: what `train_separator` wrote, a file or its folder; None for the bundled separator.
        suffix: ``.wav`` (32-bit floating point) or ``.flac`` (24 bits).
        overwrite: replace files that are there.
        progress: called with samples done and samples in all.

    Raises:
        InputError: if the recording cannot be read or is silent.
        CheckpointError: if there is no such model.
        OutputError: if a stem exists or cannot be written.
    """
    from ritornello.separate.mix_files import refuse_stems, separate_file
    from ritornello.separate.runtime import SeparatorNetwork

    refuse_stems(Path(folder), suffix, overwrite=overwrite)
    network = SeparatorNetwork(load_separator(model))
    source = Recording.open(recording)
    paths, findings = separate_file(
        source, Path(folder), network, suffix=suffix, overwrite=overwrite, progress=progress
    )
    stems = dict(zip(PARTS, paths, strict=True))
    return Separation(stems, source.duration_seconds, tuple(findings))


def load_separator(model: str | PathLike[str] | None = None) -> WeightsFile:
    """The weights of a separator: a file, the folder of a run, or None for the bundled one.

    Raises:
        CheckpointError: if there is none, or it is damaged.
    """
    from ritornello.separate.runtime import SeparatorNetwork

    if model is not None:
        path = Path(model)
        path = path / SEPARATOR_FILE if path.is_dir() else path
        file = weights_file.load(path, "separator")
        try:
            SeparatorNetwork(file)  # looks at all of it
        except CheckpointError as error:
            raise CheckpointError(error.what, where=str(path)) from error
        return file
    return weights_file.bundled(SEPARATOR_FILE, "separator")


def train_separator(
    folder: str | PathLike[str],
    out: str | PathLike[str],
    *,
    minutes: float = 30.0,
    start: WeightsFile | None = None,
    seed: int = 0,
    threads: int | None = None,
    read: Callable[[int], None] = lambda songs: None,
    watch: Callable[[SeparatorProgress], None] = lambda progress: None,
    say: Callable[[str], None] = lambda sentence: None,
) -> Path:
    """Learn to separate from songs whose stems are there or can be rendered, or go on in ``out``.

    ``out`` gets the songs as arrays (`songs/`), the state of the run (`state.pt`), how well it
    separates songs that it does not learn from (`curves.json`), and the best separator so far
    (`separator.safetensors`). Called again with the same ``out``, the run goes on.

    Args:
        folder: a folder for each song with a file for each stem; see
            `ritornello.separate.stem_folders`. The first ten minutes of a song count. One song in
            eight, at most eight, is kept to listen to. Or a folder of MIDI files, or others that
            `music.io` reads: stretches of 20 s, two for each minute but 60 to 600 in all, are
            drawn from them and rendered as by `render_stem_folders`, and count as the songs; those
            kept to listen to may come from the same files as others.
        minutes: of learning, reading or rendering the songs apart.
        start: weights to begin with, see `load_separator`; None begins from nothing. A run that
            goes on needs it again.
        seed: of everything random. threads: processors to use; by default as torch likes.
        read: called with the number of songs read or rendered. watch: called after each step.
        say: called with what a person may want to know, a sentence each time.

    Returns:
        The file of the best separator.

    Raises:
        MissingExtraError: without the extra ``train``.
        InputError: if fewer than two songs, or none of the MIDI files, can be used.
        ConfigError: if ``out`` lies in ``folder``, or holds a run with other songs or settings.
        KeyboardInterrupt: passed on, after the run is saved.
    """
    require_torch()
    import torch

    from ritornello.dsp.effects import other_stems
    from ritornello.separate.mixing import MIX_SECONDS, StemMixer
    from ritornello.separate.scores import si_sdr_db
    from ritornello.separate.training import STATE_FILE, SeparatorTraining
    from ritornello.separate.training import train_separator as run

    out = Path(out)
    between = min(_MOST_VALIDATE_MINUTES, minutes / 4)
    training = SeparatorTraining(minutes, SEPARATOR_RATE_HZ, seed=seed, validate_minutes=between)
    if start:  # what it knows is not to be shaken out of it
        training = replace(training, learning_rate=training.learning_rate / 4)
    resumes = (out / STATE_FILE).exists()
    _refuse_other_folder(Path(folder), out, resumes=resumes)
    if _is_of_notes(Path(folder)):
        count = min(max(round(_RENDERED_A_MINUTE * minutes), _RENDERED_LEAST), _RENDERED_MOST)
        stems = _rendered(Path(folder), count, seed, threads, say)
    else:
        stems = _recorded(Path(folder), say)
    songs = _songs(Path(folder), out, stems, read, resumes=resumes)
    if threads is not None:
        torch.set_num_threads(threads)
    order = np.random.default_rng(seed).permutation(len(songs))
    kept = max(1, min(_MOST_VALID, len(songs) // 8))
    say(_dealt(len(songs) - kept, kept))
    run(
        StemMixer(
            [songs[index] for index in order[kept:]],
            _samples(MIX_SECONDS),
            effect=lambda stems, rng: other_stems(stems, SEPARATOR_RATE_HZ, rng),
        ),
        [_middle(songs[index]) for index in order[:kept]],
        training,
        judge=si_sdr_db,
        start=start,
        folder=out,
        provenance={"songs": len(songs), "start": start.provenance if start else None},
        clock=time.monotonic,
        watch=watch,
    )
    return out / SEPARATOR_FILE


def _dealt(learned: int, kept: int) -> str:
    """A sentence with the number of songs for training and validation."""
    songs = "1 song" if learned == 1 else f"{learned} songs"
    tell = "tells" if kept == 1 else "tell"
    return f"Learning from {songs}; {kept} more {tell} how well it goes."


def _songs(
    folder: Path,
    out: Path,
    stems: Iterator[np.ndarray],
    read: Callable[[int], None],
    *,
    resumes: bool,
) -> list[np.ndarray]:
    """The stems of each song, float16 [samples, parts], as memory maps in ``out``.

    Songs are read or rendered once: ``about.json``, written last, says from what.

    Args:
        stems: of each song of the folder, float32 [samples, parts]; not begun if they are in
            ``out``.
    """
    place = out / _SONGS_FOLDER
    about = place / _ABOUT_FILE
    listing = [
        [str(path.relative_to(folder)), path.stat().st_size, path.stat().st_mtime_ns]
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
    known = json.loads(about.read_text(encoding="utf-8")) if about.exists() else None
    if known is None or known["files"] != listing:
        if resumes:
            raise ConfigError(
                "The run in this folder began with other songs: files came, went or changed since.",
                where=str(out),
                next_step="Choose another folder with -o to begin anew.",
            )
        known = {"files": listing, "songs": 0}
        for number, song in enumerate(stems, 1):
            path = place / f"{number:05d}.npy"
            with atomic_write(path, overwrite=True) as temporary, temporary.open("wb") as file:
                np.save(file, song.astype(np.float16))
            known["songs"] = number
            read(number)
        with atomic_write(about, overwrite=True) as temporary:
            temporary.write_text(json.dumps(known), encoding="utf-8")
    if known["songs"] < 2:
        raise InputError(
            "Only one song can be used; at least two are needed, one of them for validation.",
            where=str(folder),
        )
    return [
        np.load(place / f"{number:05d}.npy", mmap_mode="r")
        for number in range(1, known["songs"] + 1)
    ]


def _is_of_notes(folder: Path) -> bool:
    """Whether a folder holds notes, and no song with sounds."""
    if any(path.suffix.lower() in AUDIO_SUFFIXES for path in folder.glob("*/*")):
        return False
    return any(path.suffix.lower() in readable_extensions() for path in folder.rglob("*"))


def _recorded(folder: Path, say: Callable[[str], None]) -> Iterator[np.ndarray]:
    """The stems of each song of a folder of sounds; then a sentence on what was found."""
    found, count = StemSongs(), 0
    songs = each_song(
        folder,
        _beginning,
        found,
        rate_hz=SEPARATOR_RATE_HZ,
        longest_seconds=_LONGEST_SONG_SECONDS,
    )
    for song in songs:
        count += 1
        yield song.stems
    say(f"{count} songs with stems{found.remarks()}.")


def _rendered(
    folder: Path, count: int, seed: int, workers: int | None, say: Callable[[str], None]
) -> Iterator[np.ndarray]:
    """Rendered stems of excerpts of the music in a folder."""
    from ritornello.separate.rendered_stems import SongBook, render_examples
    from ritornello.separate.stem_player import RenderConfig

    songs = SongBook.of_folder(folder)
    say(
        f"No sounds but notes are in this folder: rendering {count} stretches of "
        f"{_RENDERED_SECONDS:g} s with their stems, drawn from {len(songs.names)} files that can "
        "be used (`ritornello inspect` says which)."
    )
    config = RenderConfig(SEPARATOR_RATE_HZ, _RENDERED_SECONDS, seed=seed)
    for example in render_examples(songs, config, count=count, workers=workers):
        yield example.stems


def _beginning(path: Path) -> Waveform:
    """The first minutes of a stem, mono."""
    left = _samples(_LONGEST_SONG_SECONDS)
    blocks = []
    for block in Recording.open(path).blocks(SEPARATOR_RATE_HZ):
        blocks.append(block[:left, None])
        left -= len(blocks[-1])
        if not left:
            break
    return Waveform(np.concatenate(blocks), SEPARATOR_RATE_HZ)


def _refuse_other_folder(folder: Path, out: Path, *, resumes: bool) -> None:
    """Never write over a separator that no run in this folder made, or among the songs."""
    if not folder.is_dir():
        raise InputError("There is no such folder.", where=str(folder))
    if (out / SEPARATOR_FILE).exists() and not resumes:
        raise ConfigError(
            "This folder holds a separator, but not the run that made it.",
            where=str(out),
            next_step="Choose another folder with -o.",
        )
    if out.resolve().is_relative_to(folder.resolve()):
        raise ConfigError(
            "The separator would lie among the songs it learns from.",
            where=str(out),
            next_step="Choose another folder with -o.",
        )


def _middle(song: np.ndarray) -> np.ndarray:
    """An excerpt from the middle of a song, float32."""
    start = max(0, (len(song) - _samples(_VALID_SECONDS)) // 2)
    return song[start : start + _samples(_VALID_SECONDS)].astype(np.float32)


def _samples(seconds: float) -> int:
    return round(seconds * SEPARATOR_RATE_HZ)
