"""Agreement is what a listener hears: chord notes, few clashes; chance is far from it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ritornello.errors import InputError
from ritornello.metrics.consonance import agreement, agreement_table, by_chance
from ritornello.music.note_tables import Rows
from ritornello.music.piece import Metre, Piece, Track
from tests.examples import band
from tests.strategies import pieces

BAR = 96


def held(*pitches: int, start: int = 0, duration: int = BAR) -> list[tuple[int, int, int, int]]:
    return [(start, duration, pitch, 80) for pitch in pitches]


def piece(notes: Rows, metre: tuple[int, int] = (4, 4)) -> Piece:
    return Piece((Track(notes),), 24, metres=(Metre(0, *metre),), length_ticks=BAR)


C_MAJOR = piece(held(48, 52, 55))


def test_a_chord_note_over_its_chord() -> None:
    found = agreement(C_MAJOR, piece(held(72)))
    assert found[:4] == (1, 1, 1, 1)
    assert found.dissonance == 0
    assert found.consonance == pytest.approx((0.386 + 1.240) / 2)  # third and fifth; not the octave


def test_a_clash_over_a_chord() -> None:
    found = agreement(C_MAJOR, piece(held(73)))
    assert found[:4] == (0, 0, 0, 0)
    assert found.dissonance == pytest.approx(2 / 3)  # semitone and tritone, but a minor third
    assert found.consonance == pytest.approx((-1.428 + 0.594 - 0.453) / 3)


def test_time_and_notes_are_weighed_apart() -> None:
    notes = held(72, duration=72) + held(73, start=72, duration=24)
    found = agreement(C_MAJOR, piece(notes))
    assert (found.notes_sounding, found.time_sounding) == (0.5, 0.75)


def test_notes_over_silence_are_not_judged_by_what_sounds() -> None:
    early = piece(held(48, 52, 55, duration=48))
    found = agreement(early, piece(held(72, duration=24) + held(73, start=48, duration=48)))
    assert found.notes_sounding == found.time_sounding == 1


def test_a_missing_chord_note_is_a_chord_note() -> None:
    # C and E are all that sounds: a G was not there, but belongs to the chord.
    found = agreement(piece(held(36, 48, 52)), piece(held(67)))
    assert (found.notes_sounding, found.notes_in_chord) == (0, 1)


@pytest.mark.parametrize(("metre", "pairs"), [((4, 4), 1 / 4), ((6, 8), 0)])
def test_only_beats_count_for_dissonance(metre: tuple[int, int], pairs: float) -> None:
    # On the third and a half beat of 4/4; neither is one of two dotted beats of 6/8.
    notes = held(60, start=0, duration=48) + held(61, start=48, duration=12)
    notes += held(60, start=60, duration=36)
    assert agreement(piece(held(72), metre), piece(notes)).dissonance == pairs


def test_nothing_to_judge_is_nan() -> None:
    drums = Piece((Track(held(36), is_drum=True),), 24)
    for found in (agreement(drums, C_MAJOR), agreement(C_MAJOR, drums)):
        assert all(map(math.isnan, found))


def test_chance_is_worse_than_music_and_other_keys_than_other_bars() -> None:
    song = band(bars=16)
    bass, rest = replace(song, tracks=song.tracks[1:2]), replace(song, tracks=song.tracks[:1])
    real, chance = agreement(rest, bass), by_chance(rest, bass)
    assert real.time_sounding == real.time_in_chord == 1
    assert 1 > chance["other bars"].time_sounding > chance["other keys"].time_sounding
    assert real.dissonance < chance["other bars"].dissonance
    assert by_chance(rest, bass) == chance


def test_a_piece_of_one_bar_has_no_other_bars() -> None:
    assert math.isnan(by_chance(C_MAJOR, C_MAJOR)["other bars"].dissonance)


def test_a_table_counts_each_arrangement_once() -> None:
    drums = Piece((Track(held(36), is_drum=True),), 24)
    pairs = [(C_MAJOR, piece(held(72))), (C_MAJOR, piece(held(73) * 9)), (C_MAJOR, drums)]
    table = agreement_table(pairs)
    assert table["as written"]["time_sounding"] == 0.5
    assert table["arrangements"]["time_sounding"] == 2
    with pytest.raises(InputError, match="no arrangement"):
        agreement_table([])


@given(pieces(max_tracks=2), pieces(max_tracks=2), st.integers(0, 3))
@settings(max_examples=40)
def test_music_in_another_key_or_octave_agrees_alike(
    one: Piece, other: Piece, semitones: int
) -> None:
    def moved(made: Piece, by: int) -> Piece | None:
        highest = [int(t.notes["pitch"].max()) for t in made.tracks if len(t) and not t.is_drum]
        return made.transposed(by) if max(highest, default=0) + by <= 127 else None

    given_moved, composed_moved = moved(one, semitones), moved(other, semitones)
    if given_moved and composed_moved:
        expected = pytest.approx(tuple(agreement(one, other)), nan_ok=True)
        assert tuple(agreement(given_moved, composed_moved)) == expected
    if octave := moved(other, 12):
        assert tuple(agreement(one, octave)) == pytest.approx(
            tuple(agreement(one, other)), nan_ok=True
        )
