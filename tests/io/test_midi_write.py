"""MIDI files as other programs see them."""

from __future__ import annotations

import io

import mido
import numpy as np
import pretty_midi
import pytest
from hypothesis import given, settings
from tests.strategies import pieces

from ritornello.errors import OutputError
from ritornello.io.midi_write import holdable, write_bytes
from ritornello.keys import parse_key
from ritornello.piece import KeyChange, Metre, Piece, Tempo, Track


def opened(piece: Piece) -> mido.MidiFile:
    return mido.MidiFile(file=io.BytesIO(write_bytes(piece)), clip=False)


@settings(max_examples=60, deadline=None)
@given(piece=pieces())
def test_mido_reads_every_note_at_its_tick(piece: Piece):
    """An independent reader pairs note-ons and note-offs to the notes that MIDI can hold."""
    kept = holdable(piece)
    file = opened(piece)
    assert file.type == 1
    assert file.ticks_per_beat == piece.resolution
    for track, theirs in zip(kept.tracks, file.tracks[1:], strict=True):
        now, sounding, notes = 0, {}, []
        for message in theirs:
            now += message.time
            if message.type == "note_on" and message.velocity:
                assert message.note not in sounding, "a pitch is struck while it sounds"
                sounding[message.note] = (now, message.velocity)
            elif message.type in ("note_on", "note_off"):
                onset, velocity = sounding.pop(message.note)
                notes.append((onset, now - onset, message.note, velocity))
        assert not sounding
        assert sorted(notes, key=lambda n: (n[0], n[2])) == [tuple(note) for note in track]
    assert sum(message.time for message in file.tracks[0]) == kept.length_ticks


def test_mido_reads_title_maps_names_and_programs():
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


def test_pretty_midi_hears_the_same_seconds():
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


def test_fifteen_pitched_parts_have_channels_of_their_own():
    places = _places(_parts([0] * 15))
    assert len(set(places)) == 15
    assert (0, 9) not in places


def test_more_parts_share_a_channel_only_within_a_program():
    programs = [number % 20 for number in range(40)]
    places = _places(_parts(programs))
    assert len(set(places)) == 20
    assert {port for port, _ in places} == {0, 1}
    assert all(channel != 9 for _, channel in places)
    by_place = dict(zip(places, programs, strict=True))
    assert [by_place[place] for place in places] == programs


def test_a_pitch_that_overlaps_itself_ends_where_it_is_struck_again():
    piece = Piece(tracks=(Track([(0, 960, 60, 80), (480, 960, 60, 90), (480, 240, 60, 70)]),))
    assert [tuple(note) for note in holdable(piece).tracks[0]] == [
        (0, 480, 60, 80),
        (480, 960, 60, 90),
    ]


def test_a_piece_too_long_for_the_format_is_refused():
    with pytest.raises(OutputError, match="at_resolution"):
        write_bytes(Piece(tracks=(), length_ticks=2**28))
