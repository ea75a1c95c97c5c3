"""Names of any length: cut and told when read, short on pictures, and no work for a reader."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from ritornello.errors import RitornelloError
from ritornello.music.io import LONGEST_NAME, read_with_repairs
from ritornello.music.io.midi_read import read_bytes
from ritornello.music.piece import Piece, Track

LONG = "Name " * 200_000
PIECE = Piece((Track([(0, 480, 60, 80)], name=LONG), Track([(0, 480, 62, 80)], 40)), title=LONG)


@pytest.mark.parametrize("ending", ["mid", "musicxml", "npz"])
def test_long_names_are_cut_and_told(tmp_path: Path, ending: str) -> None:
    path = PIECE.save(tmp_path / f"piece.{ending}")
    piece, repairs = read_with_repairs(path)
    assert len(piece.title) == len(piece.tracks[0].name) == LONGEST_NAME
    told = [repair for repair in repairs if "was cut" in repair]
    assert len(told) == 2
    assert "track 1" in " ".join(told)


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_pictures_show_the_beginning_of_long_names(tmp_path: Path, ending: str) -> None:
    path = PIECE.save(tmp_path / f"piece.{ending}")
    assert path.stat().st_size < 100_000


def midi(track: bytes) -> bytes:
    header = b"MThd" + struct.pack(">IHHH", 6, 1, 1, 480)
    return header + b"MTrk" + struct.pack(">I", len(track)) + track


@pytest.mark.parametrize("length", [b"\x81", b"\xff", b"\x80"])
def test_a_length_that_never_ends_takes_no_time(length: bytes) -> None:
    with pytest.raises(RitornelloError):
        read_bytes(midi(b"\x00\xff\x03" + 2_000_000 * length), "hostile")


@pytest.mark.parametrize("number", ["", "x", "-1", "1", "99999", "1e3", "٣", "9" * 300])
def test_markers_like_our_own_are_ignored_and_told(number: str) -> None:
    text = f"ritornello:end:{number}".encode()
    marker = b"\x00\xff\x06" + bytes([0x82, len(text) - 256] if len(text) > 255 else
                                     [0x81, len(text) - 128] if len(text) > 127 else
                                     [len(text)]) + text  # fmt: skip
    notes = b"\x00\x90\x3c\x50\x60\x80\x3c\x00\x00\xff\x2f\x00"
    piece, repairs = read_bytes(midi(marker + notes), "foreign")
    assert piece.note_count == 1
    assert any("marker" in repair for repair in repairs)
