"""Playing in blocks gives what playing at once gives, and a tail is as long as it rings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ritornello.dsp.reverb import Room, add_room
from ritornello.music.piece import Piece, Tempo, Track
from ritornello.synth.block_playback import played, tail_seconds
from ritornello.synth.render import open_sampler, played_notes, render, seated
from tests.examples import band

RATE = 22_050


def test_blocks_join_to_what_is_played_at_once() -> None:
    """Struck-again keys, choked hi-hats and held strings go on over the borders."""
    hats = Track([(tick * 6, 5, (46, 42)[tick % 2], 90) for tick in range(120)], is_drum=True)
    strings = Track([(0, 700, 60, 80), (300, 400, 67, 80)], 48)
    piece = band()
    piece = replace(piece, tracks=(*piece.tracks, hats, strings))
    seats, total = seated(piece.tracks), 14 * RATE
    assert total > 3 * Room(RATE).block
    sampler = open_sampler(None, RATE)
    whole = np.zeros((2, total), np.float32)
    for track, pan in seats:
        notes = played_notes(piece, track, RATE)
        sampler.play(notes, whole, program=track.program, is_drum=track.is_drum, pan=pan)
    add_room(whole, RATE)
    blocks = np.concatenate(list(played(piece, seats, sampler, total, RATE)), axis=1)
    np.testing.assert_allclose(blocks, whole, atol=1e-5)


def test_soloist_in_the_middle_moves_the_others_aside() -> None:
    piece = band()
    assert [pan for _, pan in seated(piece.tracks)] == [0, 0, 0]
    assert [pan != 0 for _, pan in seated(piece.tracks, around=1)] == [True, False, False]


@pytest.mark.parametrize("tempo_bpm", [60.0, 133.0])
def test_tail_is_what_the_whole_piece_rings_on(tempo_bpm: float) -> None:
    piece = replace(band(), tempos=(Tempo(0, tempo_bpm), Tempo(24 * 20, 90.0)))
    rings = render(piece, rate_hz=RATE).duration_seconds - piece.duration_seconds
    assert tail_seconds(piece) == pytest.approx(rings, abs=0.05)


def test_band_without_notes_has_no_tail() -> None:
    assert tail_seconds(Piece((Track([]),), length_ticks=480)) == 0
