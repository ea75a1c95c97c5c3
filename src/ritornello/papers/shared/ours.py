"""Our own note model beside a published system: taught, scored and heard on the same music."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from ritornello.corpus.store import Corpus, Entry, write_store
from ritornello.dsp.sound_files import write_audio
from ritornello.dsp.waveform import Waveform
from ritornello.generation.composer import Composer
from ritornello.music import io
from ritornello.music.grid import on_grid
from ritornello.music.piece import Piece
from ritornello.music.slicing import slice_seconds
from ritornello.note_model import checkpoint, likelihood
from ritornello.papers.shared.outcome import Sample
from ritornello.synth.render import render
from ritornello.training.config import TrainConfig, network_settings

BUNDLED = Path(str(files("ritornello"))) / "assets" / "models" / "default"
_COLLECTION = "study"
_VALIDATION_EVENTS = 10_000  # a short run must not spend its minutes on validating
_PATIENCE = 20
_SAMPLE_RATE_HZ = 24_000  # and mono: a page with dozens of sounds inside must stay small


def train_ours(
    pieces: Iterable[tuple[str, Piece, str]],
    folder: Path,
    *,
    minutes: float,
    seed: int,
    threads: int,
    start: Path | None = None,
    watch: Callable[[float], None] = lambda done: None,
    **settings: Any,
) -> Path:
    """Teach a note model that fits the music and the minutes; an earlier run is replaced.

    Args:
        pieces: (name, piece, "train" or "valid" or "test"); those of "test" are left alone.
        folder: gets the music (`corpus/`), the record of the run and the model.
        minutes: of learning, validation included.
        seed: of everything random. threads: processors to use.
        start: a model of this function, in another folder, that goes on learning.
        watch: called after each step with the share of the run that is done.
        settings: of `TrainConfig`, in place of those that fit the amount of music; with ``steps``
            the run is counted in steps instead of minutes.

    Returns:
        The file of the model that was best on "valid".

    Raises:
        InputError: if there is no piece to train on. ConfigError: if a setting has no meaning.
    """
    from ritornello.training.journal import METRICS_FILE
    from ritornello.training.loop import RESUME_FILE, train

    entries = ((piece, Entry(name, _COLLECTION, split)) for name, piece, split in pieces)
    write_store(entries, folder / "corpus")
    for earlier in (RESUME_FILE, METRICS_FILE, checkpoint.MODEL_FILE):
        (folder / earlier).unlink(missing_ok=True)
    music = Corpus.open(folder / "corpus")
    taught = int(music.note_counts[music.indices("train")].sum())
    before = None if start is None else checkpoint.load(start)
    network = {} if before is None else {**before.network}
    network.pop("collections", None)
    asked = {
        "minutes": None if settings.get("steps") else minutes,
        "seed": seed,
        "threads": threads,
        "patience": _PATIENCE,
        "validation_events": _VALIDATION_EVENTS,
        **network_settings(taught, None if settings.get("steps") else minutes),
        **network,
        **settings,
    }
    about = {"name": folder.name}
    return train(
        music,
        folder,
        TrainConfig(**asked),
        start=before,
        provenance=about,
        watch=lambda progress: watch(progress.done),
    )


def score_ours(model: Path, pieces: Iterable[Piece]) -> likelihood.SetLikelihood:
    """How well a model predicts pieces, told nothing about them; exact.

    Raises:
        InputError: if there is no piece. CheckpointError: if there is no such model.
    """
    named: Iterator[tuple[str, Piece]] = ((_COLLECTION, on_grid(piece)[0]) for piece in pieces)
    figures = likelihood.evaluate(checkpoint.load(checkpoint.find(model)), named)
    return figures["collections"][_COLLECTION]


def compose_ours(model: Path, *, bars: int, seed: int, **rules: Any) -> Piece:
    """Write a piece with a model as a user does, at the default boldness.

    Args:
        model: of `train_ours`. bars: exact length. seed: another seed, another piece.
        rules: further ones, see `ritornello.generation.rules.Rules`.

    Raises:
        ConfigError: if a rule has no meaning. CheckpointError: if there is no such model.
    """
    return Composer.load(model).compose(bars=bars, seed=seed, best_of=1, **rules)


def write_sample(
    piece: Piece,
    folder: Path,
    stem: str,
    name: str,
    maker: Literal["published", "ours", "real"],
    seconds: float = 20,
) -> Sample:
    """Keep a piece as MIDI and its beginning as sound in mono, in place of earlier ones.

    Args:
        piece: with notes or without. folder: of the run. stem: of the two files' names.
        name: as a listener reads it. maker: who made it. seconds: of sound, at most.

    Raises:
        OutputError: if a file cannot be written.
    """
    midi = io.write(piece, folder / f"{stem}.mid", overwrite=True)
    sound = render(slice_seconds(piece, seconds), rate_hz=_SAMPLE_RATE_HZ)
    mono = Waveform(sound.samples.mean(axis=1, keepdims=True), sound.rate_hz)
    mp3 = write_audio(mono, folder / f"{stem}.mp3", overwrite=True)
    return Sample(name, maker, midi=midi.name, sound=mp3.name)
