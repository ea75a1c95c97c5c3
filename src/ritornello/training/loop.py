"""Training of a note model: a run in a folder, with its journal, its best model and its state.

`train` makes the network and lets a `Trainer` teach it; what is written after each step and each
validation is said here. A run stopped at any moment goes on as if nothing had happened.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from ritornello.corpus.store import Corpus
from ritornello.errors import InputError
from ritornello.json_values import JsonObject
from ritornello.note_model import checkpoint
from ritornello.note_model.checkpoint import Checkpoint
from ritornello.note_model.network import NoteModel, NoteModelConfig
from ritornello.training import run_state
from ritornello.training.batches import Music
from ritornello.training.config import TrainConfig
from ritornello.training.fine_tuning import begin_with
from ritornello.training.journal import Journal, histograms
from ritornello.training.music_facts import MusicFacts, read_facts
from ritornello.training.note_objective import NoteBatch, NoteObjective
from ritornello.training.optimisation import adamw, cosine
from ritornello.training.products import chosen
from ritornello.training.ranks import Ranks
from ritornello.training.rehearsal import RehearsedMusic
from ritornello.training.run_length import Every, Length
from ritornello.training.run_report import write_report
from ritornello.training.trainer import Judgement, Step, Trainer

RESUME_FILE = "resume.pt"
_LEAST_RATE = 0.01  # of the highest, in the end
_FREE = ("minutes", "steps", "notes", "threads")  # may change when a run goes on


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
    rehearsal: Corpus | None = None,
    provenance: JsonObject | None = None,
    watch: Callable[[Progress], None] = lambda progress: None,
    sample: Callable[[Path, int], None] = lambda model, step: None,
    say: Callable[[str], None] = lambda sentence: None,
    ranks: Ranks | None = None,
    began: float | None = None,
    ending_seconds: float = 0.0,
) -> Path:
    """Train a note model, or go on with the run that ``folder`` holds.

    Args:
        music: the corpus; its "train" and "valid" splits are used.
        folder: gets the model, `metrics.jsonl`, the state to resume from, and the report.
        config: ignored but for its length and threads when a run is resumed.
        start: a model of the same network whose weights a new run begins with; its collections are
            the first of those of ``music``, see `ritornello.training.fine_tuning`.
        rehearsal: pieces that ``start`` composed, read beside the music, see
            `ritornello.training.rehearsal`.
        watch: called after each step. sample: called with each new best model. Both where files
            are written, if there are several processes. say: called with what a person may want to
            know.
        ranks: the processes of the run, see `ritornello.training.ranks.joined`; this one by
            default.
        began: when what the minutes are for began, by `time.monotonic`; now if left out.
        ending_seconds: for what will follow the training. Both are taken off the minutes of a new
            run, of which at least half remain.

    Returns:
        The file of the best model.

    Raises:
        InputError: if the training split holds no notes.
        ConfigError: if ``start`` is another network.
        KeyboardInterrupt: passed on after the state is saved.
    """
    if not len(music.indices("train")):
        raise InputError("No piece is left to train on.", next_step="See `ritornello inspect`.")
    ranks = ranks or Ranks()
    ranks.agree("music", [len(music.indices("train")), int(np.sum(music.note_counts))])
    folder.mkdir(parents=True, exist_ok=True)
    resumes = ranks.first((folder / RESUME_FILE).is_file())
    speeds: dict[str, float] = {}
    if resumes:
        config = _as_begun(folder / RESUME_FILE, config)
    else:
        products, speeds = ranks.first(chosen(config.products))
        config = replace(config, products=products)
    if config.threads:
        torch.set_num_threads(config.threads)
    read = music
    if rehearsal is not None:
        read = RehearsedMusic(music, rehearsal)
        config = replace(config, shares=config.shares or read.shares)
    network = _network(music, config)
    if start is not None and not resumes:
        begin_with(network, start, music, say if ranks.writes else lambda sentence: None)
    if began is not None and config.minutes and not resumes:
        aside = ranks.first(time.monotonic() - began + ending_seconds)
        config = replace(config, set_aside=min(aside, 30 * config.minutes))
    run = _Run(NoteObjective(network, read, config, ranks), music, folder, provenance or {}, sample)
    run.ending_seconds = ending_seconds
    run.begin(speeds)
    if start is not None and not resumes:
        run.trainer.judge_beginning()
    run.trainer.run(lambda step: watch(run.progress) if ranks.writes else None)
    if ranks.writes:
        write_report(folder)
    return folder / checkpoint.MODEL_FILE


def _as_begun(state: Path, config: TrainConfig) -> TrainConfig:
    """The settings that a run was begun with, as long as is asked for now."""
    now = {name: getattr(config, name) for name in _FREE}
    return TrainConfig(**{**run_state.load(state)["identity"], **now})


def _network(music: Music, config: TrainConfig) -> NoteModel:
    """An untrained network."""
    torch.manual_seed(config.seed)
    network = NoteModelConfig(
        cell=config.cell,
        layers=config.layers,
        width=config.width,
        head_width=config.head_width,
        dropout=config.dropout,
        collections=len(music.collections),
        plan=config.plan,
    )
    return NoteModel(network).to("cuda" if torch.cuda.is_available() else "cpu")


class _Run:
    """A run in its folder: what is written, and when."""

    def __init__(
        self,
        objective: NoteObjective,
        music: Music,
        folder: Path,
        provenance: JsonObject,
        sample: Callable[[Path, int], None],
    ) -> None:
        self.objective, self.music, self.folder = objective, music, folder
        self.provenance, self.sample = provenance, sample
        self.config, self.ranks = objective.config, objective.ranks
        self.ending_seconds = 0.0
        self.journal = Journal(folder)
        self.trainer = self._trainer(folder / RESUME_FILE)
        self.facts = read_facts(self.music) if self.ranks.writes else MusicFacts()

    def _trainer(self, keep: Path) -> Trainer[NoteBatch]:
        config = self.config
        seconds = 60 * config.minutes - (config.set_aside or 0) if config.minutes else None
        identity = asdict(config)
        for name in _FREE:
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

    def begin(self, speeds: dict[str, float]) -> None:
        """Take up the run if there is one, and put the journal where it is.

        Args:
            speeds: of the kinds of products, if they were taken.
        """
        self.trainer.resume()
        if not self.ranks.writes:
            return
        steps = self.trainer.spent.steps
        self.journal.cut(steps)
        self.journal.sitting(
            steps,
            products=self.config.products,
            billion_operations_a_second={name: round(speed) for name, speed in speeds.items()},
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
            self.trainer.seconds_left + self.ending_seconds,
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
        if not steps:
            return  # of what it began with there is nothing to hear or to show yet
        if judgement.is_best:
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
                      "validation": self.objective.figures,
                      **self.facts.for_composing()}  # fmt: skip
        return Checkpoint(
            weights,
            self.objective.network.settings(),
            "notes",
            tuple(self.music.collections),
            provenance,
            self.facts.baseline,
        )
