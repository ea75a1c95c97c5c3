"""`hybrid-gru2023` end to end: four cells and ours on the same notes, and what each writes.

The first task, melody, is learned by all cells; chords and drums by those that the budget names.
Every network, ours too, has the same seconds of training on one processor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from ritornello.metrics.similarity import COSINES
from ritornello.music.piece import Piece
from ritornello.papers.hybrid_gru2023 import encoding as psd
from ritornello.papers.hybrid_gru2023 import lpd5
from ritornello.papers.hybrid_gru2023.data import Songs, load_songs, rows_of, task_pieces
from ritornello.papers.hybrid_gru2023.encoding import STEP
from ritornello.papers.hybrid_gru2023.jobs import BARS, OURS, Learned, TaskTraining, learn_all, pick
from ritornello.papers.hybrid_gru2023.measure import (
    Figures,
    baseline_figures,
    even_steps,
    repetition,
    struck_together,
)
from ritornello.papers.hybrid_gru2023.piano import piano_figure
from ritornello.papers.hybrid_gru2023.report import (
    COMPARED_NOTES,
    alike,
    foreseen_table,
    noise,
    weighted_loss,
    written_table,
)
from ritornello.papers.shared.ours import write_sample
from ritornello.papers.shared.outcome import Chart, Figure, Outcome, Sample
from ritornello.papers.shared.study import Study

_HYBRID = "hybrid"
_ASSUMED = (
    "units 128, windows of 25 notes and loss weights 0.05, 1, 1 are of the tutorial that the "
    "losses come from; the weights fit what is printed: 0.05 x 4.2135 + 0.0321 + 0.1478 = 0.39, "
    "printed 0.40 (without weights it would be 4.39)",
    "time in beats of symbolic piano-rolls; the authors name no unit, so their step and duration "
    "losses cannot be set beside ours, only beside a constant on the same notes",
    "every note of a window is foreseen and the state is kept from window to window (the tutorial "
    "foresees one note a window): kinder to the published cells",
    "melody, chords and drums are learned from one track each: the authors do not say which",
    "similarity is the cosine of the first 100 MIDI pitches, averaged over all pairs of a "
    "generated and a test piece",
)


def run(study: Study) -> Outcome:
    """Train, score and write.

    Raises:
        InputError: if there is no music to train on or to test on.
    """
    songs = load_songs(study)
    study.say(songs.about)
    tasks = {task: task_pieces(songs, task) for task in study.settings["tasks"]}
    learned = learn_all(_jobs(study, tasks), study.threads, study.say)
    held_out = {
        task: rows_of(sides["test"], study.settings["test_notes"]) for task, sides in tasks.items()
    }
    outcome = Outcome(
        study.recipe.id,
        study.budget,
        study.seed,
        data=songs.about,
        stand_in=songs.stand_in,
        departures=list(_ASSUMED),
    )
    trivial = {
        task: baseline_figures(rows_of(sides["train"]), held_out[task])
        for task, sides in tasks.items()
    }
    for task in tasks:
        ran = [item for item in learned if item.task == task]
        outcome.tables.append(foreseen_table(task, ran, trivial[task], study))
        outcome.tables.append(written_table(task, ran, held_out[task]))
    main = next(iter(tasks))
    outcome.figures = _figures(study, main, learned, trivial[main], held_out[main])
    outcome.figures.append(piano_figure(study))
    outcome.charts = _charts([item for item in learned if item.task == main and item.curve])
    outcome.samples = _samples(study, tasks, learned)
    outcome.weaknesses = _weaknesses(songs, learned, trivial, held_out)
    outcome.compared = _compare(learned, tasks)
    outcome.wishes = _wishes(learned)
    return outcome


def _jobs(study: Study, tasks: dict[str, dict[str, list[tuple[str, Piece]]]]) -> list[TaskTraining]:
    settings = study.settings
    jobs = []
    for number, (task, pieces) in enumerate(tasks.items()):
        for cell in [*(settings["cells"] if number == 0 else settings["task_cells"]), OURS]:
            folder = study.folder / f"{OURS}_{task}"
            jobs.append(TaskTraining(task, cell, pieces, settings, study.seed, folder))
    return jobs


# --- figures ----------------------------------------------------------------------------------


def _figures(
    study: Study,
    task: str,
    learned: Sequence[Learned],
    trivial: dict[str, Figures],
    held_out: Sequence[np.ndarray],
) -> list[Figure]:
    hybrid, ours = pick(learned, task, _HYBRID), pick(learned, task, OURS)
    printed = study.recipe.figures
    protocol = (
        f"{task}; first {study.settings['test_notes']} notes of each of {len(held_out)} held-out "
        f"songs, the first note given; {study.settings['seconds_each']} s of training each on one "
        "processor"
    )

    def field(
        name: str,
        of: str,
        unit: str,
        better: Literal["lower", "higher"] = "lower",
        published: float | None = None,
        scale: float = 1,
    ) -> Figure:
        values = {who: getattr(row, of) for who, row in trivial.items()}
        return Figure(
            name,
            scale * getattr(hybrid.figures, of),
            unit,
            better,
            published,
            scale * getattr(ours.figures, of),
            {who: scale * value for who, value in values.items() if value is not None},
            protocol,
        )

    half = len(held_out) // 2
    cosines = zip(
        COSINES,
        alike(hybrid.sampled, held_out),
        alike(ours.sampled, held_out),
        alike(held_out[:half], held_out[half:]),
        alike(noise(len(held_out)), held_out),
        strict=True,
    )
    similar = [
        Figure(
            f"cosine similarity to real pieces, {name}",
            of_hybrid,
            "",
            "",
            printed["cosine_similarity"] if name == "raw" else None,
            of_ours,
            {"real, half against half": of_real, "random pitches": of_noise},
            f"{task}; all pairs of {len(hybrid.sampled)} written and {len(held_out)} held-out "
            f"pieces, first {COMPARED_NOTES} notes",
        )
        for name, of_hybrid, of_ours, of_real, of_noise in cosines
    ]
    losses = {who: weighted_loss(row, study) for who, row in trivial.items()}
    return [
        field("pitch loss, hybrid", "pitch_nats", "nats", published=printed["pitch_loss"]),
        field("nats a note: pitch, step and duration, hybrid", "total_nats", "nats"),
        field("pitch accuracy, hybrid", "accuracy", "%", "higher", scale=100),
        field("step loss, hybrid", "step_squared", "beats²", published=printed["step_loss"]),
        field(
            "duration loss, hybrid",
            "duration_squared",
            "beats²",
            published=printed["duration_loss"],
        ),
        Figure(
            "weighted loss, hybrid",
            weighted_loss(hybrid.figures, study),
            "",
            "lower",
            printed["loss"],
            weighted_loss(ours.figures, study),
            {who: value for who, value in losses.items() if value is not None},
            protocol,
        ),
        *similar,
    ]


def _charts(ran: Sequence[Learned]) -> list[Chart]:
    def lines(column: int) -> dict[str, tuple[list[float], list[float]]]:
        return {
            item.cell: ([float(p[0]) for p in item.curve], [float(p[column]) for p in item.curve])
            for item in ran
        }

    if not ran:
        return []
    return [
        Chart("Validation loss while training", "updates", "weighted loss", lines(1)),
        Chart("Validation pitch accuracy while training", "updates", "share right", lines(2)),
    ]


# --- samples ----------------------------------------------------------------------------------


def _samples(
    study: Study,
    tasks: dict[str, dict[str, list[tuple[str, Piece]]]],
    learned: Sequence[Learned],
) -> list[Sample]:
    """Of each task: the hybrid, ours, and a held-out piece; a short and an argmaxed melody too."""
    samples = []
    for task, sides in tasks.items():
        real = sides["test"][0][1]
        hybrid, ours = pick(learned, task, _HYBRID), pick(learned, task, OURS)
        wanted: list[tuple[str, np.ndarray, Literal["published", "ours", "real"], int]] = [
            ("hybrid", hybrid.sampled[0], "published", BARS),
            ("ours", ours.sampled[0], "ours", BARS),
            ("held out", rows_of(sides["test"][:1])[0], "real", BARS),
        ]
        if task == next(iter(tasks)):
            wanted.append(("hybrid, 4 bars", hybrid.sampled[1], "published", 4))
            wanted.append(("hybrid, always the likeliest", hybrid.argmaxed[0], "published", BARS))
        for name, rows, maker, bars in wanted:
            stem = f"{task}_{name.replace(', ', '_').replace(' ', '_')}"
            piece = _piece_of_rows(rows, real, bars)
            samples.append(
                write_sample(piece, study.folder, stem, f"{task}: {name}", maker, seconds=12)
            )
    return samples


def _piece_of_rows(rows: np.ndarray, like: Piece, bars: int) -> Piece:
    """Rows as a piece of exactly so many bars of 4/4, played as another piece's track is."""
    beats = bars * 4
    track = like.tracks[0]
    inside = rows[np.cumsum(rows[:, STEP]) < beats - 0.5 / lpd5.RESOLUTION]
    played = psd.decode(
        inside,
        resolution=lpd5.RESOLUTION,
        program=track.program,
        is_drum=track.is_drum,
        name=track.name,
    )
    length = beats * lpd5.RESOLUTION
    notes = played.notes.copy()
    notes["duration"] = np.minimum(notes["duration"], length - notes["onset"])
    return Piece(
        (replace(played, notes=notes),), lpd5.RESOLUTION, like.tempos[:1], length_ticks=length
    )


