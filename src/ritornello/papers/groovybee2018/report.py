"""What a run of `groovybee2018` found, as figures, tables and curves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from ritornello.corpus.store import STORED_NOTE
from ritornello.music.piece import Piece
from ritornello.papers.groovybee2018 import encoding as velocity_roll
from ritornello.papers.groovybee2018 import measure as trials
from ritornello.papers.groovybee2018.data import (
    TICKS_PER_QUARTER,
    Character,
    Music,
    character,
    count_losses,
    excerpt,
)
from ritornello.papers.groovybee2018.encoding import Losses
from ritornello.papers.groovybee2018.measure import Bench, Judged, Ours, Score, Vectors, Written
from ritornello.papers.shared.off_key import Filtered, without_off_key
from ritornello.papers.shared.outcome import Chart, Figure, Table
from ritornello.papers.shared.study import Study

FORM = "LSTMCell"  # the better one, in the report
WRITTEN, REAL, OURS, SHIPPED = (
    f"written by {FORM}",
    "real, held out",
    "ours, same music and minutes",
    "ours, as it ships",
)
_GRIDS = (4, 12, 24)  # ticks a quarter note
_MB = 1e6


@dataclass(frozen=True)
class Findings:
    """All that was trained and written, and what is measured on it.

    Attributes:
        compared: networks of equal, short training. forms: of longer training, by their name.
        written: what these wrote.
    """

    study: Study
    music: Music
    bench: Bench
    compared: list[Judged]
    forms: dict[str, Judged]
    written: dict[str, Written]
    ours: Ours

    @property
    def published(self) -> Judged:
        return self.forms[FORM]

    @cached_property
    def baselines(self) -> dict[str, tuple[Score, Score]]:
        return trials.baselines(self.bench)

    @cached_property
    def real_vectors(self) -> Vectors:
        return Vectors.of([roll for roll in self.bench.scored["test"] if len(roll) > 1])

    @cached_property
    def losses(self) -> dict[int, Losses]:
        """What all pieces lose as rolls, by ticks a quarter note."""
        return {
            grid: count_losses([held.piece for held in self.music.pieces], grid) for grid in _GRIDS
        }

    @cached_property
    def sets(self) -> dict[str, list[Piece]]:
        """Pieces to compare, all of about one length."""
        beats = self.study.settings["generated_beats"]
        return {
            **{f"written by {form}": found.pieces for form, found in self.written.items()},
            REAL: [excerpt(piece, beats) for piece in self.music.side("test")],
            OURS: self.ours.pieces,
            SHIPPED: self.ours.bundled,
        }

    @cached_property
    def characters(self) -> dict[str, Character]:
        return {name: character(pieces) for name, pieces in self.sets.items()}

    @cached_property
    def filtered(self) -> dict[str, list[Filtered]]:
        """The same pieces after the off-key filter."""
        return {
            name: [without_off_key(piece) for piece in pieces] for name, pieces in self.sets.items()
        }


def sparse_bytes(found: Losses) -> int:
    """Bytes of the notes as our store keeps them."""
    return found.notes * STORED_NOTE.itemsize


def percent(part: float, whole: float) -> float:
    """100 times the share of a part in a whole; nan of a whole of nothing."""
    return 100 * part / whole if whole else float("nan")


def _or_none(value: float) -> float | None:
    """None for what cannot be measured on pieces without notes."""
    return None if math.isnan(value) else value


# --- tables and curves ----------------------------------------------------------------------------


def forms(found: Findings) -> Table:
    """A row for each form and window length: how well it forecasts, and what it took."""
    judged = [*found.compared, *found.forms.values()]
    rows = [
        [
            f"{one.run.form}, sequence {one.sequence}",
            one.run.seconds / 60,
            one.train.error,
            one.test.error,
            one.test.f1,
            one.test.new_f1,
            one.run.epochs,
            one.run.seconds_per_epoch,
        ]
        for one in judged
    ]
    rows += [
        [name, None, train.error, test.error, test.f1, test.new_f1, None, None]
        for name, (train, test) in found.baselines.items()
    ]
    columns = ["network", "minutes", "error, train", "error, held out", "note F1", "new-note F1"]
    return Table(
        "The next vector",
        [*columns, "epochs", "seconds per epoch"],
        rows,
        "Error: mean squared error in squared velocities (0 to 127). F1: of the cells over the "
        "threshold that is best on the validation pieces; new notes are those that did not sound "
        "one tick before. All rows are scored on the same ticks of the same parts. With the same "
        "weights and state both forms give the same numbers: LSTMCell differs by the state it "
        "keeps, which hears most ticks twice with windows of 12, four times with 24, and misses a "
        "third of them with 4.",
    )


def curve(found: Findings) -> Chart:
    """The error in training over minutes, a line for each form."""
    return Chart(
        f"Error in training, sequence {found.study.settings['sequence']}",
        "minutes",
        "mean squared error (squared velocities)",
        {
            form: ([at for at, _ in one.run.curve], [error for _, error in one.run.curve])
            for form, one in found.forms.items()
        },
    )


def representation(found: Findings) -> Table:
    """A row for each grid: what pieces lose as velocity rolls, and the bytes they take."""
    here = found.losses[TICKS_PER_QUARTER]
    return Table(
        "What the roll loses, and what it weighs",
        [
            "ticks a quarter",
            "notes moved to the grid, %",
            "notes dropped on a cell, %",
            "repeated notes tied, %",
            "tied by removing silence, %",
            "silent ticks, %",
            "MB without silence",
            "MB with silence",
            "MB of our notes",
        ],
        [
            [
                str(grid),
                *(percent(part, loss.notes) for part in (loss.off_grid, loss.doubled)),
                *(percent(part, loss.notes) for part in (loss.tied, loss.joined)),
                percent(loss.silent_ticks, loss.ticks),
                *(size / _MB for size in velocity_roll.sizes(loss)),
                sparse_bytes(loss) / _MB,
            ]
            for grid, loss in found.losses.items()
        ],
        f"All {len(found.music.pieces)} pieces, {here.notes:,} notes; one byte a cell of the roll, "
        f"{STORED_NOTE.itemsize} bytes a note of ours, silence included. The system runs on "
        f"{TICKS_PER_QUARTER} ticks. Lost besides: all {here.tempos} tempo marks.",
    )


def generated_table(found: Findings) -> Table:
    """A row for each set of pieces, generated or real, and what its notes are like."""
    settings = found.study.settings
    return Table(
        "Generated pieces beside real ones",
        ["pieces", "off key, %", "pitch-class entropy, bits", "notes per beat", "silence, %"],
        [
            [
                name,
                _or_none(100 * one.off_key),
                _or_none(one.pitch_class_entropy_bits),
                one.notes_per_beat,
                _or_none(100 * one.silence),
            ]
            for name, one in found.characters.items()
        ],
        f"The first {settings['generated_beats']} quarter notes of {len(found.sets[REAL])} "
        f"held-out pieces, and {settings['generated']} unselected pieces of that length of each "
        "model. Off key: outside the key estimated for each 32 quarter notes. Silence: of the "
        "parts' time. The model that ships has learned other music besides.",
    )


def off_key_filter(found: Findings) -> Table:
    """A row for each set of pieces: how many notes the off-key filter takes, and what is left."""
    rows = []
    for name, filtered in found.filtered.items():
        notes = sum(piece.note_count for piece in found.sets[name])
        rows.append(
            [
                name,
                _or_none(percent(sum(one.off_key for one in filtered), notes)),
                _or_none(percent(sum(one.moved for one in filtered), notes)),
                _or_none(percent(sum(one.removed for one in filtered), notes)),
                _or_none(100 * character([one.piece for one in filtered]).off_key),
            ]
        )
    return Table(
        "The off-key filter",
        ["pieces", "off key before, %", "moved, %", "removed, %", "off key after, %"],
        rows,
        "Moved down a semitone, into the key of its 32 quarter notes; removed where that pitch "
        "sounds already. In real music every such note is one that a composer wrote. Moved notes "
        "can change the key that is estimated afterwards.",
    )


# --- figures --------------------------------------------------------------------------------------


def figures(found: Findings) -> list[Figure]:
    """The figures of a run: forecasts, and how like real pieces the generated ones are."""
    return [*_foreseeing(found), *_likeness(found.characters, found.study.settings)]


def _foreseeing(found: Findings) -> list[Figure]:
    settings, test = found.study.settings, found.published.test
    protocol = (
        f"{FORM}, sequence {settings['sequence']}: the next tick of parts of the held-out pieces, "
        f"first {settings['score_beats']} quarter notes"
    )
    trivial = {name: score for name, (_, score) in found.baselines.items()}
    ours = found.ours.figures
    return [
        Figure(
            "Mean squared error of the next vector",
            test.error,
            "squared velocities",
            "lower",
            baselines={name: score.error for name, score in trivial.items()},
            protocol=protocol,
        ),
        Figure(
            "F1 of the notes of the next vector",
            test.f1,
            better="higher",
            baselines={name: score.f1 for name, score in trivial.items()},
            protocol=protocol,
        ),
        Figure(
            "F1 of the notes that begin",
            test.new_f1,
            better="higher",
            baselines={name: score.new_f1 for name, score in trivial.items()},
            protocol=protocol,
        ),
        Figure(
            "Nats a note of our model",
            None,
            "nats",
            "lower",
            ours=ours["nats_per_note"],
            baselines={
                "unigram": ours["unigram_nats_per_note"],
                "bigram": ours["bigram_nats_per_note"],
            },
            protocol="the same held-out pieces and length, told nothing about them; a squared "
            "error is no likelihood, so the published system has no such figure",
        ),
    ]


def _likeness(characters: Mapping[str, Character], settings: Mapping[str, int]) -> list[Figure]:
    """The generated music of both beside the real one; how many notes there are comes first."""
    names = (
        ("Notes per beat", "notes_per_beat", "", 1.0),
        ("Pitch-class entropy", "pitch_class_entropy_bits", "bits", 1.0),
        ("Silence of the parts", "silence", "%", 100.0),
        ("Off-key notes", "off_key", "%", 100.0),
    )
    values = {
        field: [factor * getattr(characters[name], field) for name in (WRITTEN, OURS, REAL)]
        for _, field, _, factor in names
    }
    return [
        Figure(
            name,
            _or_none(values[field][0]),
            unit,
            ours=_or_none(values[field][1]),
            baselines={REAL: values[field][2]},
            protocol=f"{settings['generated']} unselected pieces of {settings['generated_beats']} "
            "quarter notes; the nearer to real music the better",
        )
        for name, field, unit, _ in names
    ]
