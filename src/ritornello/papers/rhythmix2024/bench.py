"""What `rhythmix2024` makes: trained networks, our models, songs, and the loop of ratings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ritornello.json_values import JsonObject
from ritornello.music.piece import Piece
from ritornello.papers.rhythmix2024 import songs as heard
from ritornello.papers.rhythmix2024.data import Music
from ritornello.papers.rhythmix2024.feedback import (
    Windows,
    feedback_loop,
    mean_with_interval,
    simulated_rating,
)
from ritornello.papers.rhythmix2024.model import EventLSTM, EventLSTMConfig
from ritornello.papers.rhythmix2024.search import DEFAULT
from ritornello.papers.rhythmix2024.train import (
    Length,
    Trained,
    continue_primers,
    nats_per_note,
    train,
    windows,
)
from ritornello.papers.shared.ours import train_ours
from ritornello.papers.shared.search import Report, Trial
from ritornello.papers.shared.study import Study

PRIMER_EVENTS = 16
WRITTEN_EVENTS = 64
RATED_EVENTS = 32  # short ones, of which a listener rates many
_MOST_LINES = 4

Rating = tuple[float, float, float]  # the mean, and the 95% interval of the mean
Written = list[tuple[np.ndarray, np.ndarray]]  # primers, and what came after


@dataclass(frozen=True)
class Learned:
    """The network after equal minutes with the default and with the best settings."""

    default: Trained
    tuned: Trained


@dataclass(frozen=True)
class Ours:
    """Our model of the same bare lines, and another of whole songs with their metres."""

    lines: Path
    songs: Path


@dataclass(frozen=True)
class Judged:
    """A model's ratings on fresh primers, and its nats a note on held-out lines."""

    stars: Rating
    nats: float


@dataclass(frozen=True)
class Feedback:
    """The loop: before, after, and after the same with ratings shuffled among the pieces."""

    before: Judged
    after: Judged
    shuffled: Judged
    real_stars: Rating
    model: EventLSTM


class Bench:
    """The music of a study, and what is done with it."""

    def __init__(self, study: Study, music: Music) -> None:
        self.study, self.settings, self.music = study, study.settings, music
        self.taught, self.valid = music.lines("train"), music.lines("valid")
        self.held_out = music.lines("test")
        self.config = EventLSTMConfig(*(self.settings[k] for k in ("layers", "width", "dropout")))
        self.train = partial(
            train,
            self.taught,
            self.valid,
            self.config,
            window=self.settings["window"],
            seed=study.seed,
        )

    def attempt(self, settings: JsonObject, report: Report) -> Trained:
        """A trial of the search."""
        length = Length(self.settings["trial_minutes"])
        return self.train(**settings, length=length, report=report)

    def learn(self, best: Trial) -> Learned:
        length = Length(self.settings["minutes"])
        rate, batch = best.settings.values()
        self.study.say(
            f"Default and best settings ({rate:.2g}, batch {batch}) learn for {length.minutes:g} "
            "minutes each."
        )
        return Learned(
            self.train(**DEFAULT, length=length),
            self.train(**best.settings, length=length),
        )

    def ours(self) -> Ours:
        minutes = self.settings["ours_minutes"]
        self.study.say(f"Our model learns the lines, then the songs, {minutes:g} minutes each.")
        options: dict[str, Any] = {"seed": self.study.seed, "threads": self.study.threads}
        options |= self.settings.get("ours", {})  # a size that fits few minutes, not only the music
        whole = ((song.name, song.piece, song.split) for song in self.music.songs)
        lines, songs = (self.study.folder / name for name in ("ours-lines", "ours-songs"))
        return Ours(
            train_ours(self.music.bare_lines(), lines, minutes=minutes, **options),
            train_ours(whole, songs, minutes=minutes, **options),
        )

    def feedback(self, model: EventLSTM) -> Feedback:
        self.study.say(f"{self.settings['rounds']} rounds of ratings by a simulated listener.")
        seed = self.study.seed
        loop = partial(
            feedback_loop,
            model,
            self._write,
            rounds=self.settings["rounds"],
            passes=self.settings["passes"],
            seed=seed,
        )

        def real() -> Windows:
            return windows(self.taught, 32, self.settings["window"], np.random.default_rng(seed))

        after = loop(real=real())
        rng = np.random.default_rng(seed)
        ends = slice(PRIMER_EVENTS, PRIMER_EVENTS + RATED_EVENTS)
        real_stars = [simulated_rating(line[ends], rng) for line in _long(self.held_out)]
        return Feedback(
            self._rate_model(model),
            self._rate_model(after),
            self._rate_model(loop(real=real(), shuffled=True)),
            mean_with_interval(real_stars, seed=seed),
            after,
        )

    def _write(self, model: EventLSTM, number: int) -> Written:
        """Several continuations of each of some training primers, other ones in each round."""
        lines = _long(self.taught)
        rng = np.random.default_rng((self.study.seed, number))
        chosen = rng.permutation(len(lines))[: self.settings["primers"]]
        primers = [lines[index][:PRIMER_EVENTS] for index in chosen]
        primers *= self.settings["continuations"]
        written = continue_primers(model, primers, RATED_EVENTS, seed=self.study.seed + number)
        return [*zip(primers, written, strict=True)]

    def _rate_model(self, model: EventLSTM) -> Judged:
        """Rated on two continuations of every held-out line; the same seeds for every model."""
        primers = [line[:PRIMER_EVENTS] for line in _long(self.held_out)] * 2
        rng = np.random.default_rng(self.study.seed)
        written = continue_primers(model, primers, RATED_EVENTS, seed=self.study.seed + 1000)
        stars = [simulated_rating(events, rng) for events in written]
        nats = float(nats_per_note(model, self.held_out).sum())
        return Judged(mean_with_interval(stars, seed=self.study.seed), nats)


