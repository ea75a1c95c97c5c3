"""What every registered format promises."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ritornello.errors import RitornelloError
from ritornello.music.io import (
    FORMATS,
    Format,
    midi_write,
    pianoroll_npz,
    read_with_repairs,
    readable_extensions,
    writable_extensions,
    write,
)
from ritornello.music.io.abc import write as abc_write
from ritornello.music.io.limits import Remark
from ritornello.music.io.musicxml import write as musicxml_write
from ritornello.music.piece import Piece, Track
from tests.strategies import full_pieces, pieces, scores, tunes


def _as_score(piece: Piece) -> Piece | None:
    return piece if musicxml_write.holdable(piece) else None


def _as_tune(piece: Piece) -> Piece | None:
    return abc_write.holdable(piece) if piece.note_count else None


# What a format keeps of a piece; None for pieces it promises nothing about.
KEPT = {
    "MIDI": (full_pieces(), midi_write.holdable),
    "ABC": (tunes(), _as_tune),
    "piano-roll": (pieces(), pianoroll_npz.holdable),
    "MusicXML": (scores(), _as_score),
    "compressed MusicXML": (scores(), _as_score),
}
BOTH_WAYS = [entry for entry in FORMATS if entry.reader and entry.writer]
READ = [entry for entry in FORMATS if entry.reader]


def test_every_format_that_is_read_and_written_says_what_it_keeps() -> None:
    assert {entry.name for entry in BOTH_WAYS} == set(KEPT)


@pytest.mark.parametrize("entry", BOTH_WAYS, ids=lambda entry: entry.name)
@settings(max_examples=80, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_is_written_is_read_back_exactly(entry: Format, data: st.DataObject) -> None:
    strategy, kept = KEPT[entry.name]
    piece = data.draw(strategy)
    held = kept(piece)
    assume(held is not None)
    again, repairs = entry.read_bytes(entry.write_bytes(piece), "written")
    assert again == held
    assert [repair for repair in repairs if not isinstance(repair, Remark)] == []
    assert kept(held) == held, "keeping what was kept changes nothing"


@pytest.mark.parametrize("extension", writable_extensions())
def test_a_file_is_written_and_read_through_its_ending(extension: str, tmp_path: Path) -> None:
    piece = Piece(tracks=(Track([(0, 480, 60, 80), (480, 480, 64, 80)], program=40),))
    path = write(piece, tmp_path / f"tune{extension.upper()}")
    again, repairs = read_with_repairs(path)
    assert again.tracks[0].notes.tolist() == piece.tracks[0].notes.tolist()
    assert repairs == ()


@pytest.mark.parametrize("extension", writable_extensions())
def test_the_same_piece_gives_the_same_bytes(extension: str, tmp_path: Path) -> None:
    piece = Piece(tracks=(Track([(0, 480, 60, 80)]),), title="Same")
    first, second = (write(piece, tmp_path / f"{name}{extension}") for name in "ab")
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("extension", readable_extensions())
@pytest.mark.parametrize("content", [b"\0", b"no music", bytes(range(256)) * 8], ids=len)
def test_what_is_no_music_is_refused_with_its_name(
    extension: str, content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / f"broken{extension}"
    path.write_bytes(content)
    with pytest.raises(RitornelloError, match=f"broken{extension}: "):
        read_with_repairs(path)
