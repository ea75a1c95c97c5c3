"""MIDI files as other programs see them."""

from __future__ import annotations

import io
import logging
import random
from collections import defaultdict, deque
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pretty_midi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.generated.unchanged import changes
from ritornello.errors import OutputError
from ritornello.music.io.midi_read import read_bytes
from ritornello.music.io.midi_write import holdable, write_bytes
from ritornello.music.keys import parse_key
from ritornello.music.piece import KeyChange, Metre, Piece, Tempo, Track
from tests.strategies import pieces


def opened(piece: Piece) -> mido.MidiFile:
    return mido.MidiFile(file=io.BytesIO(write_bytes(piece)), clip=False)


@settings(max_examples=60)
@given(piece=pieces())
def test_mido_reads_every_note_at_its_tick(piece: Piece) -> None:
    """An independent reader pairs note-ons and note-offs to the notes that MIDI can hold."""
    kept = holdable(piece)
    file = opened(piece)
    assert file.type == 1
    assert file.ticks_per_beat == piece.resolution
    parts = [track for track in file.tracks[1:] if any(m.type == "note_on" for m in track)]
    for track, theirs in zip(kept.tracks, parts, strict=True):
        sounding: defaultdict[Any, deque[Any]] = defaultdict(deque)
        now, notes = 0, []
        for message in theirs:
            now += message.time
            if message.type == "note_on" and message.velocity:
                sounding[message.note].append((now, message.velocity))
            elif message.type in ("note_on", "note_off"):
                onset, velocity = sounding[message.note].popleft()
                notes.append((onset, now - onset, message.note, velocity))
        assert not any(sounding.values()), "every note is released"
        assert sorted(notes) == sorted(tuple(note) for note in track)
    assert sum(message.time for message in file.tracks[0]) == kept.length_ticks


def test_mido_reads_title_maps_names_and_programs() -> None:
    piece = Piece(
        tracks=(
            Track([(0, 480, 60, 80)], program=40, name="Geige"),
            Track([(0, 240, 36, 100)], is_drum=True, name="Drums"),
        ),
        tempos=(Tempo(0, 97.0), Tempo(960, 60.0)),
        metres=(Metre(0, 6, 8),),
        keys=(KeyChange(0, parse_key("Eb")), KeyChange(480, parse_key("F# minor"))),
        title="Sonate",
    )
    conductor, violin, drums = opened(piece).tracks
    found = [message.dict() for message in conductor]
    assert [m["name"] for m in found if m["type"] == "track_name"] == ["Sonate"]
    tempi = [mido.tempo2bpm(m["tempo"]) for m in found if m["type"] == "set_tempo"]
    assert tempi == pytest.approx([97, 60], abs=1e-3)
    assert [m["key"] for m in found if m["type"] == "key_signature"] == ["Eb", "F#m"]
    (metre,) = [m for m in found if m["type"] == "time_signature"]
    assert (metre["numerator"], metre["denominator"], metre["clocks_per_click"]) == (6, 8, 36)
    assert violin.name == "Geige"
    assert [(m.program, m.channel) for m in violin if m.type == "program_change"] == [(40, 0)]
    assert {m.channel for m in drums if m.type == "note_on"} == {9}


def test_pretty_midi_hears_the_same_seconds() -> None:
    notes = [(0, 480, 60, 80), (960, 480, 64, 80), (1920, 480, 67, 80)]
    piece = Piece(tracks=(Track(notes),), tempos=(Tempo(0, 60.0), Tempo(960, 150.0)))
    (part,) = pretty_midi.PrettyMIDI(io.BytesIO(write_bytes(piece))).instruments
    ours = piece.ticks_to_seconds(piece.tracks[0].notes["onset"])
    np.testing.assert_allclose([note.start for note in part.notes], ours, atol=1e-4)


def _parts(programs: list[int]) -> Piece:
    return Piece(tracks=tuple(Track([(0, 480, 60, 80)], program=number) for number in programs))


def _places(piece: Piece) -> list[tuple[int, int]]:
    places = []
    for track in opened(piece).tracks[1:]:
        port = next((m.port for m in track if m.type == "midi_port"), 0)
        places.append((port, next(m.channel for m in track if m.type == "note_on")))
    return places


def test_fifteen_pitched_parts_have_channels_of_their_own() -> None:
    places = _places(_parts([0] * 15))
    assert len(set(places)) == 15
    assert (0, 9) not in places


def test_more_parts_share_a_channel_only_within_a_program() -> None:
    programs = [number % 20 for number in range(40)]
    places = _places(_parts(programs))
    assert len(set(places)) == 20
    assert {port for port, _ in places} == {0, 1}
    assert all(channel != 9 for _, channel in places)
    by_place = dict(zip(places, programs, strict=True))
    assert [by_place[place] for place in places] == programs


