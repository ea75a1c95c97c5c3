"""Cut pieces have just the notes that begin in the cut, under the maps that were in force."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ritornello.music.keys import parse_key
from ritornello.music.piece import KeyChange, Metre, Piece, Tempo, Track
from ritornello.music.slicing import (
    bar_edges,
    bar_lines,
    bars_at,
    drop_changes_after_end,
    slice_bars,
    slice_seconds,
    slice_ticks,
    whole_bars,
)
from tests.examples import band
from tests.strategies import pieces


def onsets(piece: Piece) -> np.ndarray:
    return np.concatenate([track.notes["onset"] for track in piece.tracks])


def test_the_first_seconds_have_the_notes_that_begin_in_them() -> None:
    piece = band(bars=16)
    cut = slice_seconds(piece, 4.0)
    assert cut.duration_seconds == pytest.approx(4.0, abs=0.05)
    inside = piece.ticks_to_seconds(onsets(piece)) < cut.duration_seconds
    assert cut.note_count == inside.sum()
    assert slice_seconds(piece, 1e6) is piece


def test_some_bars_of_a_piece_are_a_piece() -> None:
    piece = band(bars=6)
    assert slice_bars(piece, 0, 6) == piece
    middle = slice_bars(piece, 2, 4)
    assert (middle.bar_count, middle.tempos) == (2, piece.tempos)
    counts = [slice_bars(piece, first, first + 2).note_count for first in (0, 2, 4)]
    assert sum(counts) == piece.note_count
    assert slice_bars(piece, 4, 99).bar_count == 2


def test_a_cut_begins_in_the_tempo_metre_and_key_in_force() -> None:
    piece = Piece(
        (Track([(0, 1500, 60, 80), (1440, 480, 64, 80)]),),
        480,
        (Tempo(0, 90), Tempo(960, 120), Tempo(1700, 60)),
        (Metre(0, 2, 4), Metre(960, 3, 4)),
        (KeyChange(0, parse_key("C")), KeyChange(960, parse_key("G"))),
        length_ticks=2400,
    )
    cut = slice_ticks(piece, 1000, 1600)
    assert [*cut.tracks[0]] == [(440, 160, 64, 80)], "what sounds on is shortened"
    assert cut.tempos == (Tempo(0, 120),)
    assert cut.metres == (Metre(0, 3, 4),)
    assert cut.keys == (KeyChange(0, parse_key("G")),)
    assert cut.length_ticks == 600


@given(pieces(), st.data())
def test_bars_one_after_another_hold_each_note_once(piece: Piece, data: st.DataObject) -> None:
    edges = bar_edges(piece)
    middle = data.draw(st.integers(0, piece.bar_count))
    first, rest = slice_bars(piece, 0, middle), slice_bars(piece, middle, piece.bar_count)
    assert first.note_count + rest.note_count == piece.note_count
    assert first.length_ticks == edges[middle]
    if piece.tracks:
        here = bars_at(piece, onsets(piece))
        assert (edges[here] <= onsets(piece)).all()
        assert (onsets(piece) < edges[here + 1]).all()


@given(pieces())
def test_whole_bars_end_on_a_bar_line_and_change_nothing_else(piece: Piece) -> None:
    whole = whole_bars(piece)
    assert replace(whole, length_ticks=piece.length_ticks) == piece
    assert whole.length_ticks == bar_lines(piece)[-1] == bar_lines(whole)[-1]
    assert piece.length_ticks <= whole.length_ticks
    ended = drop_changes_after_end(whole)
    assert all(change.tick < whole.length_ticks for change in ended.metres + ended.tempos)
