"""What the scorecard computes itself: nats far into long pieces, and figures as JSON."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from experiments.music_sets import MusicSets
from experiments.scorecard import length_ratio, plain, spread
from ritornello.corpus.store import Corpus, Entry, write_store
from ritornello.note_model import checkpoint
from ritornello.note_model.encoding.sequences import sequences
from ritornello.note_model.engine.reference import Engine
from ritornello.note_model.likelihood import score
from tests.examples import band

LENGTH = 50


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> MusicSets:
    folder = tmp_path_factory.mktemp("store")
    lengths_bars = (40, 4, 60, 50)
    entries = (
        (band(number, bars), Entry(f"{number}.mid", "bands", "valid"))
        for number, bars in enumerate(lengths_bars)
    )
    write_store(entries, folder)
    corpus = Corpus.open(folder)
    return MusicSets(corpus, corpus.collections, frozenset({"0.mid", "1.mid", "2.mid"}))


def test_the_same_notes_are_compared_with_and_without_what_came_before(
    music: MusicSets, tiny_model: Path
) -> None:
    model = checkpoint.load(checkpoint.find(tiny_model))
    found = length_ratio(model, music, LENGTH, 5)
    assert found["pieces"] == 2  # one is too short, one is not new to the model
    rows = [
        sequences(band(n, bars), None, 2, open_probability=1.0) for n, bars in ((0, 40), (2, 60))
    ]
    engine = Engine(model)
    afresh = score(engine, [row.part(3 * LENGTH, LENGTH) for row in rows]).sum()
    assert found["nats_per_note_at_1x"] == pytest.approx(afresh / found["notes_compared"])
    whole = score(engine, [row.part(0, 4 * LENGTH) for row in rows]).sum()
    tempo_events = len(rows)  # a piece begins with its tempo, which is no note
    stretches = np.array(found["nats_per_note_by_stretch"])
    assert LENGTH * 2 * stretches.sum() - tempo_events * stretches[0] == pytest.approx(whole)


def test_pieces_are_spread_over_the_set(music: MusicSets) -> None:
    assert len(spread(music, "bands", 10)) == 3
    first, last = spread(music, "bands", 2)
    assert (first[1].bar_count, last[1].bar_count) == (40, 60)


def test_figures_become_json() -> None:
    found = plain({4: [np.float64(1.23456), math.nan, 7], "name": (True, None)})
    assert json.loads(json.dumps(found)) == {"4": [1.2346, None, 7], "name": [True, None]}
