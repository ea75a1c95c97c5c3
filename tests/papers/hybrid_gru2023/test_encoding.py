"""Notes as pitch, step and duration: what survives, and what is counted as lost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from ritornello.errors import InputError
from ritornello.music.piece import Piece, Tempo, Track
from ritornello.papers.hybrid_gru2023.encoding import (
    DURATION,
    PITCH,
    STEP,
    count_losses,
    decode,
    encode,
)
from tests.strategies import RESOLUTIONS, pieces, tracks


@pytest.mark.parametrize("resolution", RESOLUTIONS)
@settings(max_examples=25)
@given(track=tracks(24, 384).filter(len))
def test_pitches_durations_and_distances_survive(track: Track, resolution: int) -> None:
    again = decode(encode(track, resolution), resolution=resolution)
    first = track.notes["onset"].min()
    for kept, source in zip(again, track, strict=True):
        assert kept.onset_ticks == source.onset_ticks - first
        assert (kept.pitch, kept.duration_ticks) == (source.pitch, source.duration_ticks)


def test_a_row_is_a_note_in_beats() -> None:
    track = Track([(48, 12, 60, 90), (48, 24, 64, 90), (60, 6, 67, 90)])
    assert encode(track, 24).tolist() == [[60, 0, 0.5], [64, 0, 1.0], [67, 0.5, 0.25]]


def test_predicted_rows_become_notes_without_drift() -> None:
    rows = np.tile([60.0, 1 / 3, 0.01], (300, 1))
    rows[0, STEP] = -0.2
    notes = decode(rows, resolution=24).notes
    assert notes["onset"][-1] == round(299 / 3 * 24)
    assert (notes["duration"] == 1).all()
    rows[:, PITCH], rows[:, DURATION] = 130.4, -1.0
    assert set(decode(rows).notes["pitch"]) == {127}


def test_a_track_without_notes_is_refused() -> None:
    with pytest.raises(InputError, match="without notes"):
        encode(Track([], name="silent"), 24)


def test_what_is_lost_is_counted() -> None:
    track = Track([(24, 24, 60, 80), (48, 24, 62, 90), (72, 24, 64, 90)])
    piece = Piece((track,), 24, (Tempo(0, 100), Tempo(48, 90)), length_ticks=120)
    assert count_losses(piece) == {"loudness": 1, "tempo": 2, "metre": 1, "silence_ticks": 48}


@settings(max_examples=25)
@given(piece=pieces())
def test_nothing_is_lost_of_what_the_encoding_gives(piece: Piece) -> None:
    played = [track for track in piece.tracks if len(track)]
    again = Piece(
        tuple(decode(encode(t, piece.resolution), resolution=piece.resolution) for t in played)
    )
    found = count_losses(again)
    assert found["loudness"] == 0
    assert found["silence_ticks"] == sum(again.length_ticks - t.end_ticks for t in again.tracks)
