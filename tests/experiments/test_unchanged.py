"""The judge of given notes misses no change, blames nothing else, and reads as others read."""

from __future__ import annotations

import io
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import mido
import pytest
from hypothesis import given, settings

from experiments.generated.unchanged import DRUMS, PlayedNote, changes, notes
from ritornello.music.io import read
from ritornello.music.io.midi_write import write_bytes
from ritornello.music.piece import Piece
from tests.strategies import pieces

Note = tuple[int, int, int, int, int]  # onset and duration in eighths, pitch, velocity, program
LEAD: Note = (0, 2, 60, 80, 33)
SONG: tuple[Note, ...] = (LEAD, (2, 2, 62, 90, 33), (16, 8, 64, 70, 40), (16, 1, 38, 100, -1))


def midi(*song: Note, ticks_per_beat: int = 96) -> bytes:
    """A file with a track for each program; -1 is drums."""
    made = mido.MidiFile(ticks_per_beat=ticks_per_beat)
    for channel, program in enumerate(sorted({note[4] for note in song})):
        track = mido.MidiTrack()
        made.tracks.append(track)
        on = 9 if program < 0 else channel
        track.append(mido.Message("program_change", channel=on, program=max(program, 0)))
        events = []
        for onset, duration, pitch, velocity, who in song:
            if who == program:
                events += [(onset, 1, pitch, velocity), (onset + duration, 0, pitch, 0)]
        last = 0
        for eighth, _, pitch, velocity in sorted(events):
            time = (eighth - last) * ticks_per_beat // 2
            last = eighth
            track.append(
                mido.Message("note_on", channel=on, note=pitch, velocity=velocity, time=time)
            )
    buffer = io.BytesIO()
    made.save(file=buffer)
    return buffer.getvalue()


def test_notes_are_where_the_file_has_them() -> None:
    found = sorted(notes(midi(*SONG)), key=lambda note: (note.onset_beats, note.pitch))
    assert found[0] == PlayedNote(Fraction(0), 33, 60, Fraction(1), 80)
    assert found[2] == PlayedNote(Fraction(8), DRUMS, 38, Fraction(1, 2), 100)


def test_the_same_music_on_another_grid_is_unchanged() -> None:
    assert changes(midi(*SONG), midi(*SONG, ticks_per_beat=480)) == []


@pytest.mark.parametrize(
    "other",
    [(1, 2, 60, 80, 33), (0, 3, 60, 80, 33), (0, 2, 61, 80, 33), (0, 2, 60, 81, 33),
     (0, 2, 60, 80, 34), (0, 2, 60, 80, -1)],
)  # fmt: skip
def test_a_change_of_anything_is_a_lost_note(other: tuple[int, int, int, int, int]) -> None:
    assert changes(midi(*SONG), midi(other, *SONG[1:])) == [
        "lost or changed: pitch 60 of program 33 at beat 0 for 1, velocity 80"
    ]


def test_a_lost_double_is_seen() -> None:
    assert len(changes(midi(LEAD, LEAD), midi(LEAD))) == 1
    assert changes(midi(LEAD), midi(LEAD, LEAD)) == []  # the second one is composed


def test_composed_notes_stay_in_the_gap() -> None:
    def faults(onset: int, duration: int) -> list[str]:
        found = changes(midi(*SONG), midi(*SONG, (onset, duration, 67, 70, 33)), gap=(2, 4))
        return [fault.split(":")[0] for fault in found]

    assert faults(4, 4) == faults(7, 1) == []
    assert faults(3, 2) == faults(8, 1) == ["composed outside the gap"]
    assert faults(7, 2) == ["composed beyond the end of the gap"]


def test_composed_notes_stay_in_the_parts() -> None:
    made = midi(*SONG, (4, 1, 67, 70, 0))
    assert changes(midi(*SONG), made, parts=[0]) == []
    (fault,) = changes(midi(*SONG), made, parts=[33, DRUMS])
    assert fault.startswith("composed in another part: pitch 67 of program 0 at beat 2")


def test_bars_that_are_written_anew_lose_their_own_notes_only() -> None:
    without_lead, without_drums = midi(*SONG[1:]), midi(*SONG[:3])
    allowed: dict[str, Any] = {"gap": (0, 1), "parts": [33], "rewritten": True}
    assert changes(midi(*SONG), without_lead, **allowed) == []
    assert len(changes(midi(*SONG), without_lead, gap=(0, 1), parts=[33])) == 1
    assert len(changes(midi(*SONG), without_drums, **allowed)) == 1


@given(pieces())
@settings(max_examples=40)
def test_what_the_package_writes_is_unchanged_by_a_finer_grid(piece: Piece) -> None:
    made = write_bytes(piece)
    assert changes(made, made) == []
    assert changes(made, write_bytes(piece.at_resolution(3 * piece.resolution))) == []


@pytest.mark.data
def test_the_judge_and_the_package_hear_the_same_notes(data_dir: Path) -> None:
    for path in sorted((data_dir / "freedoom_midi" / "midi").glob("*.mid"))[:5]:
        piece = read(path)
        ours = Counter(
            PlayedNote(
                Fraction(note.onset_ticks, piece.resolution),
                DRUMS if track.is_drum else track.program,
                note.pitch,
                Fraction(note.duration_ticks, piece.resolution),
                note.velocity,
            )
            for track in piece.tracks
            for note in track
        )
        assert Counter(notes(path.read_bytes())) == ours, path.name
