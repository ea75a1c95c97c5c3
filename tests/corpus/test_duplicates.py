"""Copies are recognised whatever was done to them; different music is not taken for a copy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ritornello.corpus.duplicates import containment, near_groups, signature
from ritornello.corpus.scan import scan
from ritornello.music.grid import CORPUS_RESOLUTION, on_grid
from ritornello.music.piece import Piece, Track

NOTES = st.lists(
    st.tuples(st.integers(0, 500), st.integers(1, 200), st.integers(20, 100), st.integers(1, 127)),
    min_size=1,
    max_size=40,
)


def piece_of(notes: list[tuple[int, ...]], is_drum: bool = False) -> Piece:
    return on_grid(Piece((Track(notes, is_drum=is_drum),), resolution=CORPUS_RESOLUTION))[0]


@given(NOTES, st.integers(-20, 27))
def test_any_transposition_has_the_same_shape(notes: list[tuple[int, ...]], semitones: int) -> None:
    piece = piece_of(notes)
    moved = signature(piece.transposed(semitones))
    assert moved.shape_hash == signature(piece).shape_hash
    assert (moved.notes_hash == signature(piece).notes_hash) == (semitones == 0)
    assert np.array_equal(moved.whole.hashes, signature(piece).whole.hashes)


@given(NOTES, st.integers(1, 7))
def test_a_changed_pitch_or_a_drum_is_another_piece(
    notes: list[tuple[int, ...]], semitones: int
) -> None:
    piece = piece_of([*notes, (0, 5, 110, 80)])
    other = piece_of([*notes, (0, 5, 110 + semitones, 80)])
    assert signature(piece).shape_hash != signature(other).shape_hash
    assert signature(piece_of(notes, True)).shape_hash != signature(piece_of(notes)).shape_hash


@given(NOTES)
def test_part_layout_and_loudness_do_not_matter(notes: list[tuple[int, ...]]) -> None:
    table = piece_of(notes).tracks[0].notes
    softer = table.copy()
    softer["velocity"] = 1
    split = tuple(Track(part) for part in (softer[::2], softer[1::2]) if len(part))
    other = Piece(split, resolution=CORPUS_RESOLUTION)
    assert signature(other).notes_hash == signature(piece_of(notes)).notes_hash


@settings(max_examples=25)
@given(st.data())
def test_grid_leaves_one_note_a_pitch_and_tick_and_counts_the_merged(data: st.DataObject) -> None:
    notes = data.draw(NOTES)
    piece = Piece((Track(notes),), resolution=96)
    gridded, merged = on_grid(piece)
    table = gridded.tracks[0].notes
    assert len(table) + merged == len(notes)
    assert len({(row["onset"], row["pitch"]) for row in table}) == len(table)
    assert gridded.note_count
    assert on_grid(gridded) == (gridded, 0)


def test_versions_parts_and_arrangements_are_near_other_tunes_are_not(
    tune: Callable[..., Piece],
) -> None:
    base = on_grid(tune(1, notes=120))[0]
    melody = base.tracks[0]
    second = on_grid(tune(2, notes=120))[0].tracks[0]
    edited = melody.notes.copy()
    edited["pitch"][::40] += 1
    pieces = [
        base,
        replace(base, tracks=(replace(melody, notes=edited),)).transposed(3),  # edited, moved
        replace(base, tracks=(melody, second)),  # a score with this part
        on_grid(tune(3, notes=120))[0],
        on_grid(tune(4, notes=120, drums=True))[0],
        on_grid(tune(5, notes=120, drums=True))[0],
    ]
    assert near_groups([signature(piece) for piece in pieces]) == [[0, 1, 2]]


def test_a_short_part_is_found_in_a_score_too_long_for_its_sketch(
    tune: Callable[..., Piece],
) -> None:
    score = Piece(
        tuple(on_grid(tune(seed, notes=1500))[0].tracks[0] for seed in range(4)),
        resolution=CORPUS_RESOLUTION,
    )
    part = replace(score, tracks=score.tracks[:1])
    other = on_grid(tune(9, notes=1500))[0]
    assert containment(signature(score).whole, signature(part).whole) > 0.9
    assert containment(signature(part).whole, signature(other).whole) == 0.0


def test_an_accompaniment_everyone_uses_makes_no_group(tune: Callable[..., Piece]) -> None:
    vamp = Track([(i * 12, 12, 40 + (0, 7, 12, 7, 16, 19)[i % 6], 70) for i in range(60)])
    pieces = []
    for seed in range(80):
        own = on_grid(tune(seed, notes=20))[0].tracks[0]
        pieces.append(Piece((own, vamp), resolution=CORPUS_RESOLUTION))
    assert near_groups([signature(piece) for piece in pieces]) == []


def test_no_pieces_and_pieces_without_runs_make_no_groups() -> None:
    assert near_groups([]) == []
    assert near_groups([signature(piece_of([(0, 1, 60, 80)]))] * 3) == []


@pytest.mark.data
def test_arrangements_of_one_song_are_found_and_songs_kept_apart(data_dir: Path) -> None:
    # 798 arrangements by rules: styles differ, so do rhythm, key and every part but the tune.
    result = scan(data_dir, collections=["band_arranged_synth"])
    song = {item.path: item.path.split("__")[1].lower() for item in result.used}
    group = {item.path: item.group or item.path for item in result.used}
    pairs = list(combinations(song, 2))
    same = [(a, b) for a, b in pairs if song[a] == song[b]]
    found = [(a, b) for a, b in same if group[a] == group[b]]
    other = [(a, b) for a, b in pairs if song[a] != song[b] and group[a] == group[b]]
    assert len(same) > 300
    assert len(found) >= 0.95 * len(same)
    # Many of these are right: hymns of different names are sung to the same tune.
    assert len(other) <= 0.3 * len(same)
