"""LPD-5: folders in the published layout, and the merge, with the published layout as the judge."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from ritornello.errors import InputError
from ritornello.music.io import read
from ritornello.music.io.pianoroll_npz import holdable
from ritornello.music.piece import Metre, Piece, Track
from ritornello.papers.hybrid_gru2023 import lpd5
from tests.oracles.pianoroll import Multitrack, Roll, blended, load
from tests.strategies import tracks

LENGTH = 192
# What each family of eight programs becomes; None is left out.
FAMILIES = (
    *("Piano", "Strings", "Strings", "Guitar", "Bass"),
    *["Strings"] * 7,
    *(None, "Strings", None, None),
)


def roll(track: Track) -> np.ndarray:
    drawn = np.zeros((LENGTH, 128), np.uint8)
    for note in track:
        cells = drawn[note.onset_ticks : note.onset_ticks + note.duration_ticks, note.pitch]
        np.maximum(cells, note.velocity, out=cells)
    return drawn


def multitrack(seed: int, programs: list[int], bar_steps: int = 96) -> Multitrack:
    rng = np.random.default_rng(seed)
    downbeat = np.zeros((LENGTH, 1), bool)
    downbeat[::bar_steps] = True
    made = []
    for number, program in enumerate(programs):
        pianoroll = np.zeros((LENGTH, 128), np.uint8)
        for _ in range(12):
            start, pitch = rng.integers(LENGTH - 24), rng.integers(40, 60)
            pianoroll[start : start + rng.integers(1, 24), pitch] = rng.integers(1, 128)
        made.append(
            Roll(name=f"track {number}", program=program, is_drum=number == 0, pianoroll=pianoroll)
        )
    tempo = np.full((LENGTH, 1), 110.0)
    return Multitrack(name="Song", resolution=24, tempo=tempo, downbeat=downbeat, tracks=made)


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A small folder in the layout of lpd_5_cleansed, and what would not be in it."""
    root = tmp_path / "lpd_5_cleansed"
    songs = {
        "A/A/B/TRAABXS128F92F0FE6/06f1.npz": multitrack(1, [0, 0, 24, 32, 48]),
        "A/A/B/TRAABXS128F92F0FE6/77aa.npz": multitrack(2, [0, 0, 24, 32, 48]),
        "B/Q/C/TRBQCYD12903CF18E9/91bc.npz": multitrack(3, [0, 3, 30, 36, 41, 66, 99, 120]),
        "C/E/K/TRCEKMN128F428A5C3/aa00.npz": multitrack(4, [0, 0, 24, 32, 48], bar_steps=72),
    }
    for path, music in songs.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        music.save(root / path)
    damaged = root / "D/A/A/TRDAAAA128F1234567/ff.npz"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"not a zip")
    return root


def test_one_file_a_song_is_found(published: Path) -> None:
    found = lpd5.find(published)
    assert found.songs == (
        "TRAABXS128F92F0FE6",
        "TRBQCYD12903CF18E9",
        "TRCEKMN128F428A5C3",
        "TRDAAAA128F1234567",
    )
    assert [path.name for path in found.files] == ["06f1.npz", "91bc.npz", "aa00.npz", "ff.npz"]
    assert found.more_of_a_song == 1


def test_a_folder_without_rolls_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lpd_5_cleansed"):
        lpd5.find(tmp_path)


def test_the_rules_of_the_cleansed_set_are_told(published: Path) -> None:
    paths = lpd5.find(published).files
    assert lpd5.read_song(paths[0]).metres == (Metre(0, 4, 4),)
    with pytest.raises(InputError, match="In 3/4"):
        lpd5.read_song(paths[2])
    with pytest.raises(InputError, match="piano-roll"):
        lpd5.read_song(paths[3])
    pick_up = Piece((), 24, metres=(Metre(0, 1, 4), Metre(24, 4, 4)))
    assert "first beat" in lpd5.broken_rule(pick_up)


def test_a_published_file_comes_back_as_it_is(published: Path) -> None:
    path = lpd5.find(published).files[0]
    piece = lpd5.read_song(path)
    assert [(track.name, track.program) for track in piece.tracks] == [*lpd5.TRACKS]
    theirs = load(path.read_bytes())
    for track, source in zip(piece.tracks, theirs.tracks, strict=True):
        np.testing.assert_array_equal(roll(track), source.pianoroll)


def test_many_tracks_are_merged_to_the_loudest_of_them(published: Path) -> None:
    path = lpd5.find(published).files[1]
    piece, left_out = lpd5.five_tracks(read(path))
    theirs = load(path.read_bytes())
    for track in piece.tracks:
        members = [
            source
            for source in theirs.tracks
            if ("Drums" if source.is_drum else FAMILIES[source.program // 8]) == track.name
        ]
        merged = blended(members)
        np.testing.assert_array_equal(roll(track), merged)
    effects = {"track 6", "track 7"}
    assert left_out == sum(len(track) for track in read(path).tracks if track.name in effects)


@settings(max_examples=25)
@given(track=tracks(24, LENGTH - 96))
def test_detached_notes_can_be_told_apart_in_a_roll(track: Track) -> None:
    piece = Piece((track,), 24, length_ticks=LENGTH)
    rolled = holdable(lpd5.detach_repeats(piece)).tracks[0]
    longer = {(n.onset_ticks, n.pitch) for n in holdable(piece).tracks[0]}
    assert longer <= {(n.onset_ticks, n.pitch) for n in rolled}
    apart = Piece((Track([(0, 24, 60, 80), (24, 24, 60, 80)]),), 24)
    assert len(holdable(apart).tracks[0]) == 1
    assert len(holdable(lpd5.detach_repeats(apart)).tracks[0]) == 2


def test_the_split_is_exact_and_does_not_depend_on_the_order() -> None:
    songs = [f"TR{number:04}" for number in range(50)]
    sides = lpd5.split_sides(songs)
    assert [*sides.values()].count("train") == 40
    assert sides == lpd5.split_sides(songs[::-1])
    assert sides != lpd5.split_sides(songs, seed=1)
