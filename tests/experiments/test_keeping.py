"""The table of what people keep: ranks, rows and held-out pieces are what they are said to be."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from experiments.generated import keeping
from experiments.generated.keeping import (
    Table,
    as_json,
    held_out,
    markdown,
    rank_correlation,
    soprano,
    told_apart,
)
from ritornello.corpus.store import Corpus, Entry, write_store
from ritornello.generation.originality.index import TrainingIndex
from ritornello.metrics.keeping.two_sample import tell_apart
from ritornello.music.piece import Piece, Track
from tests.examples import band
from tests.plan.songs import phrase, song


def test_ranks_correlate_whatever_the_scale() -> None:
    asked = np.repeat([0.5, 1.5, 4.0], 4)
    assert rank_correlation(asked, asked**3) == pytest.approx(1)
    assert rank_correlation(asked, -asked) == pytest.approx(-1)
    got = np.array([1, 2, 3, 4] * 3)
    assert rank_correlation(asked, got) == pytest.approx(0)


def test_the_table_has_a_row_a_figure_and_a_column_a_set() -> None:
    made = Table()
    made.add("a, real", [song(phrase(1), phrase(1))], None)
    made.add("b", [band()], TrainingIndex.build([band()]), "a, real")
    made.more["further"] = {"b": 0.25}
    rows = [*markdown(made.rows())]
    assert {row.count("|") for row in rows} == {4}
    assert "| further |  | .250 |" in rows
    assert "| two bars that stand in the training music |  | 1.000 |" in rows
    found = as_json(made)
    assert found["a, real"]["bars that return"]["mean"] == 0.5
    assert found["a, real"]["pieces"] == 1
    assert 0 <= found["b"]["rows of three chords"] <= 1


@pytest.fixture
def quick_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks that hardly learn."""
    monkeypatch.setattr(keeping, "tell_apart", partial(tell_apart, folds=2, epochs=1, excerpts=1))


@pytest.mark.usefixtures("quick_networks")
def test_sets_are_told_apart_one_by_one_and_together() -> None:
    real, others, made = (
        [band(n, bars=8) for n in range(first, first + 4)] for first in (0, 9, 20)
    )
    rows = told_apart({"bands": (real, others, made)}, seed=0)
    assert {*next(iter(rows.values()))} == {
        *("bands, composed", "bands, other real", "all, composed", "all, other real")
    }
    assert all(0 <= value <= 1 for row in rows.values() for value in row.values())


def test_held_out_pieces_are_long_enough_and_of_the_set(tmp_path: Path) -> None:
    pieces = [(band(1, bars=20), "valid"), (band(2, bars=8), "valid"), (band(3, bars=20), "train")]
    entries = [(piece, Entry(f"{n}", "bands", side)) for n, (piece, side) in enumerate(pieces)]
    write_store(entries, tmp_path / "store")
    found = held_out(Corpus.open(tmp_path / "store"), "bands", 5)
    assert [piece.bar_count for piece in found] == [20]


@pytest.mark.usefixtures("quick_networks")
def test_the_table_of_a_model_is_printed_and_kept(
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sides = ["train"] * 4 + ["valid"] * 4
    entries = [(band(n, bars=16), Entry(f"{n}", "rags", side)) for n, side in enumerate(sides)]
    write_store(entries, tmp_path / "store")
    monkeypatch.setattr(keeping, "SETS", {"rags": "rags"})
    monkeypatch.setattr(keeping, "open_sets", lambda store, data: Corpus.open(store))
    words = f"keeping --model {tiny_model} --pieces 4 --store {tmp_path / 'store'} --results"
    monkeypatch.setattr(sys, "argv", [*words.split(), str(tmp_path / "found.json")])
    keeping.main()
    said = capsys.readouterr().out
    names = ["rags, real", "rags, other real", "rags, composed", "defaults", "piano alone"]
    assert f"|  | {' | '.join(names)} |" in said
    assert "| told from the real set, AUC |" in said
    (found,) = json.loads((tmp_path / "found.json").read_text()).values()
    assert {*names, "all, composed"} <= {*found["figures"]}


def test_the_soprano_is_the_highest_part() -> None:
    voices = [Track([(0, 24, pitch, 80)], 52, name=str(pitch)) for pitch in (60, 72, 48)]
    assert soprano(Piece(tuple(voices), 24)).name == "72"
