"""ABC: the written notes on the written grid, with the converter's complaints."""

from __future__ import annotations

from pathlib import Path

import pytest

from ritornello.errors import InputError
from ritornello.music.io.abc import read_bytes, split_tunebook
from ritornello.music.keys import KeyName
from ritornello.music.piece import KeyChange, Metre

TUNE = b"""X:1
T:Kleines Lied
M:3/4
L:1/4
Q:1/4=90
K:G
"G"G A B | "D7"(3ABc d2 |]
"""


def test_notes_lie_on_the_written_grid():
    piece, _ = read_bytes(TUNE, "lied.abc")
    quarter = piece.resolution
    notes = piece.tracks[0].notes
    third = quarter // 3 * 2
    assert notes["pitch"].tolist() == [67, 69, 71, 69, 71, 72, 74]
    starts = [0, quarter, 2 * quarter, *(3 * quarter + third * i for i in range(3)), 5 * quarter]
    assert notes["onset"].tolist() == starts
    assert notes["duration"].tolist() == [quarter] * 3 + [third] * 3 + [2 * quarter]
    assert piece.length_ticks == 7 * quarter


def test_title_metre_key_and_tempo():
    piece, _ = read_bytes(TUNE, "lied.abc")
    assert piece.title == "Kleines Lied"
    assert piece.metres == (Metre(0, 3, 4),)
    assert piece.keys == (KeyChange(0, KeyName(7, "major")),)
    assert piece.tempos[0].bpm == 90


def test_chord_symbols_make_no_notes_and_are_counted():
    piece, repairs = read_bytes(TUNE, "lied.abc")
    assert len(piece.tracks) == 1
    assert "2 chord symbols were left out: they are names, not notes." in repairs


def test_voices_become_parts():
    data = b"X:1\nM:4/4\nL:1/4\nK:C\nV:1\nCDEF|\nV:2\nC,2E,2|\n"
    piece, _ = read_bytes(data, "two.abc")
    assert [track.notes["pitch"].tolist() for track in piece.tracks] == [[60, 62, 64, 65], [48, 52]]


def test_the_faults_the_converter_finds_are_reported_with_their_line():
    _, repairs = read_bytes(TUNE.replace(b"(3ABc d2", b"A B y$ c d"), "lied.abc")
    assert any(repair.startswith("Line 7: ") for repair in repairs)


def test_of_a_book_the_first_tune_is_read_and_all_are_split():
    book = b"%%MIDI program 1\n" + TUNE + b"\n" + TUNE.replace(b"X:1", b"X:2")
    piece, repairs = read_bytes(book, "book.abc")
    assert piece.note_count == 7
    assert repairs[0] == "The book holds 2 tunes; this is the first."
    tunes = split_tunebook(book)
    assert len(tunes) == 2
    assert all(tune.startswith(b"%%MIDI program 1\nX:") for tune in tunes)
    assert read_bytes(tunes[1], "book.abc")[0].note_count == 7


def test_other_files_are_not_included(tmp_path: Path):
    secret = tmp_path / "secret.abc"
    secret.write_bytes(b"CDEF|\n")
    data = TUNE + f"%%abc-include {secret}\n".encode()
    piece, repairs = read_bytes(data, "lied.abc")
    assert piece.note_count == 7
    assert "1 included files were left out." in repairs


@pytest.mark.parametrize("data", [b"CDEF|", b"X:1\n", b"\x00\x01\x02X:"])
def test_what_has_no_tune_is_refused(data: bytes):
    with pytest.raises(InputError, match=r"none\.abc"):
        read_bytes(data, "none.abc")


@pytest.mark.data
def test_a_hymn_has_four_voices_that_end_together(data_dir: Path):
    path = data_dir / "open_hymnal_midi" / "abc" / "A_Great_and_Mighty_Wonder.abc"
    piece, _ = read_bytes(path.read_bytes(), str(path))
    assert len(piece.tracks) == 4
    assert {track.end_ticks for track in piece.tracks} == {piece.length_ticks}
    sixteenth = piece.resolution // 4
    for track in piece.tracks:  # a fermata moves the last notes
        assert (track.notes["onset"][:-2] % sixteenth == 0).all()
