"""Sound files made in blocks hold the samples that `render` and `render_stems` give."""

from __future__ import annotations

import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from ritornello.dsp.scratch import Scratch, refuse_full_disk
from ritornello.dsp.sound_files import read_audio, write_audio
from ritornello.errors import OutputError
from ritornello.files import render as write_sound
from ritornello.music.piece import Piece, Tempo, Track
from ritornello.synth.render import render, render_stems


def band(seconds: int = 14) -> Piece:
    """Piano twice and drums, longer than the blocks that are made at a time."""
    beats = range(2 * seconds)
    piano = [(480 * beat, 400, 60 + beat % 5, 60 + beat % 60) for beat in beats]
    drums = [(480 * beat, 60, (36, 46)[beat % 2], 100) for beat in beats]
    return Piece((Track(piano, 0), Track(piano, 1), Track(drums, is_drum=True), Track([], 40)))


@pytest.mark.parametrize("ending", ["wav", "flac", "mp3"])
def test_the_files_are_those_of_the_sound_in_memory(tmp_path: Path, ending: str) -> None:
    piece = band()
    write_audio(render(piece), tmp_path / f"memory.{ending}")
    (path,) = write_sound(piece, tmp_path / f"blocks.{ending}")
    assert path.read_bytes() == (tmp_path / f"memory.{ending}").read_bytes()


def test_the_stems_are_those_in_memory(tmp_path: Path) -> None:
    piece = band()
    paths = write_sound(piece, tmp_path / "song.wav", stems=True)[1:]
    stems = render_stems(piece)
    assert [path.stem.replace("-", " ") for path in paths] == list(stems)
    for path, stem in zip(paths, stems.values(), strict=True):
        write_audio(stem, tmp_path / "stem.wav", overwrite=True)
        found, expected = read_audio(path), read_audio(tmp_path / "stem.wav")
        np.testing.assert_array_equal(found.samples, expected.samples)
    assert {path.name for path in tmp_path.iterdir()} == {"song.wav", "stem.wav", "song-stems"}


@pytest.mark.parametrize("piece", [Piece(()), Piece((Track([]),)), Piece((), length_ticks=4800)])
def test_a_piece_without_notes_is_silence_and_has_no_stems(tmp_path: Path, piece: Piece) -> None:
    (path,) = write_sound(piece, tmp_path / "silence.wav", stems=True)
    assert path.stat().st_size > 1000
    assert not (tmp_path / "silence-stems").exists()


def test_memory_does_not_grow_with_the_music(tmp_path: Path) -> None:
    def peak(minutes: int) -> int:
        # At 60 beats a minute and 60 ticks a beat a tick is a sixtieth of a second.
        notes = [(3600 * minutes * n // 4, 100, 60, 80) for n in range(4)]
        piece = Piece((Track(notes, 73),), 60, (Tempo(0, 60.0),))
        tracemalloc.start()
        try:
            write_sound(piece, tmp_path / "song.wav", overwrite=True)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1)  # what is decoded once
    assert peak(5) - peak(1) < 16 * 2**20  # four minutes are 85 MB of samples


def test_a_disk_that_is_too_small_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="GB"):
        refuse_full_disk(tmp_path, 10**15, 2)


def test_what_is_kept_comes_back_and_no_folder_lists_it(tmp_path: Path) -> None:
    scratch = Scratch(tmp_path)
    sound = np.random.default_rng(0).normal(size=(2, 1000)).astype(np.float32)
    scratch.write(sound[:, :300])
    scratch.write(sound[:, 300:])
    np.testing.assert_array_equal(scratch.read(200, 500), sound[:, 200:700])
    assert scratch.peak == np.abs(sound).max()
    assert not list(tmp_path.iterdir()) or sys.platform == "win32"
    scratch.close()
