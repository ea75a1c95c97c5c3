"""Training of a note model: a run in a folder, with its journal, its best model and its state.

`train` makes the network and lets a `Trainer` teach it; what is written after each step and each
validation is said here. A run stopped at any moment goes on as if nothing had happened.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ritornello.errors import ConfigError, InputError
from ritornello.note_model import checkpoint
from ritornello.note_model.checkpoint import Checkpoint
from ritornello.note_model.encoding import ngrams, notes
from ritornello.note_model.encoding.piece_controls import is_minor, read_controls
from ritornello.note_model.network import NoteModel, NoteModelConfig
from ritornello.training import run_state
from ritornello.training.batches import Music
from ritornello.training.config import TrainConfig
from ritornello.training.journal import Journal, histograms
from ritornello.training.note_objective import NoteObjective
from ritornello.training.optimisation import adamw, cosine
from ritornello.training.products import chosen
from ritornello.training.ranks import Ranks
from ritornello.training.run_length import Every, Length
from ritornello.training.run_report import write_report
from ritornello.training.trainer import Judgement, Step, Trainer

RESUME_FILE = "resume.pt"
_LEAST_RATE = 0.01  # of the highest, in the end
_BASELINE_PIECES = 1000
_LINE_UPS = 200
_LARGEST_LINE_UP = 8


@dataclass(frozen=True)
class Progress:
    """What a watcher of a run is told after each step."""

    step: int
    done: float
    nats_per_note: float
    notes_per_second: float
    seconds_left: float
    best_nats_per_note: float | None = None


def train(
    music: Music,
    folder: Path,
    config: TrainConfig,
    *,
    start: Checkpoint | None = None,
    provenance: dict[str, Any] | None = None,
    watch: Callable[[Progress], None] = lambda progress: None,
    sample: Callable[[Path, int], None] = lambda model, step: None,
    ranks: Ranks | None = None,
) -> Path:
    """Train a note model, or go on with the run that ``folder`` holds.

    Args:
        music: the corpus; its "train" and "valid" splits are used.
        folder: gets the model, `metrics.jsonl`, the state to resume from, and the report.
        config: ignored but for its length and threads when a run is resumed.
        start: a model of the same network and collections whose weights a new run begins with.
        watch: called after each step. sample: called with each new best model. Both where files
            are written, if there are several processes.
        ranks: the processes of the run, see `ritornello.training.ranks.joined`; this one by
            default.

    Returns:
        The file of the best model.

    Raises:
        InputError: if the training split holds no notes.
        ConfigError: if ``start`` is another network.
        KeyboardInterrupt: passed on after the state is saved.
    """
    if not len(music.indices("train")):
        raise InputError("No piece is left to train on.", next_step="See `ritornello inspect`.")
    folder.mkdir(parents=True, exist_ok=True)
    run = _Run(music, folder, config, start, ranks or Ranks(), provenance or {}, sample)
    run.begin()
    run.trainer.run(lambda step: watch(run.progress) if run.ranks.writes else None)
    if run.ranks.writes:
        write_report(folder)
    return folder / checkpoint.MODEL_FILE


class _Run:
    """A run in its folder: what is written, and when."""

    def __init__(
        self,
        music: Music,
        folder: Path,
        config: TrainConfig,
        start: Checkpoint | None,
        ranks: Ranks,
        provenance: dict[str, Any],
        sample: Callable[[Path, int], None],
    ) -> None:
        self.music, self.folder, self.ranks = music, folder, ranks
        self.provenance, self.sample = provenance, sample
        keep = folder / RESUME_FILE
        resumes = ranks.first(keep.is_file())
        self.speeds: dict[str, float] = {}
        if resumes:
            length = {name: getattr(config, name) for name in ("minutes", "steps", "notes")}
            known = run_state.load(keep)["identity"]
            self.config = TrainConfig(**{**known, **length, "threads": config.threads})
        else:
            products, self.speeds = ranks.first(chosen(config.products))
            self.config = replace(config, products=products)
        ranks.agree("music", [len(music.indices("train")), int(np.sum(music.note_counts))])
        self.journal = Journal(folder)
        self.objective = NoteObjective(self._network(start), music, self.config, ranks)
        self.trainer = self._trainer(keep)
        if resumes:
            self.trainer.resume()
        if ranks.writes:
            self._describe_music()

    def _network(self, start: Checkpoint | None) -> NoteModel:
        config = self.config
        if config.threads:
            torch.set_num_threads(config.threads)
        torch.manual_seed(config.seed)
        network = NoteModelConfig(
            cell=config.cell,
            layers=config.layers,
            width=config.width,
            head_width=config.head_width,
            dropout=config.dropout,
            collections=len(self.music.collections),
        )
        model = NoteModel(network).to("cuda" if torch.cuda.is_available() else "cpu")
        if start is not None:
            _begin_with(model, start, tuple(self.music.collections))
        return model

    def _trainer(self, keep: Path) -> Trainer:
        config = self.config
        seconds = 60 * config.minutes if config.minutes else None
        identity = asdict(config)
        for name in ("minutes", "steps", "notes", "threads"):
            del identity[name]
        return Trainer(
            self.objective,
            adamw(self.objective.network, weight_decay=config.weight_decay),
            cosine(config.learning_rate, warmup=config.warmup, least=_LEAST_RATE),
            Length(steps=config.steps, seconds=seconds, count=config.notes),
            clip=config.clip,
            average=config.average,
            validation=Every(steps=config.validate_every),
            patience=config.patience,
            products=config.products,
            keep=keep,
            identity=identity,
            ranks=self.ranks,
            seed=config.seed,
            gradients=self._gradients,
            stepped=self._stepped,
            validated=self._validated,
        )

    def _describe_music(self) -> None:
        """What the model is to say of the music it was taught."""
        sample = _spread(self.music.indices("train"))
        taught = [notes.encode(self.music.piece(index)) for index in sample]
        named = [*zip(map(self.music.collection_of, sample), taught, strict=True)]
        self.line_ups = common_line_ups((name, encoded, 1.0) for name, encoded in named)
        self.minor_shares = minor_shares(named)
        self.baseline = ngrams.count(encoded.fields for encoded in taught)

    def begin(self) -> None:
        """Put the journal where the state is."""
        if not self.ranks.writes:
            return
        self.journal.cut(self.trainer.spent.steps)
        self.journal.sitting(
            self.trainer.spent.steps,
            products=self.config.products,
            speeds={name: round(speed) for name, speed in self.speeds.items()},
            processes=self.ranks.count,
            threads=torch.get_num_threads(),
        )

    def _stepped(self, step: Step) -> None:
        """Write a step down."""
        if not self.ranks.writes:
            return
        spent = self.trainer.spent
        self.journal.step(
            step.number, seconds=spent.seconds, notes=int(spent.count), nats_per_note=step.loss,
            fields=[*step.parts.values()], learning_rate=step.rate, gradient_norm=step.norm,
            notes_per_second=step.count / step.seconds,
        )  # fmt: skip

    @property
    def progress(self) -> Progress:
        """For a watcher."""
        spent, best = self.trainer.spent, self.trainer.best_score
        return Progress(
            spent.steps,
            self.trainer.done,
            self.trainer.running,
            spent.count / max(spent.seconds, 1e-9),
            self.trainer.seconds_left,
            None if math.isinf(best) else best,
        )

    def _gradients(self, step: int) -> None:
        """Before the update that a validation follows: what weights and gradients look like."""
        if self.ranks.writes and step % self.config.validate_every == 0:
            self.journal.histograms(step, histograms(self.objective.network))

    def _validated(self, judgement: Judgement) -> None:
        if not self.ranks.writes:
            return
        steps, path = self.trainer.spent.steps, self.folder / checkpoint.MODEL_FILE
        self.journal.validation(steps, self.objective.figures)
        if judgement.is_best:
            checkpoint.save(self._checkpoint(), path)
            self.sample(path, steps)
        write_report(self.folder)

    def _checkpoint(self) -> Checkpoint:
        spent, model = self.trainer.spent, self.trainer.judged
        weights = {
            name: tensor.detach().cpu().numpy() for name, tensor in model.state_dict().items()
        }
        training = {
            "config": asdict(self.config), "steps": spent.steps, "notes_seen": int(spent.count),
            "minutes": round(spent.seconds / 60, 1), "torch": torch.__version__,
        }  # fmt: skip
        provenance = {**self.provenance, "training": training,
                      "validation": self.objective.figures, "line_ups": self.line_ups,
                      "minor_shares": self.minor_shares}  # fmt: skip
        return Checkpoint(
            weights,
            self.objective.network.settings(),
            "notes",
            tuple(self.music.collections),
            provenance,
            self.baseline,
        )


def _begin_with(model: NoteModel, start: Checkpoint, collections: tuple[str, ...]) -> None:
    """Take over the weights of a model of the same kind."""
    settings = model.settings()
    ours = {name: value for name, value in settings.items() if name != "dropout"}
    theirs = {name: start.network.get(name) for name in ours}
    if ours != theirs or start.collections != collections:
        raise ConfigError(
            f"A model can go on learning as the same network with the same collections only: "
            f"found {theirs} with {start.collections}, expected {ours} with {collections}.",
        )
    weights = {name: torch.as_tensor(weight) for name, weight in start.weights.items()}
    model.load_state_dict(weights)


def common_line_ups(
    pieces: Iterable[tuple[str, notes.Encoded, float]],
) -> list[tuple[tuple[str, ...], float, str]]:
    """Who plays together, how often and in which collection; the most frequent first.

    Args:
        pieces: their collections and weights; large groups are left out.
    """
    counts: defaultdict[tuple[tuple[str, ...], str], float] = defaultdict(float)
    for collection, encoded, weight in pieces:
        players = notes.instrumentation_of(encoded)
        if len(players) <= _LARGEST_LINE_UP:
            counts[players, collection] += weight
    common = sorted(counts.items(), key=lambda item: -item[1])[:_LINE_UPS]
    return [(players, weight, collection) for (players, collection), weight in common]


def minor_shares(pieces: Iterable[tuple[str, notes.Encoded]]) -> dict[str, float]:
    """Share of the pieces that are in minor, by collection; drums alone have no key."""
    modes: defaultdict[str, list[bool]] = defaultdict(list)
    for collection, encoded in pieces:
        key = read_controls(encoded, None).key
        if key is not None:
            modes[collection].append(is_minor(key))
    return {name: round(sum(found) / len(found), 3) for name, found in modes.items()}


def _spread(indices: np.ndarray) -> np.ndarray:
    """At most `_BASELINE_PIECES` of them, evenly spread."""
    step = max(1, len(indices) // _BASELINE_PIECES)
    return indices[::step]
