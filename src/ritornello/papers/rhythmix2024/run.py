"""`rhythmix2024`: stacked LSTM layers over melodic lines, a search, songs, a feedback loop.

The search tries learning rates and batch sizes; the best and the defaults then learn for equal
minutes, and our model beside them on the same lines. The best goes on from primers and learns from
ratings. Since nobody can be asked, a simulated listener rates, and all that says so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ritornello.metrics.endings import endings
from ritornello.papers.rhythmix2024 import given, ratings
from ritornello.papers.rhythmix2024.bench import (
    PRIMER_EVENTS,
    RATED_EVENTS,
    WRITTEN_EVENTS,
    Bench,
    Feedback,
    Learned,
    Songs,
)
from ritornello.papers.rhythmix2024.data import bare_piece, load_music
from ritornello.papers.rhythmix2024.encoding import DURATIONS, PITCHES
from ritornello.papers.rhythmix2024.search import (
    BATCHES,
    DEFAULT,
    LEARNING_RATES,
    SPACE,
    trials_chart,
    trials_table,
)
from ritornello.papers.rhythmix2024.songs import consonant_share, nats_of_ours
from ritornello.papers.rhythmix2024.train import (
    PARTS,
    VALIDATIONS,
    Trained,
    continue_primers,
    nats_per_note,
    ngram_nats_per_note,
)
from ritornello.papers.shared.ours import BUNDLED, write_sample
from ritornello.papers.shared.outcome import Chart, Figure, Outcome, Sample, Table
from ritornello.papers.shared.search import Trial, best_of, search
from ritornello.papers.shared.study import Study

_LISTENER = "simulated listener (stepwise melody within a key, and noise)"


def run(study: Study) -> Outcome:
    """Search, learn, go on from primers, learn from ratings, and measure.

    Raises:
        InputError: if the music is missing or has no melodic lines.
        MissingExtraError: if Optuna is not installed.
    """
    torch.set_num_threads(study.threads)
    music = load_music(study)
    study.say(music.about)
    bench = Bench(study, music)
    minutes = study.settings["trial_minutes"]
    study.say(f"Search: {study.settings['trials']} trials of at most {minutes:g} minutes.")
    trials = search(SPACE, DEFAULT, bench.attempt, study.settings["trials"], seed=study.seed)
    learned = bench.learn(best_of(trials))
    ours = bench.ours()
    study.say("Songs from primers.")
    songs = Songs.of(study, music, learned.tuned.model, ours.songs)
    feedback = bench.feedback(learned.tuned.model)
    rated = ratings.rate_ours(study, ours.lines, bench.held_out)
    study.say("Lines for given ones.")
    found = given.measure_given(BUNDLED, songs.held_out, songs.published, study.seed)
    nats = {
        **ngram_nats_per_note(bench.taught, bench.held_out),
        "default": nats_per_note(learned.default.model, bench.held_out),
        "tuned": nats_per_note(learned.tuned.model, bench.held_out),
        "ours": nats_of_ours(ours.lines, bench.held_out),
    }
    report = _Report(study, bench, trials, learned, nats, songs, feedback, rated, found)
    return Outcome(
        study.recipe.id,
        study.budget,
        study.seed,
        data=music.about,
        stand_in=study.data is None,
        departures=report.departures(),
        figures=[*report.likelihoods(), *report.of_songs(), *report.of_ratings()],
        tables=[
            trials_table(trials, minutes),
            report.settings_table(),
            report.ratings_table(),
            ratings.table(rated),
            *given.tables(found),
        ],
        charts=[trials_chart(trials, minutes, VALIDATIONS), report.learning_chart()],
        samples=report.samples(),
        weaknesses=report.weaknesses(),
        compared=report.compared(),
        wishes=report.wishes(),
    )


@dataclass(frozen=True)
class _Report:
    """All that was measured, told in figures, tables and sentences.

    ``nats`` are nats a note on held-out lines, [pitch, time] each, by model.
    """

    study: Study
    bench: Bench
    trials: list[Trial]
    learned: Learned
    nats: dict[str, np.ndarray]
    songs: Songs
    feedback: Feedback
    rated: ratings.OursRated
    given: given.Given | None

    def departures(self) -> list[str]:
        config, (low, high, _) = self.bench.config, LEARNING_RATES
        return [
            f"the authors give no sizes: here {config.layers} layers of {config.width} units, "
            f"dropout {config.dropout:g}, windows of {self.bench.settings['window']} events, Adam, "
            f"{PITCHES} pitches and rest, {DURATIONS} durations",
            f"the authors name no range for the search: here {low:g} to {high:g} and batches of "
            f"{', '.join(map(str, BATCHES))}; Optuna proposes (TPE) and gives up (median rule)",
            "learns for minutes instead of epochs: "
            + "; ".join(
                f"{name} {trained.steps:,} steps, {trained.events / self._taught_events:.2f} times "
                "the music"
                for name, trained in self._runs().items()
            ),
            "the authors do not say how a rating changes the network: here its pieces are learned "
            "again, weighted by their stars above or below those of the same primer (policy "
            "gradient), and it is held near the earlier model on real lines",
        ]

    @property
    def _taught_events(self) -> int:
        return sum(map(len, self.bench.taught))

    def _runs(self) -> dict[str, Trained]:
        return {"default settings": self.learned.default, "best settings": self.learned.tuned}

    # --- likelihood --------------------------------------------------------------------------

    def likelihoods(self) -> list[Figure]:
        lines = len(self.bench.held_out)
        settings = self.bench.settings
        protocol = (
            f"Exact, teacher forced, on {lines} held-out lines of other pieces, as the "
            f"representation holds them; learned for {settings['minutes']:g} minutes, ours for "
            f"{settings['ours_minutes']:g} on the same bare lines, told no metre, and transposed "
            "at random as it always learns. "
        )
        meaning = {
            "pitch": "The pitch of a note, given that one comes.",
            "time": "Durations, and whether a rest comes; of ours shift, duration and all else.",
        }
        figures = [self._likelihood("Notes of melodic lines", protocol, slice(None))]
        for column, part in enumerate(PARTS):
            name = f"{part.capitalize()} of notes of melodic lines"
            figures.append(
                self._likelihood(name, protocol + meaning[part], slice(column, column + 1))
            )
        return figures

    def _likelihood(self, name: str, protocol: str, columns: slice) -> Figure:
        value = {model: round(float(nats[columns].sum()), 4) for model, nats in self.nats.items()}
        return Figure(
            name,
            value["tuned"],
            "nats a note",
            "lower",
            ours=value["ours"],
            baselines={
                "unigram": value["unigram"],
                "bigram": value["bigram"],
                "default settings": value["default"],
            },
            protocol=protocol,
        )

    def settings_table(self) -> Table:
        best = best_of(self.trials)
        settings = {
            "default settings": (*DEFAULT.values(), "default"),
            "best settings": (*best.settings.values(), "tuned"),
        }
        rows = [
            [name, rate, batch, run.steps, run.nats_per_note, *self.nats[key], self.nats[key].sum()]
            for (name, (rate, batch, key)), run in zip(
                settings.items(), self._runs().values(), strict=True
            )
        ]
        return Table(
            "Best and default settings after equal minutes",
            ["settings", "learning rate", "batch", "steps", "nats a note on validation"]
            + [f"{part}, held out" for part in PARTS]
            + ["nats a note, held out"],
            [[_plain(value) for value in row] for row in rows],
            f"{self.bench.settings['minutes']:g} minutes each, on the same machine.",
        )

    def learning_chart(self) -> Chart:
        return Chart(
            "Best and default settings",
            "seconds",
            "nats a note on validation",
            {name: run.curve for name, run in self._runs().items()},
        )

    # --- songs -------------------------------------------------------------------------------

    def of_songs(self) -> list[Figure]:
        songs = self.songs
        together = consonant_share(songs.published)
        figures = [
            Figure(
                "Lines that end on the tonic with a closing duration",
                round(songs.closing["published"], 1),
                "%",
                "higher",
                ours=round(songs.closing["ours"], 1),
                baselines={"real music": round(songs.closing["real"], 1)},
                protocol=f"{self.bench.settings['endings']} lines, {PRIMER_EVENTS} events of a "
                f"held-out line and {WRITTEN_EVENTS} more; the key is estimated from the line; "
                "closing: a beat or more and no shorter than the median. Ours: the upper line of "
                "songs of 16 bars composed from nothing.",
            )
        ]
        if together is not None:
            figures.append(
                Figure(
                    "Consonant pairs of notes that sound together in different lines",
                    round(100 * together, 1),
                    "%",
                    ours=_percent(consonant_share(songs.ours, from_ticks=0)),
                    baselines={
                        name: share
                        for name, pieces in (
                            ("real music", songs.real),
                            ("lines of different songs", songs.mixed),
                        )
                        if (share := _percent(consonant_share(pieces))) is not None
                    },
                    protocol=f"{len(songs.published)} held-out songs of several lines; each line "
                    "goes on for itself after four bars, to sixteen; pairs on each sixteenth. "
                    f"Ours: {len(songs.ours)} songs composed from nothing. Real music is the aim.",
                )
            )
        return figures

    # --- ratings -----------------------------------------------------------------------------

    def of_ratings(self) -> list[Figure]:
        loop = self.feedback
        settings = self.bench.settings
        rated = settings["primers"] * settings["continuations"]
        return [
            Figure(
                "Stars after learning from ratings",
                round(loop.after.stars[0], 3),
                "stars of 5",
                "higher",
                baselines={
                    "before": round(loop.before.stars[0], 3),
                    "ratings shuffled": round(loop.shuffled.stars[0], 3),
                    "real music": round(loop.real_stars[0], 3),
                },
                protocol=f"{_LISTENER.capitalize()}; {settings['rounds']} rounds of {rated} rated "
                f"pieces of {RATED_EVENTS} events; then two fresh ones from each held-out primer.",
            ),
            Figure(
                "Notes of melodic lines, after learning from ratings",
                round(loop.after.nats, 4),
                "nats a note",
                "lower",
                baselines={
                    "before": round(loop.before.nats, 4),
                    "ratings shuffled": round(loop.shuffled.nats, 4),
                },
                protocol="What the feedback cost: exact, on the same held-out lines.",
            ),
        ]

    def ratings_table(self) -> Table:
        loop = self.feedback
        rows = [
            [name, *map(_plain, judged.stars), _plain(judged.nats)]
            for name, judged in (
                ("before", loop.before),
                ("after", loop.after),
                ("after, ratings shuffled among the pieces", loop.shuffled),
            )
        ]
        rows.append(["real music", *map(_plain, loop.real_stars), None])
        return Table(
            "Learning from ratings of a simulated listener",
            ["model", "mean stars", "95% from", "to", "nats a note, held out"],
            rows,
            "No people rated. 1 + 8 x share of steps of one or two semitones x share of sounding "
            "time in the scale of the key that fits best, with noise of half a star, rounded to 1 "
            "to 5. Intervals of the mean by bootstrap over pieces.",
        )

    # --- to hear, and in words ---------------------------------------------------------------

    def samples(self) -> list[Sample]:
        folder = self.study.folder
        line = next(line for line in self.bench.held_out if len(line) > 2 * PRIMER_EVENTS)
        primer = line[:PRIMER_EVENTS]
        samples = []
        for stem, name, model in (
            ("melody", "one line, from a primer", self.learned.tuned.model),
            ("melody-rated", "the same primer, after ratings", self.feedback.model),
        ):
            more = continue_primers(model, [primer], WRITTEN_EVENTS, seed=self.study.seed)[0]
            piece = bare_piece(np.concatenate([primer, more]))
            samples.append(write_sample(piece, folder, stem, name, "published"))
        real = bare_piece(line[: PRIMER_EVENTS + WRITTEN_EVENTS])
        samples.append(write_sample(real, folder, "melody-real", "how the line goes on", "real"))
        if self.songs.published:
            song, opening = self.songs.published[0], self.songs.real[0]
            name = "several lines, from a primer"
            samples.append(write_sample(song, folder, "song", name, "published"))
            name = "how that song goes on"
            samples.append(write_sample(opening, folder, "song-real", name, "real"))
        name = "the highest line is given, the others are ours"
        if self.given is not None:
            samples.append(write_sample(self.given.example, folder, "song-given", name, "ours"))
        name = "16 bars with an ending, composed from nothing"
        samples.append(write_sample(self.songs.ours[0], folder, "song-ours", name, "ours"))
        return samples

    def weaknesses(self) -> list[str]:
        closing = self.songs.closing
        found = [
            "The publication gives no figure at all; those here are the first.",
            f"It has no notion of an ending: {closing['published']:.0f}% of its lines close on the "
            f"tonic with a closing duration, of real ones {closing['real']:.0f}%.",
            "The representation loses metre, tempo, loudness and all that is no single line: see "
            "the counts under Data.",
        ]
        together, real, mixed = (
            _percent(consonant_share(pieces))
            for pieces in (self.songs.published, self.songs.real, self.songs.mixed)
        )
        if together is not None:
            found.append(
                f"Several tracks do not hear each other: {together}% of the notes that sound "
                f"together are consonant; in real songs {real}%, in lines of different songs put "
                f"together {mixed}%."
            )
        return found

    def compared(self) -> str:
        tuned, ours = float(self.nats["tuned"].sum()), float(self.nats["ours"].sum())
        closed = endings(self.songs.ours)
        return (
            f"On the same lines ours needs {ours:.3f} nats a note, the published network "
            f"{tuned:.3f} with the settings of the search ({100 * (ours / tuned - 1):+.1f}%). Of "
            f"{closed['pieces']:.0f} songs of ours {100 * closed['in_last_bar']:.0f}% sound to "
            f"their last bar and {100 * closed['complete']:.0f}% also end on a chord of the key "
            "with a closing duration."
        )

    def wishes(self) -> dict[str, str]:
        closed = endings(self.songs.ours)
        default, tuned = (float(self.nats[name].sum()) for name in ("default", "tuned"))
        rate, batch = best_of(self.trials).settings.values()
        together = _percent(consonant_share(self.songs.ours, from_ticks=0))
        return {
            "a complete song with an ending": f"{100 * closed['complete']:.0f}% of our songs end "
            "on the last bar, on a chord of the key, with a closing duration",
            "from given notes": given.sentence(self.given),
            "harmony of several tracks": f"{together}% of the notes of our songs that sound "
            "together are consonant",
            "search over learning rate and batch size": f"{len(self.trials)} trials found a rate "
            f"of {rate:.2g} and batches of {batch}: {abs(default - tuned):.3f} nats a note "
            f"{'fewer' if tuned <= default else 'more'} than with the defaults after equal "
            "minutes, held out",
            "ratings improve the model": f"Their network: {self.feedback.before.stars[0]:.2f} to "
            f"{self.feedback.after.stars[0]:.2f} stars of a simulated listener; "
            f"{ratings.sentence(self.rated)}",
        }


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 1)


def _plain(value: object) -> object:
    return float(value) if isinstance(value, np.floating) else value