# --- words ------------------------------------------------------------------------------------


def _weaknesses(
    songs: Songs,
    learned: Sequence[Learned],
    trivial: dict[str, dict[str, Figures]],
    held_out: dict[str, list[np.ndarray]],
) -> list[str]:
    main = next(iter(trivial))
    hybrid, bigram = pick(learned, main, _HYBRID), trivial[main]["bigram"]
    found = [
        f"Its printed pitch loss, 4.21 nats, is near a guess among 128 (4.85). Here, on {main}, "
        f"the hybrid needs {hybrid.figures.pitch_nats:.2f}; counts of single pitches need "
        f"{trivial[main]['unigram'].pitch_nats:.2f} and of pairs {bigram.pitch_nats:.2f}.",
        "The raw cosine it reports says nothing: "
        f"{alike(hybrid.sampled, held_out[main])[0]:.3f} for its pieces, "
        f"{alike(noise(len(held_out[main])), held_out[main])[0]:.3f} for random pitches.",
    ]
    for task, rows in held_out.items():
        written = pick(learned, task, _HYBRID).sampled
        found.append(
            f"Steps are regressed, so they fall between the lines: of the hybrid's {task} "
            f"{100 * even_steps(written):.0f}% are sixteenths or triplet eighths (real: "
            f"{100 * even_steps(rows):.0f}%), and {100 * struck_together(written):.0f}% of notes "
            f"are struck with the one before (real: {100 * struck_together(rows):.0f}%)."
        )
    drawn, likeliest = repetition(hybrid.sampled), repetition(hybrid.argmaxed)
    found.append(
        "That the likeliest pitch repeats is true: "
        f"{100 * likeliest['in_loop']:.0f}% of its notes lie in one loop and it uses "
        f"{likeliest['pitches']:.1f} pitches a piece; drawn, {100 * drawn['in_loop']:.0f}% and "
        f"{drawn['pitches']:.1f}; real, {100 * repetition(held_out[main])['in_loop']:.0f}%."
    )
    if (share := songs.lead_found) is not None:
        found.append(
            "Five-track rolls do not say who leads: the highest line finds "
            f"{100 * share:.0f}% of the notes of the known leads."
        )
    return found


def _compare(learned: Sequence[Learned], tasks: Sequence[str] | dict[str, Any]) -> str:
    said = []
    for task in tasks:
        hybrid, ours = (pick(learned, task, cell).figures for cell in (_HYBRID, OURS))
        said.append(
            f"{task} {ours.total_nats:.2f} against {hybrid.total_nats:.2f} nats a note "
            f"(pitch {ours.pitch_nats:.2f} against {hybrid.pitch_nats:.2f})"
        )
    return f"At equal training time ours needs, beside the hybrid: {'; '.join(said)}."


def _wishes(learned: Sequence[Learned]) -> dict[str, str]:
    ours = [item for item in learned if item.cell == OURS]
    written = sum(len(item.sampled) for item in ours)
    return {
        "melody, chords and drums as separate tasks": f"{written} pieces were written, "
        f"{len(ours[0].sampled)} of each task; the bundled model does all of them and the five "
        "tracks together: ritornello compose --parts drums",
        "variable length": "ours is asked for a number of bars and keeps it: "
        f"{sum(item.exact for item in ours)} of {written} pieces have exactly {BARS} bars; "
        "the published cells stop where they are cut",
    }
