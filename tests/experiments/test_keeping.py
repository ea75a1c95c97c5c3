"""The table of what people keep: ranks, rows and held-out pieces are what they are said to be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from experiments.generated.keeping import as_json, held_out, markdown, rank_correlation, soprano
from ritornello.corpus.store import Corpus, Entry, write_store
from ritornello.metrics.keeping.sets import measure_set, table
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
    columns = {"a, real": measure_set([song(phrase(1), phrase(1))]), "b": measure_set([band()])}
    rows = [*markdown(table(columns, ["a, real"]))]
    assert {row.count("|") for row in rows} == {4}
    found = as_json(columns)["a, real"]
    assert found["bars that return"]["mean"] == 0.5
    assert found["pieces"] == 1


def test_held_out_pieces_are_long_enough_and_of_the_set(tmp_path: Path) -> None:
    pieces = [(band(1, bars=20), "valid"), (band(2, bars=8), "valid"), (band(3, bars=20), "train")]
    entries = [(piece, Entry(f"{n}", "bands", side)) for n, (piece, side) in enumerate(pieces)]
    write_store(entries, tmp_path / "store")
    found = held_out(Corpus.open(tmp_path / "store"), "bands", 5)
    assert [piece.bar_count for piece in found] == [20]


def test_the_soprano_is_the_highest_part() -> None:
    voices = [Track([(0, 24, pitch, 80)], 52, name=str(pitch)) for pitch in (60, 72, 48)]
    assert soprano(Piece(tuple(voices), 24)).name == "72"
