"""From a folder of music to a model of it: inspect, train, evaluate."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ritornello import __version__
from ritornello.atomic import refuse_existing
from ritornello.corpus.listing import Split
from ritornello.corpus.report import save_report
from ritornello.corpus.scan import Progress as Counted
from ritornello.corpus.scan import ScanResult, scan
from ritornello.corpus.splits import assign_splits
from ritornello.corpus.store import Corpus, build_store, fingerprint
from ritornello.errors import ConfigError, InputError, MissingExtraError, RitornelloError
from ritornello.files import load, save
from ritornello.generation.composer import Composer
from ritornello.generation.originality.assessment import write_training_index
from ritornello.music.grid import on_grid
from ritornello.music.piece import Piece
from ritornello.note_model import checkpoint
from ritornello.note_model.library import find_model
from ritornello.option_names import canonical
from ritornello.training.config import TrainConfig, network_settings

if TYPE_CHECKING:
    from ritornello.training.loop import Progress

_LOG = logging.getLogger(__name__)
_REPORT_FILE = "report.html"
_CORPUS_FOLDER = "corpus"
_SAMPLES_FOLDER = "samples"
_SAMPLE_BARS = 8
_SAMPLES_A_RUN = 8
_PATIENCE = 20


def inspect(
    folder: str | PathLike[str],
    *,
    collections: Iterable[str] | None = None,
    report: str | PathLike[str] | None = None,
    overwrite: bool = False,
    progress: Counted | None = None,
) -> ScanResult:
    """What is in a folder of music, and what cannot be used and why.

    Args:
        folder: searched with all its sub-folders.
        collections: only these first-level sub-folders; by default all.
        report: a file to save all of it in: .html to read, or .json. overwrite: replace it.
        progress: called with (files done, files in all).

    Raises:
        InputError: if there is no such folder or no music in it.
        ConfigError: if a collection is not a sub-folder.
        OutputError: if the report exists or cannot be written.
    """
    if report is not None:
        refuse_existing(Path(report), overwrite)
    result = scan(folder, collections=collections, progress=progress)
    if report is not None:
        save_report(result, report, overwrite=overwrite)
    return result


def train(
    folder: str | PathLike[str],
    out: str | PathLike[str],
    *,
    minutes: float | None = None,
    steps: int | None = None,
    collections: Iterable[str] | None = None,
    seed: int = 0,
    threads: int | None = None,
    scanned: Counted | None = None,
    watch: Callable[[Progress], None] = lambda progress: None,
    say: Callable[[str], None] = lambda sentence: None,
    **settings: Any,
) -> Path:
    """Learn from a folder of music, or go on with the run that ``out`` holds.

    ``out`` gets the ingest report (`report.html`), the music as arrays (`corpus/`), the record of
    the run (`metrics.jsonl`), short pieces composed on the way (`samples/`) and the best model so
    far (`model.safetensors`) with an index of its training music (`originality.safetensors`).
    Called again with the same ``out``, the run goes on.

    Args:
        folder: of MIDI, MusicXML or ABC files. out: a folder for the results.
        minutes: time for learning; 10 if ``steps`` is not given either.
        steps: optimiser steps instead of minutes.
        collections: only these first-level sub-folders; by default all.
        seed: of everything random. threads: processors to use; by default all.
        scanned: called with (files done, files in all). watch: called after each step.
        say: called with what a person may want to know, a sentence each time.
        settings: of `ritornello.training.config.TrainConfig` (``width``, ``layers``, ``dropout``,
            ``cell``, ...); the size of the network follows the amount of music and time, see
            `ritornello.training.config.NETWORK_SIZES`.

    Returns:
        The file of the best model.

    Raises:
        MissingExtraError: without the extra ``train``.
        InputError: if the folder has no music to learn from.
        ConfigError: if a setting has no meaning, or ``out`` holds a run on other music.
        KeyboardInterrupt: passed on, after the run is saved.
    """
    require_torch()
    from ritornello.training.loop import RESUME_FILE
    from ritornello.training.loop import train as run
    from ritornello.training.run_report import write_report

    out = Path(out)
    if steps is None:
        minutes = 10 if minutes is None else minutes
    known = [field.name for field in fields(TrainConfig)]
    settings = canonical(settings, known, of="Learning")
    asked = {"minutes": minutes, "steps": steps, "seed": seed, "threads": threads, **settings}
    TrainConfig(**asked)  # refuses what has no meaning before the folder is read
    _refuse_other_model(out, RESUME_FILE)
    result = inspect(folder, collections=collections, progress=scanned)
    resumes = (out / RESUME_FILE).is_file()
    splits = assign_splits(result)
    if resumes:
        _refuse_other_music(out, fingerprint(result, splits))
    save_report(result, out / _REPORT_FILE, overwrite=True)
    music = build_store(result, out / _CORPUS_FOLDER, splits=splits)
    write_training_index(music, out)
    train_notes = int(music.note_counts[music.indices("train")].sum())
    config = TrainConfig(
        **{"patience": _PATIENCE, **network_settings(train_notes, minutes), **asked}
    )
    if resumes:
        say(f"Going on with the run in {out}; of the settings, only its length counts now.")
    else:
        network = f"{config.layers} layers of {config.width} {config.cell} units"
        say(f"Learning from {train_notes:,} notes in {len(music):,} pieces with {network}.")
    sampler = _Sampler(out / _SAMPLES_FOLDER, 60 * (minutes or 10) / _SAMPLES_A_RUN, say)
    about = _provenance(result, out.resolve().name)
    model = run(music, out, config, provenance=about, watch=watch, sample=sampler.now_and_then)
    sampler.write(model, "final")
    write_report(out)  # again, with the final sample
    return model


def evaluate(
    model: str | PathLike[str],
    folder: str | PathLike[str],
    *,
    split: Split = "all",
    collections: Iterable[str] | None = None,
    controls: Literal["open", "given"] = "open",
    scanned: Counted | None = None,
    watch: Counted | None = None,
) -> dict[str, Any]:
    """How well a model predicts the music in a folder, beside two baselines.

    Args:
        model: a name or path. folder: of music.
        split: which pieces count. "all" is right for music the model never learned from; training
            on a folder holds "valid" back, which is honest for a model of this very folder.
        collections: only these first-level sub-folders; by default all.
        controls: "open" is unconditional, "given" conditions it on key, density, instruments, ...
        scanned: called with (files done, files in all). watch: with (pieces done, pieces in all).

    Returns:
        ``nats_per_note``, ``nats_per_beat``, ``fields`` and the baselines, for all pieces together
        and for each of ``collections``; see `ritornello.note_model.likelihood.evaluate`.

    Raises:
        CheckpointError: if there is no such model.
        InputError: if the folder has no music for this.
    """
    from ritornello.note_model import likelihood

    file = find_model(model)
    listener = checkpoint.load(file)
    result = inspect(folder, collections=collections, progress=scanned)
    sides = assign_splits(result)
    chosen = [item for item in result.used if split in ("all", sides[item.path])]
    if not chosen:
        raise InputError(
            f"No piece is on the side {split!r} of the split.",
            where=str(folder),
            next_step="Give a folder with more pieces, or ask for all of them: --split all",
        )

    if split == "all" and _learned(file, fingerprint(result, sides)):
        _LOG.warning(
            "The model learned from this very folder. What it was not taught counts alone with "
            "--split valid."
        )

    def pieces() -> Iterator[tuple[str, Piece]]:
        for item in chosen:
            yield item.collection, on_grid(load(result.folder / item.path))[0]

    def done(count: int) -> None:
        if watch:
            watch(count, len(chosen))

    figures = likelihood.evaluate(listener, pieces(), controls=controls, watch=done)
    return {"model": str(model), "folder": str(folder), "split": split, **figures}


def _learned(model: Path, music: str) -> bool:
    """Whether the folder of a model holds a run on this music."""
    try:
        return Corpus.open(model.parent / _CORPUS_FOLDER).fingerprint == music
    except InputError:
        return False  # models go without their run as well


def require_torch() -> None:
    """Refuse to learn without PyTorch.

    Raises:
        MissingExtraError: if it is not installed.
    """
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("Learning needs PyTorch.", extra="train") from error


def _refuse_other_model(out: Path, resume_file: str) -> None:
    """Never write over a model that no run in this folder made."""
    ours = any((out / name).exists() for name in (resume_file, "metrics.jsonl"))
    if (out / checkpoint.MODEL_FILE).exists() and not ours:
        raise ConfigError(
            "This folder holds a model, but not the run that made it.",
            where=str(out),
            next_step="Choose another folder with -o.",
        )


def _refuse_other_music(out: Path, music: str) -> None:
    """A run goes on only with the music it began with."""
    folder = out / _CORPUS_FOLDER
    if folder.exists() and Corpus.open(folder).fingerprint != music:
        raise ConfigError(
            "The run in this folder began with other music: files came, went or changed since.",
            where=str(out),
            next_step="Choose another folder with -o to begin anew.",
        )


def _provenance(result: ScanResult, name: str) -> dict[str, Any]:
    """What a model says of where it comes from; the trainer adds settings and figures."""
    data = []
    for collection in result.collections:
        used = [item for item in result.used if item.collection == collection]
        notes = sum(item.notes for item in used)
        data.append({"collection": collection, "pieces": len(used), "notes": notes})
    return {"name": name, "made_with": f"ritornello {__version__}", "data": data}


class _Sampler:
    """Short pieces composed during training, so that progress can be heard."""

    def __init__(self, folder: Path, spacing_seconds: float, say: Callable[[str], None]) -> None:
        self.folder, self.spacing_seconds, self.say = folder, spacing_seconds, say
        self._next_at = time.monotonic()

    def now_and_then(self, model: Path, step: int) -> None:
        """Compose with the model, unless that was done a moment ago."""
        if time.monotonic() >= self._next_at:
            self.write(model, f"step-{step:06d}")
            self._next_at = time.monotonic() + self.spacing_seconds

    def write(self, model: Path, name: str) -> None:
        """Compose and write the piece as MIDI and sound. A failure is logged and harms no run."""
        try:
            piece = replace(Composer.load(model).compose(bars=_SAMPLE_BARS), title=name)
            for ending in (".mid", ".mp3"):
                path = save(piece, self.folder / f"{name}{ending}", overwrite=True)
            self.say(f"Listen to {path}")
        except RitornelloError as error:
            self.say(f"No sample this time: {error}")
