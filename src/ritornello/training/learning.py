"""From a folder of music to a model of it: inspect, train, evaluate."""

from __future__ import annotations

import logging
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ritornello import __version__
from ritornello.atomic import refuse_existing
from ritornello.corpus.listing import RUN_SAMPLES, Split
from ritornello.corpus.report import save_report, summary, told
from ritornello.corpus.scan import Progress as Counted
from ritornello.corpus.scan import ScanResult, scan
from ritornello.corpus.shards import has_shards, shards_fingerprint, store_shards
from ritornello.corpus.splits import assign_splits
from ritornello.corpus.store import Corpus, build_store, fingerprint
from ritornello.errors import ConfigError, InputError, MissingExtraError, RitornelloError
from ritornello.files import load, save
from ritornello.generation.composer import Composer
from ritornello.generation.originality.assessment import write_training_index
from ritornello.json_values import JsonObject
from ritornello.music.grid import on_grid
from ritornello.music.piece import Piece
from ritornello.note_model import checkpoint
from ritornello.note_model.checkpoint import Checkpoint
from ritornello.note_model.library import find_model
from ritornello.option_names import canonical
from ritornello.training.config import TrainConfig, network_settings

if TYPE_CHECKING:
    from ritornello.training.batches import Music
    from ritornello.training.loop import Progress

_LOG = logging.getLogger(__name__)
_REPORT_FILE = "report.html"
_CORPUS_FOLDER = "corpus"
_REHEARSAL_FOLDER = "rehearsal"
_SAMPLE_BARS = 8
_SAMPLES_A_RUN = 8
_PATIENCE = 20
_SIZES = ("cell", "layers", "width", "head_width")
# For a model that knows music already: what there is to gain is gained in some hundreds of steps.
_TUNING = {"learning_rate": 1e-3, "validate_every": 100, "patience": 2 * _PATIENCE}
_Reading: TypeAlias = tuple[str, Callable[[], Piece]]  # a piece's collection, and what reads it
_SAMPLES_SECONDS = 10  # to write the last two, on a busy machine


