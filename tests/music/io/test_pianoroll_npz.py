"""Piano-roll files in the published layout, as pypianoroll reads and writes them."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from ritornello.errors import InputError, OutputError
from ritornello.music.io import read, read_with_repairs, write
from ritornello.music.io.pianoroll_npz import holdable, read_bytes, write_bytes
from ritornello.music.piece import Metre, Piece, Tempo, Track
from tests.oracles import pianoroll
from tests.strategies import pieces


def rolls(piece: Piece) -> list[np.ndarray]:
    """The piano-rolls drawn note by note, uint8 [steps, 128]."""
    drawn = []
    for track in holdable(piece).tracks:
        roll = np.zeros((piece.length_ticks, 128), np.uint8)
        for note in track:
            roll[note.onset_ticks : note.onset_ticks + note.duration_ticks, note.pitch] = (
                note.velocity
            )
        drawn.append(roll)
    return drawn


@settings(max_examples=25)
@given(piece=pieces(bars=2))
def test_what_we_write_is_in_the_published_layout(piece: Piece) -> None:
    theirs = pianoroll.load(write_bytes(piece))
    assert theirs.resolution == piece.resolution
    assert len(theirs.tracks) == len(piece.tracks)
    for track, roll, ours in zip(theirs.tracks, rolls(piece), piece.tracks, strict=True):
        np.testing.assert_array_equal(track.pianoroll, roll)
        assert track.is_drum == ours.is_drum
        assert track.program == ours.program
    assert theirs.downbeat is not None
    assert theirs.tempo is not None
    assert np.flatnonzero(theirs.downbeat).tolist() == piece.bar_starts_ticks().tolist()
    assert len(theirs.tempo) == piece.length_ticks


def test_we_read_what_pypianoroll_saved() -> None:
    """A file of pypianoroll 1.0.4: a track of velocities, one of yes and no, two bars of 3/4."""
    path = Path(__file__).with_name("saved_by_pypianoroll.npz")
    piece, repairs = read_with_repairs(path)
    assert repairs == ()
    assert (piece.title, piece.resolution, piece.length_ticks) == ("Song", 24, 96)
    assert piece.tempos == (Tempo(0, 97.5), Tempo(48, 120.0))
    assert piece.metres == (Metre(0, 3, 4),)
    piano, drums = piece.tracks
    assert [tuple(n) for n in piano] == [(0, 24, 60, 80), (0, 48, 64, 70), (24, 6, 60, 90)]
    assert (piano.program, piano.name, drums.is_drum, drums.name) == (3, "Piano", True, "")
    assert [tuple(note) for note in drums] == [(tick, 1, 36, 64) for tick in (0, 24, 48, 72)]


def test_the_judge_reads_and_writes_what_pypianoroll_saved(tmp_path: Path) -> None:
    published = Path(__file__).with_name("saved_by_pypianoroll.npz").read_bytes()
    theirs = pianoroll.load(published)
    theirs.save(tmp_path / "again.npz")
    for name in (old := np.load(io.BytesIO(published))).files:
        if name != "info.json":
            np.testing.assert_array_equal(np.load(tmp_path / "again.npz")[name], old[name])


def test_files_from_before_version_1_are_read() -> None:
    data = write_bytes(Piece(tracks=(Track([(0, 24, 60, 80)]),), resolution=24))
    old = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(old, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "info.json":
                info = json.loads(content)
                info["beat_resolution"] = info.pop("resolution")
                content = json.dumps(info).encode()
            target.writestr(name, content)
    assert read_bytes(old.getvalue(), "old.npz")[0].resolution == 24


def test_an_array_that_lies_about_its_size_costs_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    header = {"descr": "|b1", "fortran_order": False, "shape": (2**40, 1)}
    entry = io.BytesIO()
    np.lib.format.write_array_header_1_0(entry, header)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("downbeat.npy", entry.getvalue())
        archive.writestr("info.json", json.dumps({"resolution": 24, "name": ""}))
    with pytest.raises(InputError, match="damaged"):
        read(path)


def test_other_archives_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    np.savez(path, weights=np.zeros(3))
    with pytest.raises(InputError, match=r"info\.json"):
        read(path)


def test_a_roll_too_large_for_memory_is_refused(tmp_path: Path) -> None:
    piece = Piece(tracks=(), length_ticks=2**25)
    with pytest.raises(OutputError, match="at_resolution"):
        write(piece, tmp_path / "long.npz")
    assert list(tmp_path.iterdir()) == []


def test_bars_of_no_metre_keep_their_bar_lines() -> None:
    piece = Piece(
        tracks=(), resolution=24, metres=(Metre(0, 4, 4), Metre(103, 3, 4)), length_ticks=300
    )
    again = read_bytes(write_bytes(piece), "odd")[0]
    assert set(piece.bar_starts_ticks()) <= set(again.bar_starts_ticks())
