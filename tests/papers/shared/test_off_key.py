"""The off-key filter leaves no note outside the key it found, and counts what it did."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ritornello.errors import ConfigError
from ritornello.music.piece import Piece, Track
from ritornello.papers.shared.off_key import off_key_notes, without_off_key
from tests.strategies import pieces

C_MAJOR = (60, 62, 64, 65, 67, 69, 71, 72)


def scale(*wrong: tuple[int, int, int, int], root: int = 0, start: int = 0) -> Piece:
    """A scale up and down, with the tonic held, in quarter notes; and wrong notes."""
    line = [*C_MAJOR, *C_MAJOR[::-1]]
    notes = [(24 * (start + at), 24, pitch + root, 80) for at, pitch in enumerate(line)]
    tonic = [
        (24 * start, 24 * len(line), 48 + root, 80),
        (24 * start, 24 * len(line), 55 + root, 80),
    ]
    return Piece((Track([*notes, *wrong]), Track(tonic)), 24)


def test_notes_of_the_key_stay_as_they_are() -> None:
    piece = scale()
    result = without_off_key(piece)
    assert result.piece == piece or result.piece.tracks == piece.tracks
    assert (result.off_key, result.moved, result.removed) == (0, 0, 0)


def test_a_wrong_note_is_found_and_moved_down_into_the_key() -> None:
    piece = scale((12, 6, 78, 80))  # F sharp
    assert [int(table.sum()) for table in off_key_notes(piece)] == [1, 0]
    result = without_off_key(piece)
    assert (result.off_key, result.moved, result.removed) == (1, 1, 0)
    assert (12, 6, 77, 80) in [tuple(note) for note in result.piece.tracks[0]]


def test_a_note_that_would_double_another_is_removed() -> None:
    piece = scale((0, 12, 61, 80))  # C sharp over the C it would move to
    result = without_off_key(piece)
    assert (result.moved, result.removed) == (0, 1)
    assert result.piece.note_count == piece.note_count - 1


def test_each_span_has_its_own_key() -> None:
    first, second = scale(), scale(root=6, start=32)
    tracks = tuple(
        Track(np.concatenate([one.notes, other.notes]))
        for one, other in zip(first.tracks, second.tracks, strict=True)
    )
    piece = Piece(tracks, 24)
    assert without_off_key(piece, span_beats=32).off_key == 0
    assert without_off_key(piece, span_beats=math.inf).off_key > 0


def test_drums_have_no_key() -> None:
    drums = Track([(at, 6, 61, 90) for at in range(0, 384, 24)], is_drum=True)
    piece = Piece((*scale().tracks, drums), 24)
    assert without_off_key(piece).piece.tracks[2] == drums


@settings(max_examples=60)
@given(pieces(), st.sampled_from([4.0, 32.0, math.inf]))
def test_counts_add_up_and_nothing_else_changes(piece: Piece, span: float) -> None:
    found = sum(int(table.sum()) for table in off_key_notes(piece, span_beats=span))
    moved, removed = (without_off_key(piece, span_beats=span, action=a) for a in ("move", "remove"))
    assert moved.off_key == removed.off_key == removed.removed == found
    assert moved.moved + moved.removed == found
    assert removed.moved == 0
    assert moved.piece.note_count == piece.note_count - moved.removed
    assert removed.piece.note_count == piece.note_count - found
    assert moved.piece.tempos == piece.tempos
    assert moved.piece.length_ticks == piece.length_ticks


@pytest.mark.parametrize("wrong", [{"span_beats": 0}, {"span_beats": math.nan}, {"action": "mend"}])
def test_settings_without_meaning_are_refused(
    wrong: dict[str, float] | dict[str, int] | dict[str, str],
) -> None:
    with pytest.raises(ConfigError):
        without_off_key(scale(), **wrong)
