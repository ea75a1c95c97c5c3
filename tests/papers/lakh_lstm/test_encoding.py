"""Note and chord tokens: the published spelling, what survives it, and what it loses."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ritornello.errors import InputError
from ritornello.music.piece import Piece, Track
from ritornello.papers.lakh_lstm.encoding import (
    Vocabulary,
    decode,
    encode,
    normal_order,
    pitches_of,
    token_of,
    warning,
)
from tests.strategies import pieces

notes = st.integers(0, 127).map(lambda pitch: token_of([pitch]))
chords = st.sets(st.integers(0, 11), min_size=2).map(token_of)
octaves = st.integers(0, 11).map(str)
tokens = st.lists(st.one_of(notes, chords, octaves), max_size=30)


def test_chords_are_in_the_normal_order_of_music21() -> None:
    """Every 41st of the 4,095 sets of pitch classes: it is slow, and has agreed on all of them."""
    chord = pytest.importorskip("music21", reason="the judge is music21").chord
    for number in range(1, 4096, 41):
        classes = [degree for degree in range(12) if number >> degree & 1]
        judged = chord.Chord([60 + degree for degree in classes]).normalOrder
        assert list(normal_order(classes)) == judged


@pytest.mark.parametrize(
    "classes",
    # Where the rules of Forte and of Rahn part, and sets that are symmetric.
    [
        (0, 1, 5, 6, 8),
        (0, 1, 3, 7, 8),
        (0, 1, 4, 7, 9),
        (0, 3, 6, 9),
        (0, 4, 8),
        (1, 3, 5, 7, 9, 11),
    ],
)
def test_sets_that_are_hard_to_order_are_ordered_as_by_music21(classes: tuple[int, ...]) -> None:
    chord = pytest.importorskip("music21", reason="the judge is music21").chord
    for up in range(0, 12, 3):
        judged = chord.Chord([60 + (degree + up) % 12 for degree in classes]).normalOrder
        assert list(normal_order(degree + up for degree in classes)) == judged


def test_spellings() -> None:
    assert token_of([72]) == "C5"
    assert token_of([54]) == "F#3"
    assert token_of([64, 67, 72]) == "0.4.7", "a chord has no octave and no bass"
    assert token_of([62, 69, 77]) == "2.5.9"
    assert token_of([48, 60, 72]) == "0", "octaves are one pitch class"
    assert pitches_of("Eb4") == pitches_of("E-4") == pitches_of("D#4") == (63,)
    assert pitches_of("0.4.7") == (60, 64, 67)


def test_every_pitch_name_is_its_own_and_read_by_music21() -> None:
    pitch = pytest.importorskip("music21", reason="the judge is music21").pitch
    names = [token_of([number]) for number in range(128)]
    assert len(set(names)) == 128
    assert [pitches_of(name) for name in names] == [(number,) for number in range(128)]
    assert [pitch.Pitch(name).midi for name in names[12:]] == [*range(12, 128)]


@given(tokens, st.sampled_from([0.25, 0.5, 1.0]))
def test_tokens_and_their_order_survive(row: list[str], step_beats: float) -> None:
    piece = decode(row, step_beats=step_beats)
    again = encode(piece, step_beats=step_beats)
    assert again.tokens == row
    assert (again.losses.uneven, again.losses.rests, again.losses.drum_notes) == (0, 0, 0)
    assert piece.length_beats == step_beats * len(row)


@given(pieces())
def test_no_note_is_lost_uncounted(piece: Piece) -> None:
    encoded = encode(piece)
    losses = encoded.losses
    alone = sum("." not in token and not token.isdigit() for token in encoded.tokens)
    assert losses.notes == piece.note_count
    assert losses.notes == losses.drum_notes + losses.doubled + losses.chord_notes + alone
    assert encode(decode(encoded.tokens)).tokens == encoded.tokens


def test_what_a_piece_loses_is_counted() -> None:
    melody = Track([(0, 24, 72, 80), (24, 12, 74, 80), (72, 24, 76, 80)])
    bass = Track([(0, 24, 48, 80), (72, 24, 76, 60)])
    drums = Track([(0, 6, 36, 90)], is_drum=True)
    encoded = encode(Piece((melody, bass, drums), 24))
    assert encoded.tokens == ["0", "D5", "E5"]
    assert encoded.losses == (6, 3, 1, 1, 2, 2, 1)


def test_onsets_a_hair_apart_are_one_chord() -> None:
    track = Track([(0, 400, 60, 80), (9, 400, 64, 80), (240, 100, 67, 80)])
    assert encode(Piece((track,), 480)).tokens == ["0.4", "G4"]


def test_rare_tokens_are_dropped_and_counted() -> None:
    vocabulary = Vocabulary.learn([["C4", "D4", "C4"], ["0.4.7", "C4", "0.4.7"]], least=2)
    assert vocabulary.counts == {"0.4.7": 2, "C4": 3}
    assert vocabulary.dropped == {"D4": 1}
    assert vocabulary.thinned(["C4", "D4", "0.4.7"]).tolist() == [1, 0]
    assert vocabulary.spelt([1, 0]) == ["C4", "0.4.7"]
    with pytest.raises(InputError, match="9 times or more"):
        Vocabulary.learn([["C4"]], least=9)


def test_unknown_tokens_are_played_by_the_nearest_known_and_named() -> None:
    vocabulary = Vocabulary.learn([["C4", "G4", "C5", "0.4.7", "9.0.4", "0.4"]])
    assert vocabulary.nearest("C7") == "C5", "another octave before another note"
    assert vocabulary.nearest("F#4") == "G4"
    assert vocabulary.nearest("0.4.7.10") == "0.4.7"
    ids, replaced = vocabulary.replaced(["C7", "G4", "C7", "9.0.3"])
    assert vocabulary.spelt(ids) == ["C5", "G4", "C5", replaced["9.0.3"]]
    said = warning(replaced)
    assert said.startswith("2 unknown")
    assert "C5 for C7" in said
    assert warning({}) == ""


@settings(max_examples=50)
@given(tokens.filter(bool), tokens)
def test_any_row_of_tokens_can_be_replaced(known: list[str], row: list[str]) -> None:
    vocabulary = Vocabulary.learn([known])
    ids, replaced = vocabulary.replaced(row)
    assert len(ids) == len(row)
    assert set(replaced) == set(row) - set(known)
    spelt = vocabulary.spelt(ids)
    assert all(new == old for old, new in zip(row, spelt, strict=True) if old in known)
    assert np.array_equal(vocabulary.replaced(spelt)[0], ids)


@pytest.mark.parametrize("text", ["", "H4", "C", "12.3", "0..4", "C99", "0.4.", "R"])
def test_what_is_no_token_is_refused_by_name(text: str) -> None:
    with pytest.raises(InputError, match=re.escape(repr(text))):
        pitches_of(text)
