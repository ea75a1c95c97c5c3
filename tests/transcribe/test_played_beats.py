"""A piece that was played without a beat grid is put on the beats of its notes; others are not."""

from __future__ import annotations

import numpy as np
import pytest

from ritornello.errors import InputError
from ritornello.music.piece import ChordSymbol, Metre, Piece, Tempo, Track
from ritornello.transcribe.played_beats import lacks_beats, on_its_beats
from ritornello.transcribe.timeline import RESOLUTION

TUNE = (0, 2, 4, 5, 7, 5, 4, 2)
CHORDS = (48, 53, 55, 48)


def written(bars: int = 24) -> list[tuple[float, float, int]]:
    """Beats at which a tune in eighths and a bass in quarters begin, how long, and pitches."""
    rows: list[tuple[float, float, int]] = []
    for bar in range(bars):
        root = CHORDS[bar % 4]
        rows += [(4 * bar + 2 * half, 2.0, root - 12 * (half == 0)) for half in (0, 1)]
        rows += [(4 * bar + eighth / 2, 0.5, 60 + root % 12 + TUNE[eighth]) for eighth in range(8)]
    return rows


def freely(seed: int, bars: int = 24) -> tuple[Piece, np.ndarray]:
    """That, played at about 80 beats a minute, on a file at 120; and the seconds of the beats."""
    rng = np.random.default_rng(seed)
    count = 4 * bars
    wave = 0.12 * np.sin(np.arange(count) / 7 + seed)
    beats = np.concatenate([[0.0], np.cumsum(60 / 80 * np.exp(wave))])

    def tick(beat: float) -> int:
        seconds = np.interp(beat, np.arange(count + 1), beats)
        return max(0, round(float(seconds + rng.normal(0, 0.01)) * 2 * 480))

    rows = []
    for beat, length, pitch in written(bars):
        start = tick(beat)
        rows.append((start, max(1, tick(beat + length) - start), pitch, 80))
    piece = Piece((Track(sorted(rows), 0),), 480, (Tempo(0, 120.0),), (Metre(0, 4, 4),))
    return piece, beats


@pytest.mark.parametrize("seed", range(3))
def test_beats_are_found_in_the_playing(seed: int) -> None:
    piece, beats = freely(seed)
    assert lacks_beats(piece)
    found = on_its_beats(piece)
    times = found.beats.times_seconds
    near = [float(np.abs(beats - time).min()) for time in times]
    assert np.mean(np.array(near) < 0.07) > 0.9
    assert len(times) == pytest.approx(len(beats), abs=6)
    assert "without a beat grid" in str(found)


def test_no_note_moves_or_is_lost() -> None:
    piece, _ = freely(1)
    piece = Piece(piece.tracks, 480, piece.tempos, piece.metres, chords=(ChordSymbol(4800, "C"),))
    made = on_its_beats(piece).piece
    assert made.resolution == RESOLUTION
    for name in ("pitch", "velocity"):
        assert (made.tracks[0].notes[name] == piece.tracks[0].notes[name]).all()
    before, after = (each.ticks_to_seconds(each.tracks[0].notes["onset"]) for each in (piece, made))
    assert np.abs(before - after).max() < 0.001
    assert made.ticks_to_seconds(np.array(made.chords[0].tick)) == pytest.approx(5.0, abs=0.001)


def test_what_keeps_to_a_grid_is_left_alone() -> None:
    rows = [(round(beat * 480), 240, pitch, 80) for beat, _, pitch in written()]
    straight = Piece((Track(sorted(rows), 0),), 480, (Tempo(0, 90.0),))
    assert not lacks_beats(straight)
    swung = [(onset + 80 * (onset % 480 == 240), 200, pitch, 80) for onset, _, pitch, _ in rows]
    assert not lacks_beats(Piece((Track(sorted(swung), 0),), 480, (Tempo(0, 90.0),)))
    played, _ = freely(0)
    changing = Piece(played.tracks, 480, (Tempo(0, 120.0), Tempo(960, 100.0)))
    assert not lacks_beats(changing)  # somebody has given it tempi


def test_a_long_silence_and_too_few_notes() -> None:
    piece, _ = freely(2)
    late = piece.tracks[0].notes.copy()
    late["onset"][len(late) // 2 :] += 480 * 40
    made = on_its_beats(Piece((Track(late, 0),), 480, piece.tempos)).piece
    assert made.note_count == piece.note_count
    with pytest.raises(InputError, match="No beats are told"):
        on_its_beats(Piece((Track([(0, 480, 60, 80)], 0),), 480))
