"""One-hot events: a line survives its spelling, what does not is counted, and music21 agrees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ritornello.music import io
from ritornello.music.piece import Piece, Track
from ritornello.note_model.encoding import notes
from ritornello.papers.rhythmix2024.encoding import (
    DURATIONS,
    DURATIONS_TICKS,
    PITCHES,
    REST,
    Line,
    Lost,
    decode,
    encode,
    spell_ticks,
)
from tests.examples import band
from tests.strategies import pieces


def line_of(*rows: tuple[int, int, int]) -> Line:
    """The line of notes given as onset, duration, pitch, at 24 ticks a quarter."""
    piece = Piece((Track([(*row, 80) for row in rows]),), 24)
    return encode(piece).lines[0]


def spelled(line: Line) -> list[tuple[int, int]]:
    """Pitch and ticks of each event."""
    return [(pitch, int(DURATIONS_TICKS[ticks])) for pitch, ticks in line.events.tolist()]


@settings(max_examples=100)
@given(pieces())
def test_decoded_lines_are_spelled_the_same(piece: Piece) -> None:
    lines = encode(piece).lines
    again = encode(decode(lines)).lines
    kept = [line for line in lines if line.note_count]
    assert len(again) == len(kept)
    for one, other in zip(again, kept, strict=True):
        np.testing.assert_array_equal(one.events, other.events)
        assert other.events.min() >= 0
        assert (other.events < (PITCHES, DURATIONS)).all()
        assert one.lost == Lost(), "what was lost once is not lost again"


@settings(max_examples=60)
@given(pieces())
def test_every_note_is_kept_or_counted_and_stays_within_a_sixteenth_of_its_place(
    piece: Piece,
) -> None:
    fine = piece.at_resolution(24)
    encoded = encode(piece)
    tracks = [track for track in fine.tracks if len(track)]
    assert len(encoded.lines) + encoded.left_out.total() == len(tracks)
    found = decode(encoded.lines).tracks
    sources = [
        track
        for track in tracks
        if not track.is_drum
        and len(track) - len(np.unique(track.notes["onset"])) <= 0.05 * len(track)
    ]
    for line, track, source in zip(encoded.lines, found, sources, strict=True):
        assert len(track) + line.lost.chord + line.lost.dropped == len(source)
        for onset in track.notes["onset"]:
            assert np.abs(source.notes["onset"] - onset).min() <= 3


@given(st.integers(0, 2000))
def test_a_silence_is_spelled_to_the_nearest_sixteenth_or_triplet(ticks: int) -> None:
    classes = spell_ticks(ticks)
    total = int(DURATIONS_TICKS[classes].sum()) if classes else 0
    assert abs(total - ticks) <= 3
    assert spell_ticks(total) == classes


def test_rests_are_events() -> None:
    line = line_of((24, 12, 60), (48, 24, 62))
    assert spelled(line) == [(REST, 24), (60, 12), (REST, 12), (62, 24)]
    assert line.lost == Lost()


def test_a_breath_between_notes_is_no_rest() -> None:
    line = line_of((0, 22, 60), (24, 24, 62))
    assert spelled(line) == [(60, 24), (62, 24)]
    assert line.lost == Lost(resized=1)


def test_what_a_line_loses_is_counted() -> None:
    rows = [(24 * number, 24, 60) for number in range(40)]
    overlapping = [(0, 30, 60), *rows[1:]]
    assert line_of(*overlapping).lost == Lost(cut=1)
    assert line_of(*rows, (0, 24, 50)).lost == Lost(chord=1)
    assert line_of(*rows, (960, 1, 50), (984, 24, 60)).lost == Lost(dropped=1)
    late = line_of((0, 24, 60), (25, 23, 62), (48, 24, 64)).lost
    assert late == Lost(moved=1, resized=1)


def test_rounding_does_not_add_up() -> None:
    rows = [(10 * number, 10, 60 + number % 5) for number in range(200)]
    played = decode([line_of(*rows)]).tracks[0].notes["onset"]
    assert np.abs(played - 10 * np.arange(200)).max() <= 3


def test_drums_and_chords_are_left_out_by_name() -> None:
    encoded = encode(band())
    assert [line.name for line in encoded.lines] == ["bass"]
    assert encoded.left_out == {"drums": 1, "chords": 1}


@settings(max_examples=60)
@given(pieces())
def test_our_own_encoding_spells_a_line_without_loss(piece: Piece) -> None:
    """So both models can be scored on exactly the same music."""
    for line in encode(piece).lines:
        if not line.note_count:
            continue
        track = decode([line]).tracks[0]
        again = notes.decode(notes.encode(decode([line])).fields).tracks[0]
        for name in ("onset", "duration", "pitch"):
            np.testing.assert_array_equal(again.notes[name], track.notes[name])


@pytest.mark.data
@pytest.mark.parametrize(
    "name",
    [
        "BachJS__BWV1007__bwv1007__bwv1007-5.mid",
        "BachJS__BWV1011__bwv1011__bwv1011-3.mid",
        "BachJS__BWV1046__Brandenburg1-2__oboetwo.mid",
    ],
)
def test_music21_reads_the_same_notes_and_rests(data_dir: Path, name: str) -> None:
    music21 = pytest.importorskip("music21")
    path = data_dir / "mutopia_pd_midi" / "midi" / name
    part = music21.converter.parse(path).parts[0].stripTies().flatten()
    judged = [
        (
            max((pitch.midi for pitch in event.pitches), default=REST),
            round(event.quarterLength * 24),
        )
        for event in part.notesAndRests
    ]
    ours = spelled(encode(io.read(path)).lines[0])
    assert _rests_joined(ours) == _rests_joined(judged)


def _rests_joined(events: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """A silence as one event, however it is written; one at the end left out."""
    joined: list[tuple[int, int]] = []
    for pitch, ticks in events:
        if joined and pitch == REST == joined[-1][0]:
            joined[-1] = (REST, joined[-1][1] + ticks)
        else:
            joined.append((pitch, ticks))
    return joined[:-1] if joined and joined[-1][0] == REST else joined
