"""Our model beside given notes: the same notes are scored twice, and songs come back with more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ritornello.errors import InputError
from ritornello.music.piece import Piece
from ritornello.papers.remix2023.band import any_duration, band_under, no_borders
from ritornello.papers.shared.partner import arrange_songs, conditioning_gain, continue_songs
from tests.examples import band


@pytest.mark.parametrize("task", ["vary", "harmonise", "arrange"])
def test_heard_and_alone_are_of_the_same_notes(tiny_model: Path, task: str) -> None:
    pieces = [band(seed, bars=4) for seed in range(3)]
    found = conditioning_gain(tiny_model, pieces, task)
    everything = sum(piece.note_count for piece in pieces)
    assert 0 < found.notes < everything
    assert min(found.heard, found.alone) > 0
    assert found.heard_pitch < found.heard
    if task == "harmonise":
        assert found.notes == everything - sum(len(piece.tracks[0]) for piece in pieces)


def test_a_model_needs_two_parts_to_hear_one(tiny_model: Path) -> None:
    alone = replace(band(), tracks=band().tracks[:1])
    with pytest.raises(InputError):
        conditioning_gain(tiny_model, [alone], "vary")


def test_songs_come_back_longer_or_with_more_parts(tiny_model: Path) -> None:
    songs = [band(1, bars=2), band(2, bars=3)]
    longer = continue_songs(tiny_model, songs, 2, seed=3)
    assert [piece.bar_count for piece in longer.pieces] == [4, 5]
    fuller = arrange_songs(tiny_model, songs, [("flute",), ("strings", "organ")], seed=3)
    assert [len(piece.tracks) for piece in fuller.pieces] == [4, 5]
    assert all(
        new.tracks[:3] == song.tracks for new, song in zip(fuller.pieces, songs, strict=True)
    )
    assert not longer.refused + fuller.refused


def test_a_song_without_notes_is_refused_and_counted(tiny_model: Path) -> None:
    found = continue_songs(tiny_model, [Piece(()), band(bars=2)], 1, seed=0)
    assert (len(found.pieces), found.refused, found.answered) == (1, 1, (1,))


def test_what_is_read_otherwise_is_in_the_answers_and_not_in_the_log(
    tiny_model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = continue_songs(tiny_model, [band(bars=2)], 1, seed=0)
    assert "'piano'" in found.warnings[0][0]
    assert not caplog.records


def test_a_band_under_a_line_has_the_bars_asked_for(tiny_model: Path) -> None:
    found = band_under(tiny_model, [band(seed) for seed in range(4)], chunk_seconds=1.0, seed=0)
    assert (found.pieces, found.exact) == (4, 4)
    assert found.bars == (4, 7, 8)
    assert found.through_borders >= 0
    assert found.dissonance["real"] == 0, "roots under chords"
    assert "4 of 4 bands" in any_duration(found)
    assert f"{found.between_borders:.2f} halfway" in no_borders(found)
