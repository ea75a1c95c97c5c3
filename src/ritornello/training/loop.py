"""Training, to be read from top to bottom.

`train` draws contiguous batches, carries the network's state along each row, validates now and
then, keeps the best weights, and writes its whole state to disk so that a run stopped at any
moment goes on as if nothing had happened.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ritornello.atomic import atomic_write
from ritornello.errors import ConfigError, InputError
from ritornello.note_model import checkpoint
from ritornello.note_model.cells.cell import State
from ritornello.note_model.checkpoint import Checkpoint
from ritornello.note_model.encoding import ngrams, notes
from ritornello.note_model.encoding.piece_controls import is_minor, read_controls
from ritornello.note_model.network import NoteModel, NoteModelConfig, to_tensors
from ritornello.training.batches import Music, Rows
from ritornello.training.config import TrainConfig
from ritornello.training.journal import Journal, histograms
from ritornello.training.run_report import write_report
from ritornello.training.validate import validate

RESUME_FILE = "resume.pt"
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
) -> Path:
    """Train a note model, or go on with the run that ``folder`` holds.

    Args:
        music: the corpus; its "train" and "valid" splits are used.
        folder: gets the model, `metrics.jsonl`, the state to resume from, and the report.
        config: ignored but for its length when a run is resumed.
        start: a model of the same network and collections whose weights a new run begins with.
        watch: called after each step. sample: called with each new best model.

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
    run = _Run.resume(music, folder, config) or _Run(music, folder, config, start)
    run.journal.cut(run.steps)
    run.provenance = dict(provenance or {})
    run.sample = sample
    try:
        while not run.finished():
            nats = run.step()
            watch(run.report(nats))
            if run.steps % run.config.validate_every == 0:
                run.validate()
                run.save()
                write_report(folder)
    except KeyboardInterrupt:
        run.save()
        raise
    if run.steps % run.config.validate_every:
        run.validate()
    run.save()
    write_report(folder)
    return folder / checkpoint.MODEL_FILE


