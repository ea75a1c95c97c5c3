"""The trainings of `hybrid-gru2023`: each network on each task is a job, and jobs run side by side.

Every job has one processor, because networks of this size gain nothing from a second one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ritornello.corpus.pool import Failure, map_in_processes
from ritornello.errors import RitornelloError
from ritornello.json_values import JsonObject
from ritornello.music.piece import Piece
from ritornello.note_model import checkpoint
from ritornello.papers.hybrid_gru2023 import encoding as psd
from ritornello.papers.hybrid_gru2023.data import first_notes, rows_of
from ritornello.papers.hybrid_gru2023.measure import Figures, net_figures, our_figures
from ritornello.papers.hybrid_gru2023.model import PsdConfig
from ritornello.papers.hybrid_gru2023.ours import foresee_ours
from ritornello.papers.hybrid_gru2023.train import foresee, train_net, write_notes
from ritornello.papers.shared.ours import compose_ours, train_ours
from ritornello.papers.shared.progress import ProgressFile, told

OURS = "ours"
BARS = 16  # of everything that is written
_BEATS_PER_BAR = 4
_TAUGHT_SCORED = 100  # training pieces on which regressions are turned into likelihoods


@dataclass(frozen=True)
class TaskTraining:
    """One network, one task.

    Attributes:
        cell: of `models.psd_rnn`, or `OURS`.
        pieces: side -> (name, piece of one track). folder: for our model.
    """

    task: str
    cell: str
    pieces: dict[str, list[tuple[str, Piece]]]
    settings: JsonObject
    seed: int
    folder: Path

    @property
    def name(self) -> str:
        return f"{self.task}, {self.cell}"

    @property
    def progress_file(self) -> Path:
        return self.folder.with_name(f"{self.task}-{self.cell}.progress")


@dataclass(frozen=True)
class Learned:
    """What came of a job.

    Attributes:
        figures: on the held-out pieces. knowing_nats: of the pitch when its own step is known,
            which only our model can use.
        seconds, updates, epochs: of training. parameters: of the network.
        curve: (updates, validation loss, validation pitch accuracy).
        exact: how many of our pieces have the bars that were asked for; 0 for the others, which
            have no end.
        sampled, argmaxed: what it writes, rows of (pitch, step, duration); pitches drawn, and
            always the likeliest.
    """

    task: str
    cell: str
    figures: Figures
    knowing_nats: float | None
    seconds: float
    updates: int
    epochs: float
    parameters: int
    curve: list[tuple[int, float, float]]
    exact: int
    sampled: list[np.ndarray]
    argmaxed: list[np.ndarray]


def learn_all(
    jobs: Sequence[TaskTraining], threads: int, say: Callable[[str], None]
) -> list[Learned]:
    """Do all jobs, ``threads`` at a time; the results are in the order of the jobs.

    Raises:
        RitornelloError: if one fails.
    """
    longest = max(job.settings["seconds_each"] for job in jobs)
    learned = []
    with told({job.name: job.progress_file for job in jobs}, say, workers=threads):
        results = map_in_processes(learn, jobs, workers=threads, timeout_seconds=3 * longest + 1800)
        for job, result in zip(jobs, results, strict=True):
            if isinstance(result, Failure):
                raise RitornelloError(f"Training {result.kind} ({result.detail}).", where=job.name)
            say(f"{job.name}: {result.figures.pitch_nats:.2f} nats a pitch.")
            learned.append(result)
    return learned


def pick(learned: Sequence[Learned], task: str, cell: str) -> Learned:
    """The result of one network on one task."""
    return next(item for item in learned if (item.task, item.cell) == (task, cell))


def learn(job: TaskTraining) -> Learned:
    """Do one job in this process."""
    torch.set_num_threads(1)
    progress = ProgressFile(job.progress_file)
    learned = (_learn_ours if job.cell == OURS else _learn_net)(job, progress)
    progress.write(1.0)
    return learned


def _learn_net(job: TaskTraining, progress: ProgressFile) -> Learned:
    taught = rows_of(job.pieces["train"])
    held_out = rows_of(job.pieces["test"], job.settings["test_notes"])
    watched = rows_of(job.pieces["valid"] or job.pieces["train"][:8], job.settings["test_notes"])
    config = PsdConfig(job.cell, job.settings["units"])
    trained = train_net(config, taught, watched, job.settings, job.seed, progress.write)
    progress.write(1.0, "composes")
    known = [rows[: job.settings["test_notes"]] for rows in taught[:_TAUGHT_SCORED]]
    figures = net_figures(foresee(trained.model, known), foresee(trained.model, held_out))
    rng = np.random.default_rng(job.seed)
    window = job.settings["window"]
    long = [rows for rows in taught if len(rows) >= window] or taught
    length = min(map(len, long), default=0)
    chosen = rng.choice(len(long), size=(int(job.settings["generated"]),))
    primers = [long[index][: min(window, length)] for index in chosen]
    written = {
        sampled: write_notes(
            trained.model,
            primers,
            beats=BARS * _BEATS_PER_BAR,
            sampled=sampled,
            seed=job.seed,
        )
        for sampled in (True, False)
    }
    return Learned(
        job.task,
        job.cell,
        figures,
        None,
        trained.seconds,
        trained.updates,
        trained.epochs,
        trained.parameters,
        trained.curve,
        0,
        written[True],
        written[False],
    )


def _learn_ours(job: TaskTraining, progress: ProgressFile) -> Learned:
    pieces = ((name, piece, side) for side, named in job.pieces.items() for name, piece in named)
    minutes = job.settings["seconds_each"] / 60
    model = train_ours(
        pieces, job.folder, minutes=minutes, seed=job.seed, threads=1, watch=progress.write
    )
    progress.write(1.0, "composes")
    held_out = [first_notes(piece, job.settings["test_notes"]) for _, piece in job.pieces["test"]]
    seen = foresee_ours(model, held_out)
    made = checkpoint.load(checkpoint.find(model))
    training = made.provenance["training"]
    taught = sum(piece.note_count for _, piece in job.pieces["train"])
    count = range(job.seed, job.seed + job.settings["generated"])
    composed = [compose_ours(model, bars=BARS, seed=seed) for seed in count]
    return Learned(
        job.task,
        job.cell,
        our_figures(seen),
        float(seen.pitch_nats_knowing.mean()),
        60 * training["minutes"],
        training["steps"],
        training["notes_seen"] / taught,
        sum(weight.size for weight in made.weights.values()),
        [],
        sum(piece.bar_count == BARS for piece in composed),
        [psd.encode(piece.tracks[0], piece.resolution) for piece in composed if piece.tracks],
        [],
    )
