"""The trials of `groovybee2018`: networks scored side by side, the music they write, and ours."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ritornello.errors import InputError
from ritornello.metrics import rolls as scores
from ritornello.music.piece import Piece
from ritornello.note_model import likelihood
from ritornello.papers.groovybee2018 import train as learning
from ritornello.papers.groovybee2018.data import (
    TICKS_PER_QUARTER,
    Music,
    excerpt,
    merge_parts,
    rolls,
)
from ritornello.papers.groovybee2018.encoding import Roll
from ritornello.papers.groovybee2018.model import FORMS
from ritornello.papers.shared.ours import BUNDLED, compose_ours, score_ours, train_ours
from ritornello.papers.shared.study import Study

_THRESHOLDS = (0.5, 1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64)  # velocities
_SCORED = ("train", "test")
_MOST_PARTS = 4  # of a generated piece
_RESUMABLE_MINUTES = 20
_BEATS_A_BAR = 4


# --- learning and scoring -------------------------------------------------------------------------


class Score(NamedTuple):
    """Forecasts of the next vector: squared velocities, and F1 of notes and of new notes."""

    error: float
    f1: float
    new_f1: float


@dataclass(frozen=True)
class Bench:
    """What every network learns from and is scored on.

    Attributes:
        taught: rolls to learn, uint8 [ticks, 128] each.
        scored: for each side, the beginnings of some of its rolls.
    """

    study: Study
    taught: list[np.ndarray]
    scored: dict[str, list[np.ndarray]]

    @classmethod
    def of(cls, study: Study, music: Music) -> Bench:
        settings = study.settings
        ticks = settings["score_beats"] * TICKS_PER_QUARTER
        keep_silence = settings["keep_silence"]
        sides = {
            side: [roll.velocities for roll in rolls(music.side(side), keep_silence=keep_silence)]
            for side in ("train", "valid", "test")
        }
        scored = {
            side: [roll[:ticks] for roll in found[:: -(-len(found) // settings["score_parts"])]]
            for side, found in sides.items()
        }
        bench = cls(study, sides["train"], scored)
        for side in scored:
            if not len(bench.windows(side, settings["sequence"])):
                raise InputError(
                    f"No part of the {side} pieces is longer than "
                    f"{max(settings['sequences_tried'])} ticks.",
                    next_step="Give longer pieces.",
                )
        return bench

    def windows(self, side: str, sequence: int) -> learning.Windows:
        """Windows to score; the same targets for every sequence."""
        settings = self.study.settings
        first = max(settings["sequences_tried"])
        return learning.windows(self.scored[side], sequence, settings["step"], first)

    def real(self, side: str) -> tuple[np.ndarray, np.ndarray]:
        """The targets of a side and the vectors before them, uint8 [windows, 128]."""
        found = self.windows(side, self.study.settings["sequence"])
        return found.rows[found.targets], found.rows[found.targets - 1]

    def score(self, side: str, forecast: np.ndarray, threshold: float) -> Score:
        real, last = self.real(side)
        notes = forecast >= threshold
        return Score(
            scores.mean_squared_error(forecast, real),
            scores.note_f1(notes, real > 0),
            scores.new_note_f1(notes, real > 0, last > 0),
        )

    def best_threshold(self, forecast: np.ndarray) -> float:
        """The velocity from which on the notes of a forecast of the validation side fit best."""
        return max(_THRESHOLDS, key=lambda least: self.score("valid", forecast, least).f1)


@dataclass(frozen=True)
class Judged:
    """A trained network, its threshold and scores, and how far its held-out forecasts spread."""

    run: learning.Run
    sequence: int
    threshold: float
    train: Score
    test: Score
    spread_nats: float


def judge(bench: Bench, form: str, sequence: int, minutes: float) -> Judged:
    """Train a network of one form and window length, and score what it forecasts."""
    study = bench.study
    taught = learning.windows(bench.taught, sequence, study.settings["step"])
    keep = None
    if minutes > _RESUMABLE_MINUTES:
        mark = zlib.crc32(taught.rows.tobytes())
        keep = study.folder / f"{form}-{sequence}-{minutes:g}-{study.seed}-{mark:08x}.pt"
    trained = learning.train(
        form, taught, study.settings, seconds=60 * minutes, seed=study.seed, keep=keep
    )
    forecast = {
        side: learning.forecasts(trained.network, bench.windows(side, sequence))
        for side in bench.scored
    }
    threshold = bench.best_threshold(forecast["valid"])
    return Judged(
        trained,
        sequence,
        threshold,
        bench.score("train", forecast["train"], threshold),
        bench.score("test", forecast["test"], threshold),
        scores.spread_nats(forecast["test"]),
    )


def baselines(bench: Bench) -> dict[str, tuple[Score, Score]]:
    """Scores on train and test of forecasts that need no network."""
    mean = np.concatenate(bench.taught).mean(axis=0)

    def forecast(name: str, side: str) -> np.ndarray:
        real, last = bench.real(side)
        if name == "last vector":
            return last
        return np.broadcast_to(mean, real.shape) if name == "mean vector" else np.zeros_like(real)

    found = {}
    for name in ("silence", "mean vector", "last vector"):
        threshold = bench.best_threshold(forecast(name, "valid"))
        train, test = (bench.score(side, forecast(name, side), threshold) for side in _SCORED)
        found[name] = (train, test)
    return found


def compare(study: Study, bench: Bench) -> list[Judged]:
    """Each form with each window length of the recipe, trained for the same time and scored."""
    settings = study.settings
    judged = []
    for form in FORMS:
        for sequence in settings["sequences_tried"]:
            study.say(f"{form}, sequence {sequence}: {settings['minutes_each']:g} minutes.")
            judged.append(judge(bench, form, sequence, settings["minutes_each"]))
    return judged


# --- writing music --------------------------------------------------------------------------------


class Vectors(NamedTuple):
    """What vectors of parts are like; see `ritornello.metrics.rolls`."""

    spread_nats: float
    active: float
    changing: float

    @classmethod
    def of(cls, parts: Sequence[np.ndarray], threshold: float = 1) -> Vectors:
        """Of parts, [ticks, 128] each."""
        whole = np.concatenate(parts)
        return cls(
            scores.spread_nats(whole),
            scores.active_per_vector(whole >= threshold),
            float(np.mean([scores.changing_share(part >= threshold) for part in parts])),
        )


@dataclass(frozen=True)
class Written:
    """Generated pieces, and what their vectors are like."""

    pieces: list[Piece]
    vectors: Vectors


def generate(study: Study, music: Music, judged: Judged) -> Written:
    """Each piece takes the instruments of a held-out one, and a random window of each."""
    settings, sequence = study.settings, judged.sequence
    rng = np.random.default_rng(study.seed)
    held_out = [
        rolls([piece], keep_silence=settings["keep_silence"]) for piece in music.side("test")
    ]
    long_enough = [
        [roll for roll in parts if len(roll.velocities) >= sequence] for parts in held_out
    ]
    instrumentations = [parts for parts in long_enough if parts]
    chosen: list[list[Roll]] = []
    for _ in range(settings["generated"]):
        parts = instrumentations[rng.integers(len(instrumentations))]
        picks = rng.permutation(len(parts))[:_MOST_PARTS]
        chosen.append([parts[index] for index in sorted(picks)])
    seeds = []
    for part in (part for parts in chosen for part in parts):
        start = int(rng.integers(len(part.velocities) - sequence + 1))
        seeds.append(part.velocities[start : start + sequence])
    ticks = settings["generated_beats"] * TICKS_PER_QUARTER
    vectors = learning.generate(judged.run.network, np.stack(seeds, axis=1), ticks)
    pieces, at = [], 0
    for parts in chosen:
        pieces.append(merge_parts(parts, vectors[:, at : at + len(parts)], judged.threshold))
        at += len(parts)
    return Written(pieces, Vectors.of([*vectors.swapaxes(0, 1)], judged.threshold))


@dataclass(frozen=True)
class Ours:
    """Our model taught the same pieces, its pieces, and those of the model that ships."""

    figures: likelihood.SetLikelihood
    pieces: list[Piece]
    bundled: list[Piece]


def ours(study: Study, music: Music) -> Ours:
    """Our note model trained on the same pieces for the same time, and what it writes."""
    settings = study.settings
    model = train_ours(
        music.pieces,
        study.folder / "ours",
        minutes=settings["minutes_published"],
        seed=study.seed,
        threads=study.threads,
    )
    held_out = [excerpt(piece, settings["score_beats"]) for piece in music.side("test")]
    bars = settings["generated_beats"] // _BEATS_A_BAR
    seeds = range(study.seed, study.seed + settings["generated"])
    return Ours(
        score_ours(model, [piece for piece in held_out if piece.note_count]),
        [compose_ours(model, bars=bars, seed=seed) for seed in seeds],
        [compose_ours(BUNDLED, bars=bars, seed=seed) for seed in seeds],
    )
