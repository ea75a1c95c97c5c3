"""Our model beside remix2023: told of a solo, it fills the song to the sample and is measured."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ritornello.errors import InputError
from ritornello.music import io
from ritornello.music.keys import parse_key
from ritornello.music.piece import Piece, Tempo, Track
from ritornello.papers.remix2023.ours import (
    Asked,
    Networks,
    Played,
    accompany,
    in_scale,
    read_asked,
    rest_db,
    solo_and_band,
)
from ritornello.separate.stem_folders import PARTS, StemSong
from tests.examples import band

RATE = 2000


def song_with_notes(folder: Path, seconds: float = 2.13) -> StemSong:
    """Four noisy stems, and beside them a MIDI file whose piano is the solo."""
    (folder / "tune").mkdir()
    io.write(band(bars=2), folder / "tune" / "tune.mid")
    samples = round(seconds * RATE)
    stems = np.random.default_rng(0).standard_normal((samples, len(PARTS))).astype("f4") / 20
    stems[RATE:, 0] = 0
    return StemSong("tune", stems.sum(axis=1), stems[:, 2], "piano", stems, RATE)


def test_only_tempo_metre_key_and_length_are_taken_from_a_solo() -> None:
    scale = [(24 * step, 24, pitch, 80) for step, pitch in enumerate((57, 60, 64, 57, 59, 60, 64))]
    solo = Piece((Track(scale),), 24, (Tempo(0, 90.0),))
    asked = read_asked(solo, 9.14)
    assert asked == Asked(90.0, (4, 4), parse_key("A natural minor"), 9.14)
    assert read_asked(replace(solo, tracks=()), 1.0).key is None


@pytest.mark.parametrize(("seconds", "bars"), [(8.0, 4), (8.001, 4), (8.1, 5), (0.001, 1)])
def test_whole_bars_cover_the_length(seconds: float, bars: int) -> None:
    assert Asked(120.0, (4, 4), None, seconds).bars == bars


def test_notes_in_a_scale_are_counted_without_drums() -> None:
    key = parse_key("C major")
    tune = Piece((Track([(0, 1, 60, 9), (1, 1, 61, 9)]), Track([(0, 1, 42, 9)], is_drum=True)))
    assert in_scale([(tune, key), (tune, None)]) == 50
    assert in_scale([(tune, None)]) is None


def test_noise_is_what_sounds_where_the_notes_rest() -> None:
    piece = Piece((Track([(0, 24, 40, 80)], 33, name="bass"),), 24, length_ticks=480)
    stems = np.zeros((10 * RATE, len(PARTS)), np.float32)
    tone = 0.5 * (-1.0) ** np.arange(len(stems))
    stems[: 2 * RATE, 0] = tone[: 2 * RATE]  # the note and its tail
    assert rest_db(piece, Played(piece, stems, 0.0), RATE) == -math.inf
    stems[:, 0] += tone / 500
    assert rest_db(piece, Played(piece, stems, 0.0), RATE) > -65


def test_a_song_without_its_notes_is_refused(tmp_path: Path) -> None:
    song = song_with_notes(tmp_path)
    with pytest.raises(InputError, match="no MIDI file with its solo"):
        solo_and_band(tmp_path, replace(song, name="other"))
    with pytest.raises(InputError, match="lead"):
        solo_and_band(tmp_path, replace(song, solo_name="lead"))


def test_ours_is_measured_beside_the_networks(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ritornello.papers.remix2023.ours._LONGER_SECONDS", (3.0, 5.7))
    song = song_with_notes(tmp_path)
    networks = Networks({"solo": [song.stems], "mix": [song.stems]}, 0.5, 1.0)
    found = accompany(tmp_path, [song], networks, tiny_model, out=tmp_path, seed=0)
    clicks, pauses, length, scale, cpu, memory = found.figures
    assert clicks.value == clicks.baselines["real stems"]
    assert clicks.ours is not None
    assert pauses.ours is not None
    assert (length.value, length.ours) == (0, 0)
    assert scale.ours == 100, "a key is a rule"
    assert scale.baselines["ours, not told the key"] < 100
    assert cpu.ours is not None
    assert cpu.ours > 0
    assert memory.ours == 1 * 2 * 16 * 4 / 1024, "one layer of two arrays of 16 numbers"
    assert "kept from it" in found.compared
    assert "0 samples off 5.7 s" in found.wishes["a remix of any duration the user asks for"]
    assert found.sample.sound is not None
    assert found.sample.midi is not None
    assert io.read(tmp_path / found.sample.midi).note_count > 0
    assert (tmp_path / found.sample.sound).stat().st_size > 0
