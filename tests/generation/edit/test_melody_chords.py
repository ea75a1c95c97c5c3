"""A melody is cut into phrases where singers breathe, and gets chords that fit it and close."""

from __future__ import annotations

import numpy as np
import pytest

from ritornello.generation.compose import write
from ritornello.generation.edit import verbs
from ritornello.generation.edit.melody_chords import (
    Melody,
    key_of_melody,
    phrase_ends,
    phrase_spans,
    plan_harmony,
)
from ritornello.generation.edit.plans import finish
from ritornello.generation.rules import Rules
from ritornello.generation.writer import Writer
from ritornello.metrics.keeping.choirs import measure_choir
from ritornello.music.chords import chord_of_class
from ritornello.music.keys import KeyName
from ritornello.music.piece import KeyChange, Lyric, Mark, Metre, Piece, Track
from ritornello.note_model.engine.reference import Engine

COMMON = (Metre(0, 4, 4),)
# "Old Hundredth": four phrases of eight notes; the last of each is long.
OLD_HUNDREDTH = [67, 67, 66, 64, 62, 67, 69, 71, 71, 71, 71, 69, 67, 72, 71, 69,
                 67, 69, 71, 69, 67, 64, 66, 67, 74, 71, 67, 69, 72, 71, 69, 67]  # fmt: skip


def hymn(**of_track: object) -> Track:
    rows, tick = [], 0
    for index, pitch in enumerate(OLD_HUNDREDTH):
        length = 48 if index % 8 == 7 else 24
        rows.append((tick, length, pitch, 80))
        tick += length
    return Track(rows, 52, name="Soprano", **of_track)  # type: ignore[arg-type]


def heard(track: Track) -> Melody:
    return Melody.of(track, track, 24)


def test_long_notes_end_phrases() -> None:
    assert phrase_ends(heard(hymn()), COMMON) == [7, 15, 23, 31]
    assert phrase_spans(heard(hymn()), [7, 15, 23, 31]) == ((0, 864),)


def test_rests_fermatas_and_commas_end_phrases() -> None:
    even = [(beat * 24, 24, 60 + beat % 5, 80) for beat in range(16)]
    rest = [row if row[0] < 192 else (row[0] + 24, *row[1:]) for row in even]
    assert phrase_ends(heard(Track(rest)), COMMON) == [7, 15]
    assert phrase_spans(heard(Track(rest)), [7, 15]) == ((0, 192), (216, 408))
    fermata = Track(even, marks=(Mark(120, "fermata", "upright"),))
    assert phrase_ends(heard(fermata), COMMON) == [5, 15]
    sung = Track(even, lyrics=(Lyric(168, "lord,"), Lyric(192, "and,")))
    assert phrase_ends(heard(sung), COMMON) == [7, 15]


def test_the_chords_fit_the_melody_and_close_in_the_key() -> None:
    melody = heard(hymn())
    found = plan_harmony(melody, COMMON, 864, KeyName(7), ends=True).chords
    names = [str(chord_of_class(index)) for index in found.classes]
    assert names[-2:] == ["G", "G"]
    assert names[-3] in ("D", "D7", "F#dim")
    fitting = [
        melody.notes["pitch"][melody.notes["onset"] <= tick][-1] % 12 in (found.on(tick) or ())
        for tick in found.ticks
    ]
    assert np.mean(fitting) > 0.9
    assert len(set(names)) >= 4


@pytest.mark.parametrize(
    ("pitches", "stated", "key"),
    [
        ((60, 62, 64, 65, 67, 65, 62, 60), None, "C major"),
        ((69, 71, 72, 76, 74, 72, 71, 69), None, "A minor"),
        ((69, 71, 72, 76, 74, 72, 71, 69), "C", "A minor"),
        ((69, 71, 72, 76, 74, 72, 71, 72), "C", "C major"),
        ((62, 64, 65, 69, 67, 65, 64, 62), "C", "D dorian"),
    ],
)
def test_the_key_is_the_stated_one_or_what_the_melody_tells(
    pitches: tuple[int, ...], stated: str | None, key: str
) -> None:
    track = Track([(beat * 24, 24, pitch, 80) for beat, pitch in enumerate(pitches)])
    keys = () if stated is None else (KeyChange(0, KeyName(0)),)
    assert str(key_of_melody(Piece((track,), 24, keys=keys), track.notes)) == key


@pytest.mark.parametrize("seed", range(3))
def test_even_a_model_that_knows_nothing_sings_full_chords_and_ends(
    engine: Engine, seed: int
) -> None:
    song = Piece((hymn(),), 24, metres=COMMON, keys=(KeyChange(0, KeyName(7)),))
    plan = verbs.harmonise_job(song, ("alto", "tenor", "bass"), rules=Rules())
    writer = Writer.start(plan.job, np.random.default_rng(seed))
    write(engine, [writer])
    made = measure_choir(finish(plan, writer).piece)
    assert made["last chord the tonic"] == 1
    assert made["its bass the tonic"] == 1
    assert made["complete chords on beats"] > 0.4  # a model that learned reaches .9
    assert made["beats with a silent voice"] < 0.03
