"""The notes encoding: one legal spelling for each piece, and back again."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ritornello.errors import InputError
from ritornello.music.io import read
from ritornello.music.piece import Metre, Piece, Tempo, Track
from ritornello.note_model.encoding import notes
from ritornello.note_model.encoding.notes import END, NONE, PART, PITCH, REST, SHIFT, SIZES, START
from tests.strategies import pieces


def spelled(piece: Piece) -> notes.Encoded | None:
    return notes.encode(piece) if piece.note_count else None


@settings(max_examples=80)
@given(pieces())
def test_decoded_events_are_spelled_the_same(piece: Piece) -> None:
    encoded = spelled(piece)
    if encoded is None:
        return
    again = notes.encode(notes.decode(encoded.fields, encoded.metres))
    np.testing.assert_array_equal(again.fields, encoded.fields)


@settings(max_examples=80)
@given(pieces())
def test_every_event_of_every_piece_is_legal(piece: Piece) -> None:
    encoded = spelled(piece)
    if encoded is None:
        return
    fields = encoded.fields
    previous = notes.Previous(
        np.concatenate([[START], fields[:-1, PART]]),
        np.concatenate([[NONE[PITCH]], fields[:-1, PITCH]]),
    )
    shift, part, pitch = fields[:, SHIFT], fields[:, PART], fields[:, PITCH]
    row = np.arange(len(fields))
    assert (notes.legal_shift_zero(previous) | (shift > 0)).all()
    assert notes.legal_parts(previous, shift)[row, part].all()
    has = pitch < SIZES[PITCH]
    assert notes.legal_pitches(previous, shift, part)[row[has], pitch[has]].all()


@settings(max_examples=40)
@given(pieces(), st.randoms(use_true_random=False))
def test_the_order_of_notes_in_a_file_does_not_matter(piece: Piece, random: Random) -> None:
    encoded = spelled(piece)
    if encoded is None:
        return
    tracks = []
    for track in piece.tracks:
        rows = list(track)
        random.shuffle(rows)
        tracks.append(Track(rows, track.program, track.is_drum, track.name))
    shuffled = notes.encode(Piece(tuple(tracks), piece.resolution, piece.tempos, piece.metres,
                                  piece.keys, piece.length_ticks))  # fmt: skip
    np.testing.assert_array_equal(shuffled.fields, encoded.fields)


def test_silence_costs_one_event_for_two_bars_and_is_exact() -> None:
    late = 24 * 4 * 100 + 7
    piece = Piece((Track([(0, 24, 60, 80), (late, 24, 62, 80)]),), 24)
    encoded = notes.encode(piece)
    assert (encoded.fields[:, PART] == REST).sum() == 50
    assert notes.decode(encoded.fields).tracks[0].notes["onset"].tolist() == [0, late]


def test_a_piece_ends_on_a_bar_line() -> None:
    piece = Piece((Track([(0, 10, 60, 80)]),), 24, metres=(Metre(0, 3, 4),))
    encoded = notes.encode(piece)
    assert encoded.fields[-1, PART] == END
    assert encoded.length_ticks == 72


def test_parts_keep_their_instruments_and_desks() -> None:
    tracks = (Track([(0, 24, 80, 80)], 40), Track([(0, 24, 70, 80)], 40),
              Track([(0, 24, 36, 80)], is_drum=True))  # fmt: skip
    back = notes.decode(notes.encode(Piece(tracks, 24)).fields)
    assert [track.label for track in back.tracks] == ["violin", "violin 2", "drums"]
    assert [track.notes["pitch"].tolist() for track in back.tracks] == [[80], [70], [36]]


def test_tempo_changes_are_events_and_tiny_ones_are_not() -> None:
    tempos = (Tempo(0, 120.0), Tempo(24, 120.4), Tempo(48, 60.0))
    piece = Piece((Track([(0, 96, 60, 80)]),), 24, tempos)
    back = notes.decode(notes.encode(piece).fields)
    assert [tempo.tick for tempo in back.tempos] == [0, 48]
    assert back.tempos[1].bpm == pytest.approx(60, rel=0.03)


def test_a_piece_without_notes_is_refused() -> None:
    with pytest.raises(InputError, match="without notes"):
        notes.encode(Piece((Track([]),), 24))


@pytest.mark.data
@pytest.mark.parametrize("name", ["freedoom_midi", "openscore_orchestra_midi", "groove_midi"])
def test_real_files_survive(data_dir: Path, name: str) -> None:
    for path in sorted((data_dir / name).rglob("*.mid"))[::40][:4]:
        piece = read(path)
        encoded = notes.encode(piece)
        back = notes.decode(encoded.fields, encoded.metres)
        np.testing.assert_array_equal(notes.encode(back).fields, encoded.fields)
        struck = {(n.onset_ticks, n.pitch) for t in piece.at_resolution(24).tracks for n in t}
        assert {(n.onset_ticks, n.pitch) for t in back.tracks for n in t} == struck