class _Run:
    """The state of a run: everything that must survive a kill."""

    _COUNTS = ("steps", "notes_seen", "seconds", "best", "bad_validations", "running")

    def __init__(
        self, music: Music, folder: Path, config: TrainConfig, start: Checkpoint | None = None
    ) -> None:
        self.music, self.folder, self.config = music, folder, config
        if config.threads:
            torch.set_num_threads(config.threads)
        torch.manual_seed(config.seed)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network = NoteModelConfig(
            cell=config.cell,
            layers=config.layers,
            width=config.width,
            head_width=config.head_width,
            dropout=config.dropout,
            collections=len(music.collections),
        )
        self.model = NoteModel(self.network).to(self.device)
        if start is not None:
            _begin_with(self.model, start, tuple(music.collections))
        self.optimiser = _optimiser(self.model, config)
        self.rows = Rows(
            music,
            shares=config.shares,
            batch=config.batch,
            chunk=config.chunk,
            seed=config.seed,
            open_probability=config.open_probability,
            tasks=config.tasks,
        )
        self.state = self.model.initial_state(config.batch)
        self.steps, self.notes_seen, self.seconds = 0, 0, 0.0
        self.best, self.bad_validations = math.inf, 0
        self.running = math.nan  # moving average of nats per note
        self.journal = Journal(folder)
        sample = _spread(music.indices("train"))
        taught = [notes.encode(music.piece(index)) for index in sample]
        named = [*zip(map(music.collection_of, sample), taught, strict=True)]
        self.line_ups = common_line_ups((name, encoded, 1.0) for name, encoded in named)
        self.minor_shares = minor_shares(named)
        self.baseline = ngrams.count(encoded.fields for encoded in taught)
        self.provenance: dict[str, Any] = {}
        self.sample: Callable[[Path, int], None] = lambda model, step: None

    @classmethod
    def resume(cls, music: Music, folder: Path, config: TrainConfig) -> _Run | None:
        path = folder / RESUME_FILE
        if not path.exists():
            return None
        saved = torch.load(path, weights_only=True)
        length = {"minutes": config.minutes, "steps": config.steps, "threads": config.threads}
        run = cls(music, folder, TrainConfig(**{**saved["config"], **length}))
        run.model.load_state_dict(saved["model"])
        run.optimiser.load_state_dict(saved["optimiser"])
        run.state = [tuple(tensor.to(run.device) for tensor in block) for block in saved["state"]]
        run.rows.drawn[:], run.rows.offset[:] = saved["drawn"], saved["offset"]
        for name in cls._COUNTS:
            setattr(run, name, saved[name])
        torch.set_rng_state(saved["random"])
        return run

    def save(self) -> None:
        saved = {
            "config": asdict(self.config),
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "state": self.state,
            "drawn": self.rows.drawn.tolist(),
            "offset": self.rows.offset.tolist(),
            "random": torch.get_rng_state(),
            **{name: getattr(self, name) for name in self._COUNTS},
        }
        with atomic_write(self.folder / RESUME_FILE, overwrite=True) as temporary:
            torch.save(saved, temporary)

    def finished(self) -> bool:
        patience = self.config.patience
        return self.done >= 1 or bool(patience and self.bad_validations >= patience)

    @property
    def done(self) -> float:
        return self.config.progress(self.steps, self.seconds)

    def step(self) -> float:
        """One optimiser step; returns nats per note of its batch."""
        began = time.monotonic()
        batch, starts = self.rows.next()
        self.state = _fresh_where(starts, self.state, self.device)
        rate = self.config.learning_rate_at(self.done)
        for group in self.optimiser.param_groups:
            group["lr"] = rate

        self.model.train()
        nats, after = self.model(to_tensors(batch, self.device), self.state)
        count = int(batch.composed_notes().sum())
        total = nats.sum()
        (total / max(count, 1)).backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip)
        record = (self.steps + 1) % self.config.validate_every == 0
        shapes = histograms(self.model) if record else None
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.state = [tuple(tensor.detach() for tensor in block) for block in after]

        self.steps += 1
        self.notes_seen += count
        seconds = time.monotonic() - began
        self.seconds += seconds
        per_note = float(total.detach()) / max(count, 1)
        self.running = (
            per_note if math.isnan(self.running) else 0.98 * self.running + 0.02 * per_note
        )
        fields = (nats.detach().sum((0, 1)) / max(count, 1)).tolist()
        self.journal.step(
            self.steps, seconds=self.seconds, notes=self.notes_seen, nats_per_note=per_note,
            fields=fields, learning_rate=rate, gradient_norm=float(norm),
            notes_per_second=count / seconds,
        )  # fmt: skip
        if shapes:
            self.journal.histograms(self.steps, shapes)
        return per_note

    def validate(self) -> None:
        """Score the validation split; keep the weights if they are the best so far."""
        began = time.monotonic()
        task = None if self.config.tasks else "compose"
        figures = validate(self.model, self.music, self.config.validation_events, task)
        self.seconds += time.monotonic() - began
        self.journal.validation(self.steps, figures)
        score = figures["nats_per_note"] if figures else self.running
        if score < self.best:
            self.best, self.bad_validations = score, 0
            path = self.folder / checkpoint.MODEL_FILE
            checkpoint.save(self._checkpoint(figures), path)
            self.sample(path, self.steps)
        else:
            self.bad_validations += 1

    def _checkpoint(self, figures: dict[str, Any]) -> Checkpoint:
        weights = {
            name: tensor.detach().cpu().numpy() for name, tensor in self.model.state_dict().items()
        }
        training = {
            "config": asdict(self.config), "steps": self.steps, "notes_seen": self.notes_seen,
            "minutes": round(self.seconds / 60, 1), "torch": torch.__version__,
        }  # fmt: skip
        provenance = {**self.provenance, "training": training, "validation": figures,
                      "line_ups": self.line_ups, "minor_shares": self.minor_shares}  # fmt: skip
        return Checkpoint(
            weights,
            self.model.settings(),
            "notes",
            tuple(self.music.collections),
            provenance,
            self.baseline,
        )

    def report(self, nats: float) -> Progress:
        done = self.done
        left = self.seconds * (1 - done) / done if done else math.inf
        return Progress(
            self.steps,
            done,
            self.running,
            self.notes_seen / max(self.seconds, 1e-9),
            left,
            None if math.isinf(self.best) else self.best,
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


def _optimiser(model: NoteModel, config: TrainConfig) -> torch.optim.Optimizer:
    matrices = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in model.parameters() if parameter.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": config.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.98))


def _fresh_where(starts: np.ndarray, state: list[State], device: torch.device) -> list[State]:
    """The initial state, which is zero, in the rows that start an excerpt."""
    keep = torch.as_tensor(~starts, dtype=torch.float32, device=device)[:, None]
    return [tuple(tensor * keep for tensor in block) for block in state]