def inspect(
    folder: str | PathLike[str],
    *,
    collections: Iterable[str] | None = None,
    report: str | PathLike[str] | None = None,
    overwrite: bool = False,
    progress: Counted | None = None,
) -> ScanResult:
    """A report of a folder of music: what it holds, and which files cannot be used and why.

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
    start: str | PathLike[str] | None = None,
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
    Called again with the same ``out``, the run goes on. Under `torchrun` its processes share the
    batches, and the first of them reads the folder and writes.

    Args:
        folder: of MIDI, MusicXML or ABC files, or of shards that `shard_folder` wrote.
        out: a folder for the results.
        minutes: for all of it, at least half of them for learning itself; 10 if ``steps`` is not
            given either.
        steps: optimiser steps instead of minutes.
        start: a model, by name or path, whose weights learning begins with. The model keeps its
            styles, of which it composes some pieces first to read them beside your music
            (`rehearsal/`), and your music becomes the one that it writes by default.
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
    began = time.monotonic()
    require_torch()
    from ritornello.training import ranks as processes
    from ritornello.training import run_state
    from ritornello.training.fine_tuning import JoinedMusic, provenance_of
    from ritornello.training.held_out import HeldOutMusic
    from ritornello.training.loop import RESUME_FILE
    from ritornello.training.loop import train as run
    from ritornello.training.rehearsal import write_rehearsal
    from ritornello.training.run_report import write_report

    out = Path(out)
    if steps is None:
        minutes = 10 if minutes is None else minutes
    known = [field.name for field in fields(TrainConfig)]
    settings = canonical(settings, known, of="Learning")
    asked = {"minutes": minutes, "steps": steps, "seed": seed, "threads": threads, **settings}
    TrainConfig(**asked)  # refuses what has no meaning before the folder is read
    _refuse_other_model(out, RESUME_FILE)
    base = None if start is None else _base(start, settings)
    ranks = processes.joined()
    resumes = (out / RESUME_FILE).is_file()
    about: JsonObject = {}
    ending_seconds = 0.0
    if ranks.writes:
        stored = _stored(Path(folder), out, collections, scanned, resumes, say)
        write_training_index(stored, out)
        about = _provenance(stored, out.resolve().name)
        if base is not None and not resumes:
            say("First the model composes some music of each of its styles, so as to keep them.")
            write_rehearsal(base, out / _REHEARSAL_FOLDER, seed)
        held_out = HeldOutMusic(stored, base)
        # The last weights are validated, composed with, and judged.
        ending_seconds = 2 * held_out.seconds + _SAMPLES_SECONDS
    ranks.first(None)  # the others wait for the corpus
    corpus = Corpus.open(out / _CORPUS_FOLDER)
    train_notes = int(corpus.note_counts[corpus.indices("train")].sum())
    config = TrainConfig(**{"patience": _PATIENCE, **_fitting(train_notes, minutes, base), **asked})
    if ranks.writes:
        _introduce(corpus, config, out if resumes else None, start, say)
    music: Music = corpus
    if base is not None:
        music = JoinedMusic(corpus, base.collections)
        about |= provenance_of(base, str(start))
    if resumes:
        begun = run_state.load(out / RESUME_FILE)["objective"]
        music = JoinedMusic(corpus, tuple(begun["collections"]))
    rehearsed = out / _REHEARSAL_FOLDER
    sampler = _Sampler(out / RUN_SAMPLES, 60 * (minutes or 10) / _SAMPLES_A_RUN, say)
    model = run(
        music,
        out,
        config,
        start=base,
        rehearsal=Corpus.open(rehearsed) if rehearsed.is_dir() else None,
        provenance=about,
        watch=watch,
        sample=sampler.now_and_then,
        say=say,
        ranks=ranks,
        began=began,
        ending_seconds=ending_seconds,
    )
    if ranks.writes:
        # A quarter of the size, to be sent; the run goes on from weights in its own file.
        learned = checkpoint.load(model)
        checkpoint.save(learned, model, int8=True)
        sampler.write(model, "final")
        found = held_out.tell(model, out, Path(folder), say)
        if found:
            figures = {name: found[name] for name in ("nats_per_note", "pieces", "notes")}
            about = {**learned.provenance, "held_out": figures}
            checkpoint.save(replace(learned, provenance=about), model, int8=True)
        write_report(out)  # again, with the final sample
    processes.left()
    return model


def _stored(
    folder: Path,
    out: Path,
    collections: Iterable[str] | None,
    scanned: Counted | None,
    resumes: bool,
    say: Callable[[str], None],
) -> Corpus:
    """The music of a folder, of files or of shards, as arrays in the folder of a run."""
    if has_shards(folder):
        if collections is not None:
            raise _shards_are_whole(folder)
        if resumes:
            _refuse_other_music(out, shards_fingerprint(folder))
        return store_shards(folder, out / _CORPUS_FOLDER)
    result = inspect(folder, collections=collections, progress=scanned)
    splits = assign_splits(result)
    if resumes:
        _refuse_other_music(out, fingerprint(result, splits))
    save_report(result, out / _REPORT_FILE, overwrite=True)
    if not resumes:
        for sentence in told(summary(result)):
            say(sentence)
    return build_store(result, out / _CORPUS_FOLDER, splits=splits)


def _base(start: str | PathLike[str], settings: Mapping[str, Any]) -> Checkpoint:
    """The model to begin with.

    Raises:
        CheckpointError: if there is none, or it is damaged or of another encoding.
        ConfigError: if sizes are asked for, which are those of the model.
    """
    sizes = [name for name in _SIZES if name in settings]
    if sizes:
        raise ConfigError(
            f"{' and '.join(sizes)} cannot be chosen: sizes are those of the model to begin with.",
            next_step="Leave them out, or begin with no model.",
        )
    return checkpoint.load(find_model(start))


def _fitting(notes: int, minutes: float | None, base: Checkpoint | None) -> JsonObject:
    """Settings that suit an amount of music and time, and the model to begin with."""
    settings = network_settings(notes, minutes)
    if base is None:
        return settings
    sizes = {name: base.network[name] for name in _SIZES}
    plan = base.network.get("plan", False)
    return {**settings, **sizes, "plan": plan, **_TUNING}


def _introduce(
    corpus: Corpus,
    config: TrainConfig,
    resumed: Path | None,
    start: str | PathLike[str] | None,
    say: Callable[[str], None],
) -> None:
    """Say what is about to be learned."""
    if resumed:
        say(f"Going on with the run in {resumed}; of the settings, only its length counts now.")
        return
    learned = corpus.indices("train")
    notes = int(corpus.note_counts[learned].sum())
    network = f"{config.layers} layers of {config.width} {config.cell} units"
    begun = f", begun with {start}" if start else ""
    pieces = "1 piece" if len(learned) == 1 else f"{len(learned):,} pieces"
    say(f"Learning from {notes:,} notes in {pieces} with {network}{begun}.")
    if not len(corpus.indices("valid")):
        say(
            "There is no second piece to hold out, so nothing shows when the music is only "
            "memorised. Give more pieces, or fewer minutes."
        )


def evaluate(
    model: str | PathLike[str],
    folder: str | PathLike[str],
    *,
    split: Split = "all",
    collections: Iterable[str] | None = None,
    controls: Literal["open", "given"] = "open",
    scanned: Counted | None = None,
    watch: Counted | None = None,
) -> JsonObject:
    """How well a model predicts the music in a folder, beside two baselines.

    Args:
        model: a name or path. folder: of music, or of shards that `shard_folder` wrote.
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
    with tempfile.TemporaryDirectory() as scratch:
        if has_shards(folder):
            music, chosen = _chosen_of_shards(folder, Path(scratch), split, collections)
        else:
            music, chosen = _chosen_of_files(folder, split, collections, scanned)
        if not chosen:
            raise InputError(
                f"No piece is on the side {split!r} of the split.",
                where=str(folder),
                next_step="Give a folder with more pieces, or ask for all of them: --split all",
            )
        if split == "all" and _learned(file, music):
            _LOG.warning(
                "The model learned from this very folder. Score the pieces it did not learn from "
                "with --split valid."
            )

        def done(count: int) -> None:
            if watch:
                watch(count, len(chosen))

        pieces = ((collection, read()) for collection, read in chosen)
        figures = likelihood.evaluate(listener, pieces, controls=controls, watch=done)
    return {"model": str(model), "folder": str(folder), "split": split, **figures}


