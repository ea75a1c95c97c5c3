"""The velocity roll: what survives it is exact, and what it loses is counted to the note."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ritornello.errors import InputError
from ritornello.music.io import read, write
from ritornello.music.piece import Piece, Tempo, Track
from ritornello.papers.groovybee2018 import encoding as velocity_roll
from ritornello.papers.groovybee2018.encoding import PITCHES, Roll, decode, encode, losses, sizes
from tests.strategies import pieces

GRIDS = st.sampled_from([4, 12, 24])


@settings(max_examples=80)
@given(pieces(), GRIDS)
def test_the_notes_that_come_back_are_those_that_were_not_counted_as_lost(
    piece: Piece, grid: int
) -> None:
    counted = losses(piece, grid)
    rolls = encode(piece, grid)
    assert decode(rolls, grid).note_count == counted.left
    assert sum(len(roll.velocities) for roll in rolls) == counted.ticks - counted.silent_ticks
    assert sum(roll.velocities.nbytes for roll in rolls) == sizes(counted)[0]
    assert counted.notes == piece.note_count


@settings(max_examples=80)
@given(pieces(), GRIDS)
def test_with_silence_kept_every_note_comes_back_or_was_tied(piece: Piece, grid: int) -> None:
    counted = losses(piece, grid)
    rolls = encode(piece, grid, keep_silence=True)
    assert decode(rolls, grid).note_count == counted.left + counted.joined
    assert sum(roll.velocities.nbytes for roll in rolls) == sizes(counted)[1]


@settings(max_examples=80)
@given(pieces(), GRIDS, st.booleans())
def test_a_decoded_roll_is_encoded_the_same(piece: Piece, grid: int, keep_silence: bool) -> None:
    rolls = encode(piece, grid, keep_silence=keep_silence)
    again = encode(decode(rolls, grid), grid, keep_silence=keep_silence)
    assert len(again) == len(rolls)
    for one, other in zip(again, rolls, strict=True):
        np.testing.assert_array_equal(one.velocities, other.velocities)
        assert (one.name, one.is_drum, one.program) == (other.name, other.is_drum, other.program)


@settings(max_examples=60)
@given(pieces(), GRIDS)
def test_no_tick_is_silent_unless_silence_is_kept(piece: Piece, grid: int) -> None:
    for roll in encode(piece, grid):
        assert roll.velocities.any(axis=1).all()


@settings(max_examples=60)
@given(hnp.arrays(np.uint8, (12, PITCHES), elements=st.integers(0, 127)))
def test_any_matrix_is_a_track_and_back(velocities: np.ndarray) -> None:
    # The last tick sounds, as a roll has no other way to say where it ends.
    velocities[-1, 60] = 1
    back = encode(decode([Roll(velocities)], 4), 4, keep_silence=True)[0].velocities
    np.testing.assert_array_equal(back, velocities)


def test_each_loss_has_its_own_count() -> None:
    track = Track(
        [
            (0, 96, 60, 80),  # two repeated notes, told apart by nothing
            (96, 96, 60, 80),
            (192, 96, 64, 80),
            (192, 96, 64, 90),  # a second note on one cell
            (384, 96, 64, 90),  # after a silence that is removed
            (490, 86, 67, 90),  # begins between two ticks
        ]
    )
    piece = Piece((track, Track([])), 96, (Tempo(0, 90.0), Tempo(192, 100.0)), length_ticks=768)
    assert losses(piece, 1) == velocity_roll.Losses(
        notes=6, off_grid=1, doubled=1, tied=1, joined=1, ticks=8, silent_ticks=3, tempos=2
    )


def test_a_part_too_long_for_a_matrix_is_refused() -> None:
    piece = Piece((Track([(0, 2**32, 60, 80)], name="drone"),), 24, title="Endless")
    with pytest.raises(InputError, match=r"Endless.*ticks of drone"):
        encode(piece, 4)


def test_steadied_notes_keep_their_first_velocity() -> None:
    roll = np.zeros((5, PITCHES), np.uint8)
    roll[:, 60] = [70, 72, 0, 40, 90]
    assert velocity_roll.hold_velocities(roll)[:, 60].tolist() == [70, 70, 0, 40, 40]
    assert decode([Roll(velocity_roll.hold_velocities(roll))], 4).note_count == 2


@pytest.mark.data
def test_real_music_passes_through_midi_and_rolls(data_dir: Path, tmp_path: Path) -> None:
    name = "mutopia_pd_midi/midi/BeethovenLv__O11__Trio_op11_1__Trio_op11_1.mid"
    piece = read(data_dir / name)
    rolls = encode(piece, 4)
    path = write(decode(rolls, 4), tmp_path / "back.mid")
    back = encode(read(path), 4)
    assert len(back) == len(rolls) == len(piece.tracks)
    for one, other in zip(back, rolls, strict=True):
        np.testing.assert_array_equal(one.velocities, other.velocities)
