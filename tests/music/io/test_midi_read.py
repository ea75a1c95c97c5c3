"""MIDI files as other programs, and mishaps, leave them."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import mido
import pytest
from mido import Message, MetaMessage

from ritornello.errors import InputError
from ritornello.music.io import read
from ritornello.music.io.midi_read import read_bytes
from ritornello.music.piece import Metre, Piece, Tempo


def midi(*tracks: list[Any], form: int = 1) -> bytes:
    file = mido.MidiFile(type=form, ticks_per_beat=480)
    file.tracks.extend(mido.MidiTrack(track) for track in tracks)
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def on(pitch: int, time: int = 0, channel: int = 0, velocity: int = 80) -> Message:
    return Message("note_on", note=pitch, velocity=velocity, time=time, channel=channel)


def off(pitch: int, time: int = 0, channel: int = 0) -> Message:
    return Message("note_off", note=pitch, time=time, channel=channel)


def program(number: int, channel: int = 0) -> Message:
    return Message("program_change", program=number, channel=channel)


def name(text: str) -> MetaMessage:
    return MetaMessage("track_name", name=text)


def understood(data: bytes) -> tuple[Piece, list[str]]:
    return read_bytes(data, "some.mid")


def parts(piece: Piece) -> list[tuple[Any, ...]]:
    return [(t.name, t.program, t.is_drum, [tuple(note) for note in t]) for t in piece.tracks]


def test_format_0_with_many_channels_becomes_parts_and_its_name_the_title() -> None:
    data = midi(
        [
            *(name("Song"), program(5), program(40, 3), on(60), on(67, 0, 3), on(36, 0, 9)),
            *(off(60, 100), off(67, 20, 3), off(36, 0, 9)),
        ],
        form=0,
    )
    piece, repairs = understood(data)
    assert piece.title == "Song"
    assert parts(piece) == [
        ("", 5, False, [(0, 100, 60, 80)]),
        ("", 40, False, [(0, 120, 67, 80)]),
        ("", 0, True, [(0, 120, 36, 80)]),
    ]
    assert repairs == []


def test_a_track_that_changes_program_becomes_two_parts() -> None:
    data = midi([name("Pn"), program(5), on(60), off(60, 9), program(9), on(62), off(62, 9)])
    assert parts(understood(data)[0]) == [
        ("Pn", 5, False, [(0, 9, 60, 80)]),
        ("Pn", 9, False, [(9, 9, 62, 80)]),
    ]


def test_running_status_and_velocity_0_are_read_as_releases() -> None:
    body = b"\x00\x90\x3c\x50\x60\x3c\x00\x00\x3e\x50\x60\x3e\x00\x00\xff\x2f\x00"
    data = struct.pack(">4sIHHH4sI", b"MThd", 6, 0, 1, 96, b"MTrk", len(body)) + body
    piece, repairs = understood(data)
    assert parts(piece) == [("", 0, False, [(0, 96, 60, 80), (96, 96, 62, 80)])]
    assert repairs == []


def test_the_piece_lasts_until_its_end_mark() -> None:
    data = midi([on(60), off(60, 100), MetaMessage("end_of_track", time=380)])
    assert understood(data)[0].length_ticks == 480


def test_until_the_first_tempo_it_is_120() -> None:
    data = midi([MetaMessage("set_tempo", tempo=1_000_000, time=480)])
    assert understood(data)[0].tempos == (Tempo(0, 120.0), Tempo(480, 60.0))


def test_a_name_that_is_not_utf_8_is_latin_1() -> None:
    data = midi([name("Flte"), on(60), off(60, 9)]).replace(b"Flte", b"Fl\xf6e")
    assert understood(data)[0].tracks[0].name == "Flöe"


def test_notes_without_length_get_one_tick_and_are_named() -> None:
    data = midi([], [name("Oboe"), on(60, 1920), off(60), on(62), off(62, 9)])
    piece, repairs = understood(data)
    assert parts(piece)[0][3] == [(1920, 1, 60, 80), (1920, 9, 62, 80)]
    assert repairs == ["1 note without length got 1 tick (track Oboe, from bar 2)."]


def test_notes_never_released_are_kept_and_named() -> None:
    data = midi([on(60), on(64), off(64, 960), MetaMessage("end_of_track")])
    piece, repairs = understood(data)
    assert parts(piece)[0][3] == [(0, 480, 60, 80), (0, 960, 64, 80)]
    assert repairs == [
        "1 note never released got a quarter note (track without a name, from bar 1)."
    ]


def test_all_of_several_hanging_notes_of_one_pitch_are_counted() -> None:
    data = midi([program(0, 9)] + [on(38, 120, 9) for _ in range(20)])
    piece, repairs = understood(data)
    assert piece.tracks[0].notes["onset"].tolist() == list(range(120, 2401, 120))
    assert repairs[0].startswith("20 notes never released")


def test_absurd_tempi_are_clamped_and_named() -> None:
    changes = [MetaMessage("set_tempo", tempo=tempo, time=9) for tempo in (0, 1, 2**24 - 1)]
    piece, repairs = understood(midi(changes))
    assert [tempo.bpm for tempo in piece.tempos[1:]] == [1000, 1000, 5]
    assert repairs == ["3 tempi outside 5 to 1000 bpm were clamped."]


def test_impossible_metres_are_left_out_and_named() -> None:
    metre = MetaMessage("time_signature", numerator=3, denominator=4)
    none = MetaMessage("time_signature", numerator=0, denominator=4, time=9)
    piece, repairs = understood(midi([metre, none]))
    assert piece.metres == (Metre(0, 3, 4),)
    assert repairs == ["1 impossible metres were left out."]


def test_strange_chunks_and_counts_are_named() -> None:
    data = midi([on(60), off(60, 9)])
    header, track = data[:14], data[14:]
    alien = b"XFIH" + struct.pack(">I", 3) + b"abc"
    piece, repairs = understood(header + alien + track + track + b"\0\0\0")
    assert piece.note_count == 2
    assert any("XFIH" in repair for repair in repairs)
    assert any("announces 1 track" in repair for repair in repairs)


@pytest.mark.parametrize("kept", [4, 5, 14, 20, -1, -6])
def test_a_file_cut_short_is_an_error(kept: int) -> None:
    data = midi([], [name("Oboe"), on(60), off(60, 9)])
    with pytest.raises(InputError, match="cut short"):
        understood(data[:kept])


def test_smpte_time_patterns_and_too_many_tracks_are_errors() -> None:
    data = midi([on(60), off(60, 9)])
    with pytest.raises(InputError, match="SMPTE"):
        understood(data[:12] + b"\xe7\x28" + data[14:])
    with pytest.raises(InputError, match="format 2"):
        understood(midi([on(60), off(60, 9)], form=2))
    with pytest.raises(InputError, match="tracks"):
        understood(data[:14] + data[14:] * 600)


def test_time_that_runs_over_is_an_error() -> None:
    far = [on(60, 2**28 - 1), off(60, 2**28 - 1)] * 6
    with pytest.raises(InputError, match="2\\^31"):
        understood(midi(far))


def test_a_pitch_that_there_is_not_is_taken_as_the_highest_and_told() -> None:
    data = midi([on(60), off(60, 9)]).replace(bytes((0x90, 60)), bytes((0x90, 0xFC)))
    piece, told = understood(data)
    assert piece.tracks[0].notes["pitch"].tolist() == [127]
    assert any("over 127" in remark for remark in told)


def test_bytes_that_are_no_music_inside_a_track_are_an_error() -> None:
    data = midi([on(60), off(60, 9)]).replace(bytes((0x90, 60)), bytes((60, 60)), 1)
    with pytest.raises(InputError, match="damaged"):
        understood(data)


@pytest.mark.data
@pytest.mark.parametrize(
    "folder", ["open_hymnal_midi", "freedoom_midi", "openscore_orchestra_midi", "groove_midi"]
)
def test_every_note_on_of_real_files_is_read(folder: str, data_dir: Path) -> None:
    paths = sorted((data_dir / folder).rglob("*.mid"))
    small = [path for path in paths if path.stat().st_size < 30_000]
    for path in small[:: max(1, len(small) // 5)][:5]:
        found = []
        for track in mido.MidiFile(path).tracks:
            now = 0
            for message in track:
                now += message.time
                if message.type == "note_on" and message.velocity:
                    found.append((now, message.note, message.velocity))
        ours = [
            (note.onset_ticks, note.pitch, note.velocity) for t in read(path).tracks for note in t
        ]
        assert sorted(ours) == sorted(found), path
