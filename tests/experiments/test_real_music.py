"""Real music is split into given and composed parts so that each note counts on the right side."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.generated.real_music import (
    CHORALES,
    chorale_figures,
    each_composed,
    harmony_figures,
    highest_given,
    measure_real,
)
from experiments.music_sets import MusicSets
from ritornello.corpus.store import Corpus, Entry, write_store
from tests.examples import band


def test_the_highest_part_is_given_and_drums_are_left_out() -> None:
    ((given, composed),) = highest_given(band())
    assert [track.name for track in given.tracks] == ["piano"]
    assert [track.name for track in composed.tracks] == ["bass"]
    assert given.metres == composed.metres == band().metres


def test_each_part_is_composed_once() -> None:
    song = band()
    song = replace(song, tracks=(*song.tracks, replace(song.tracks[0], name="organ")))
    pairs = [
        ([track.name for track in given.tracks], [track.name for track in composed.tracks])
        for given, composed in each_composed(song)
    ]
    assert pairs == [
        (["bass", "organ"], ["piano"]),
        (["piano", "organ"], ["bass"]),
        (["piano", "bass"], ["organ"]),
    ]


def test_a_lone_part_has_no_partner() -> None:
    alone = replace(band(), tracks=band().tracks[1:])  # bass and drums
    assert not [*each_composed(alone), *highest_given(alone)]
    assert harmony_figures([alone]) == {}


def test_chorales_are_compared_side_by_side(tmp_path: Path) -> None:
    tune = np.repeat([(72, 67, 64, 48), (74, 69, 65, 50)], 4, axis=0).tolist()
    found = chorale_figures(_chorales(tmp_path, {"train": [tune] * 9, "valid": [tune]}))
    assert [*found] == ["valid"]
    assert found["valid"]["Bach"]["parallel_octaves"] == 50
    assert found["valid"]["likelihood of the first-order chain"]["notes"] == 6


def test_every_collection_is_measured(tmp_path: Path) -> None:
    entries = (
        (band(number, 8), Entry(f"{number}.mid", "bands", "train" if number < 3 else "valid"))
        for number in range(6)
    )
    write_store(entries, tmp_path / "store")
    corpus = Corpus.open(tmp_path / "store")
    music = MusicSets(corpus, corpus.collections, frozenset())
    tune = [(72, 67, 64, 48)] * 4
    _chorales(tmp_path, {"train": [tune], "valid": [tune]})
    figures = measure_real(music, tmp_path)["figures"]
    harmony = figures["harmony"]["bands"]["each composed"]["as written"]
    # The bass has a note of each chord, the chord has one note of the bass.
    assert harmony["time_sounding"] == pytest.approx((1 + 1 / 3) / 2)
    assert figures["form"]["bands"]["pieces"] == [3, 3]
    assert figures["chorales"]["valid"]["chorales"] == 1


def _chorales(folder: Path, sides: Any) -> Path:
    path = folder / CHORALES
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress(json.dumps(sides).encode()))
    return path
