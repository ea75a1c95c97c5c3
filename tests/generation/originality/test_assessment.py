"""Trying again until a piece copies no more than a limit, and indexes that are written once."""

from __future__ import annotations

from pathlib import Path

import pytest

from ritornello import api
from ritornello.corpus.store import Corpus, Entry, write_store
from ritornello.errors import ConfigError
from ritornello.generation.originality.index import INDEX_FILE, TrainingIndex, describe
from ritornello.music.piece import Piece, Track
from tests.examples import band

INDEX = TrainingIndex.build([band(seed) for seed in range(3)])


def scale(step: int) -> Piece:
    notes = [(12 * n, 12, 40 + n * step % 50, 80) for n in range(64)]
    return Piece((Track(notes),), 24)


def test_the_first_piece_within_the_limit_is_kept() -> None:
    made: list[int] = []

    def make(seed: int) -> Piece:
        made.append(seed)
        return band(len(made) - 1) if len(made) < 4 else scale(7)

    attempt = api.most_original(make, INDEX, seed=5)
    assert attempt.within_limit
    assert attempt.tries == len(made) == len(set(made)) == 4
    assert made[0] == 5
    assert attempt.seed == made[-1]
    assert attempt.piece == scale(7)
    assert attempt.originality.texture.shares[8] == 0


def test_without_one_the_piece_that_copies_least_is_kept_and_told() -> None:
    def half(seed: int) -> Piece:
        copied = band(1, bars=8 if seed != 1_000_003 + 2 else 3)
        new = [(n["onset"] + 96 * 8, 12, n["pitch"], 80) for n in scale(7).tracks[0].notes]
        return Piece((*copied.tracks, Track(new)), 24)

    attempt = api.most_original(half, INDEX, seed=2, tries=3)
    assert not attempt.within_limit
    assert attempt.tries == 3
    assert attempt.seed == 1_000_003 + 2


def test_a_wider_limit_takes_what_a_narrow_one_refuses() -> None:
    limit = api.Limit(longest_quarters=1000, two_bar_share=1, one_bar_share=1)
    assert api.most_original(band, INDEX, limit=limit).tries == 1
    with pytest.raises(ConfigError, match="At least one try"):
        api.most_original(band, INDEX, tries=0)


def test_one_bar_in_common_is_no_copy_in_a_short_piece() -> None:
    notes = [(12 * n, 12, pitch, 80) for n, pitch in enumerate([60, 61, 65, 50, 71, 55, 58, 49])]
    index = TrainingIndex.build([Piece((Track(notes),), 24)], held_out=[scale(7)])
    more = [(12 * n + 96, 12, 40 + n * 11 % 45, 80) for n in range(64)]
    attempt = api.most_original(lambda seed: Piece((Track([*notes, *more]),), 24), index)
    assert attempt.tries == 1
    assert attempt.originality.texture.shares[4] > index.held_out["texture"]["shares"]["4"]


def test_an_index_is_made_of_the_training_side_and_only_where_it_is_needed(tmp_path: Path) -> None:
    entries = [
        (band(seed), Entry(str(seed), "band", "valid" if seed == 3 else "train"))
        for seed in range(4)
    ]
    write_store(entries, tmp_path / "corpus", fingerprint="first")
    path = api.write_training_index(Corpus.open(tmp_path / "corpus"), tmp_path)
    assert path.name == INDEX_FILE
    index = TrainingIndex.load(path)
    assert index.held_out["pieces"] == 1
    assert index.measure(band(1)).texture.shares[8] == 1
    first = path.stat()
    api.write_training_index(Corpus.open(tmp_path / "corpus"), tmp_path)
    assert path.stat() == first, "it is there already"
    for content in (path.read_bytes()[:-50], b"noise"):
        path.write_bytes(content)
        api.write_training_index(Corpus.open(tmp_path / "corpus"), tmp_path)
        assert describe(path)["music"] == "first"
    write_store(entries[:2], tmp_path / "corpus", fingerprint="second")
    api.write_training_index(Corpus.open(tmp_path / "corpus"), tmp_path)
    assert describe(path)["music"] == "second"