def _chosen_of_files(
    folder: str | PathLike[str],
    split: Split,
    collections: Iterable[str] | None,
    scanned: Counted | None,
) -> tuple[str, list[_Reading]]:
    """The fingerprint of a folder of files, and its pieces on a side."""
    result = inspect(folder, collections=collections, progress=scanned)
    sides = assign_splits(result)

    def read(path: Path) -> Piece:
        return on_grid(load(path))[0]

    chosen: list[_Reading] = [
        (item.collection, partial(read, result.folder / item.path))
        for item in result.used
        if split in ("all", sides[item.path])
    ]
    return fingerprint(result, sides), chosen


def _chosen_of_shards(
    folder: str | PathLike[str], scratch: Path, split: Split, collections: Iterable[str] | None
) -> tuple[str, list[_Reading]]:
    """The fingerprint of shards, and their pieces on a side."""
    if collections is not None:
        raise _shards_are_whole(folder)
    corpus = store_shards(folder, scratch / "corpus")
    indices = range(len(corpus)) if split == "all" else corpus.indices(split).tolist()
    chosen: list[_Reading] = [
        (corpus.collection_of(index), partial(corpus.piece, index)) for index in indices
    ]
    return corpus.fingerprint, chosen


def _shards_are_whole(folder: str | PathLike[str]) -> ConfigError:
    return ConfigError(
        "Of shards all is read.",
        where=str(folder),
        next_step="Name the collections when the shards are written.",
    )


def _learned(model: Path, music: str) -> bool:
    """Whether the folder of a model holds a run on this music."""
    try:
        return Corpus.open(model.parent / _CORPUS_FOLDER).fingerprint == music
    except InputError:
        return False  # models go without their run as well


def require_torch() -> None:
    """Refuse to learn without PyTorch, and let its threads sleep while they wait for each other.

    Else they keep a processor busy that another program could use, the one they wait for among
    them: with one of two processors taken, a step of 16 x 128 events took 6.8 seconds so, and
    takes 1.7. Where ``OMP_WAIT_POLICY`` is set, it stays.

    Raises:
        MissingExtraError: if it is not installed.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when PyTorch is loaded
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


def _provenance(corpus: Corpus, name: str) -> JsonObject:
    """What a model says of where it comes from; the trainer adds settings and figures."""
    pieces, notes = Counter[str](), Counter[str]()
    for index, count in enumerate(corpus.note_counts.tolist()):
        collection = corpus.collection_of(index)
        pieces[collection] += 1
        notes[collection] += count
    data = [
        {"collection": each, "pieces": count, "notes": notes[each]}
        for each, count in sorted(pieces.items())
    ]
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