def test_a_pitch_may_overlap_itself_and_notes_may_be_doubled() -> None:
    double = (480, 960, 60, 90)
    piece = Piece((Track([(0, 960, 60, 80), (480, 480, 60, 70), double, double]),))
    assert read_bytes(write_bytes(piece), "")[0] == holdable(piece) == piece


def test_a_note_that_holds_another_of_its_pitch_ends_with_it_and_is_counted(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of (0, 960) and (240, 240), readers would make (0, 480) and (240, 720): two new notes."""
    logger = logging.getLogger("ritornello.music.io.midi_write")
    monkeypatch.setattr(logger, "disabled", False)  # libraries may have configured logging before
    caplog.set_level("INFO", logger=logger.name)
    piece = Piece((Track([(0, 960, 60, 80), (240, 240, 60, 90), (0, 960, 64, 70)], name="Organ"),))
    assert [tuple(note) for note in holdable(piece).tracks[0]] == [
        (0, 480, 60, 80),
        (0, 960, 64, 70),
        (240, 240, 60, 90),
    ]
    assert [message.split(" end ")[0] for message in caplog.messages] == ["Organ: 1 notes"]


KEYS = st.tuples(st.booleans(), st.sampled_from([60, 61]), st.integers(1, 127), st.integers(0, 99))


@settings(max_examples=100)
@given(keys=st.lists(KEYS, max_size=30))
def test_whatever_is_struck_and_released_is_written_as_it_was_read(
    keys: list[tuple[bool, int, int, int]],
) -> None:
    """Overlapping, doubled, without length, never struck or never released."""
    song = mido.MidiFile(ticks_per_beat=24)
    song.add_track("Keys")
    for is_struck, pitch, velocity, time in keys:
        kind = "note_on" if is_struck else "note_off"
        song.tracks[0].append(mido.Message(kind, note=pitch, velocity=velocity, time=time))
    buffer = io.BytesIO()
    song.save(file=buffer)
    read = read_bytes(buffer.getvalue(), "")[0]
    assert changes(buffer.getvalue(), write_bytes(read)) == []
    for grid in (read, read.at_resolution(480), read.at_resolution(10)):
        assert holdable(grid).tracks == grid.tracks


@pytest.mark.data
def test_real_files_come_out_as_they_went_in(data_dir: Path) -> None:
    """Judged by mido."""
    paths = sorted(data_dir.glob("*/**/*.mid"))
    for path in [*_overlapping(data_dir), *random.Random(4).sample(paths, 5)]:
        given = path.read_bytes()
        assert changes(given, write_bytes(read_bytes(given, str(path))[0]), gap=(0, 0)) == [], path


@pytest.mark.data
def test_readers_that_pair_otherwise_hear_what_they_heard(data_dir: Path) -> None:
    """pretty_midi ends all notes of a pitch together; what it makes of a song, it still makes."""

    def heard(midi: bytes) -> list[tuple[int, int, int, float, float]]:
        parts = pretty_midi.PrettyMIDI(io.BytesIO(midi)).instruments
        return sorted(
            (part.program, note.pitch, note.velocity, round(note.start, 3), round(note.end, 3))
            for part in parts
            for note in part.notes
        )

    for path in _overlapping(data_dir):
        given = path.read_bytes()
        assert heard(write_bytes(read_bytes(given, "")[0])) == heard(given), path


def _overlapping(data_dir: Path) -> list[Path]:
    """Songs in which a pitch overlaps itself hundreds of times."""
    folder = data_dir / "freedoom_midi" / "midi"
    return [folder / "hist__d_bunny__c2b785.mid", folder / "hist__d_dm11__11d07a.mid"]


def test_tempi_are_written_to_the_microsecond() -> None:
    """A tempo map of thousands of beats would drift if each were made a round number."""
    quarters = [100_586, 498_753, 498_754, 500_001, 333_334]
    tempos = tuple(Tempo(index * 480, 60e6 / quarter) for index, quarter in enumerate(quarters))
    found = opened(Piece((), tempos=tempos, length_ticks=4800)).tracks[0]
    assert [m.tempo for m in found if m.type == "set_tempo"] == quarters


def test_a_named_part_without_notes_keeps_its_track() -> None:
    parts = (Track([], program=33, name="Bass"), Track([(0, 480, 60, 80)], program=40), Track([]))
    _, bass, violin = opened(Piece(parts)).tracks
    assert bass.name == "Bass"
    assert [message.program for message in bass if message.type == "program_change"] == [33]
    assert [message.program for message in violin if message.type == "program_change"] == [40]


def test_a_piece_too_long_for_the_format_is_refused() -> None:
    with pytest.raises(OutputError, match="at_resolution"):
        write_bytes(Piece(tracks=(), length_ticks=2**28))