def _long(lines: list[np.ndarray]) -> list[np.ndarray]:
    """Lines that reach beyond a primer and as much as is written after it."""
    return [line for line in lines if len(line) >= PRIMER_EVENTS + WRITTEN_EVENTS]


@dataclass(frozen=True)
class Songs:
    """Songs of several lines, and shares of lines that close.

    Attributes:
        published, real, mixed: from the same held-out songs; mixed ones join lines that never met.
        held_out: those songs whole, with their metres. ours: composed.
        closing: share of lines that end on the tonic with a closing duration, by maker.
    """

    published: list[Piece]
    real: list[Piece]
    mixed: list[Piece]
    held_out: list[Piece]
    ours: list[Piece]
    closing: dict[str, float]

    @classmethod
    def of(cls, study: Study, music: Music, model: EventLSTM, ours: Path) -> Songs:
        settings = study.settings
        several = [
            replace(song, lines=song.lines[:_MOST_LINES])
            for song in music.of("test")
            if len(song.lines) > 1
        ][: settings["songs"]]
        composed = heard.songs_of_ours(ours, settings["endings"], seed=study.seed)
        lines = [*map(heard.melody_of, composed)]
        primers = [line[:PRIMER_EVENTS] for line in _long(music.lines("test"))]
        primers = (primers * (1 + settings["endings"] // len(primers)))[: settings["endings"]]
        written = continue_primers(model, primers, WRITTEN_EVENTS, seed=study.seed)
        closing = {
            "published": [heard.closes(line) for line in written],
            "real": [heard.closes(line) for line in music.lines("test")],
            "ours": [heard.closes(line) for line in lines if line is not None],
        }
        return cls(
            [heard.song_of(model, song, seed=study.seed) for song in several],
            [heard.opening_of(song) for song in several],
            heard.mix_songs(several),
            [replace(song.piece, tracks=song.piece.tracks[:_MOST_LINES]) for song in several],
            composed,
            {name: 100 * float(np.mean(found)) for name, found in closing.items()},
        )
