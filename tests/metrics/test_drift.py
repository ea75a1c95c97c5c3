"""Minutes of a stream are cut where they belong, and nothing else is kept."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from itertools import count, islice
from typing import NamedTuple

import pytest

from ritornello.metrics.drift import drift, statistics
from ritornello.music.piece import Piece, Track


class Note(NamedTuple):
    onset_seconds: float
    onset_ticks: int
    part: str
    pitch: int
    duration_ticks: int = 12
    velocity: int = 80


def steady(seconds_per_beat: float = 0.5) -> Iterator[Note]:
    """A scale up and down and a drum on each beat, for ever."""
    for beat in count():
        at, ticks = beat * seconds_per_beat, 24 * beat
        yield Note(at, ticks, "violin 2", 60 + abs(beat % 16 - 8))
        yield Note(at, ticks, "drums", 36)


def rising() -> Iterator[Note]:
    """One pitch higher each minute, and twice the notes from the second on."""
    for beat in count():
        minute = beat // 120
        yield Note(beat / 2, 24 * beat, "piano", 50 + minute)
        if minute:
            yield Note(beat / 2, 24 * beat, "piano", 40 + minute)


def test_steady_music_has_the_same_statistics_in_every_minute() -> None:
    first, third = drift(steady(), minutes=(1, 3))
    assert (first.minute, third.minute) == (1, 3)
    assert first.notes == third.notes == 240
    names = ("pitches", "notes_per_beat", "drum_keys", "stepwise_motion", "groove_consistency")
    for name in names:
        assert first.statistics[name] == pytest.approx(third.statistics[name], rel=0.02)
    assert "polyphony of violin" in first.statistics


def test_a_change_shows() -> None:
    first, third = drift(rising(), minutes=(3, 1))
    assert third.notes == 2 * first.notes
    assert third.statistics["pitches"] == 2
    assert first.statistics["longest_run"] == 120


def test_only_whole_minutes_of_a_stream_that_ends_are_measured() -> None:
    assert [minute.minute for minute in drift(islice(steady(), 500), minutes=(1, 2, 3))] == [1, 2]


def test_minutes_without_a_note_are_empty() -> None:
    late = [Note(0.0, 0, "piano", 60), Note(200.0, 9600, "piano", 60)]
    assert [minute.notes for minute in drift(late, minutes=(1, 2))] == [1, 0]


def test_nothing_but_the_measured_minute_is_kept() -> None:
    tracemalloc.start()
    try:
        list(drift(steady(), minutes=(1, 2)))
        tracemalloc.reset_peak()
        list(drift(steady(), minutes=(1, 40)))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 2_000_000


def test_statistics_of_a_piece_name_features_and_repetition() -> None:
    found = statistics(Piece((Track([(24 * n, 24, 60, 80) for n in range(32)]),), 24))
    assert found["longest_run"] == 32
    assert found["self_similarity 1 bars later"] == 1
    assert found["pitches"] == 1
