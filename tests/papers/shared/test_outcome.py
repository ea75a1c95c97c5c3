"""An outcome is read as it was written, and a damaged one is refused."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ritornello.errors import InputError
from ritornello.papers.shared.outcome import OUTCOME_FILE, Chart, Figure, Outcome, Table
from tests.papers.outcomes import rich_outcome

WORDS = st.text(max_size=20)
NUMBERS = st.floats(allow_nan=False)
NAMED = st.dictionaries(WORDS, NUMBERS, max_size=3)
FIGURES = st.builds(
    Figure,
    WORDS,
    st.none() | NUMBERS,
    WORDS,
    st.sampled_from(["lower", "higher", ""]),
    published=st.none() | NUMBERS,
    ours=st.none() | NUMBERS,
    baselines=NAMED,
    protocol=WORDS,
)
CELLS = st.none() | st.booleans() | st.integers() | NUMBERS | WORDS
TABLES = st.builds(Table, WORDS, st.lists(WORDS), st.lists(st.lists(CELLS, max_size=3)), WORDS)
LINES = st.dictionaries(WORDS, st.tuples(st.lists(NUMBERS), st.lists(NUMBERS)), max_size=2)
OUTCOMES = st.builds(
    Outcome,
    WORDS,
    st.sampled_from(["tiny", "small", "full"]),
    st.integers(0),
    data=WORDS,
    figures=st.lists(FIGURES, max_size=2),
    tables=st.lists(TABLES, max_size=2),
    charts=st.lists(st.builds(Chart, WORDS, WORDS, WORDS, LINES), max_size=2),
    weaknesses=st.lists(WORDS, max_size=2),
    wishes=st.dictionaries(WORDS, WORDS, max_size=2),
)


def test_whose_value_is_best_depends_on_what_is_better() -> None:
    beside = {"unigram": 3.0, "real music": 2.1, "target": 0.5}

    def winners(better: Literal["lower", "higher", ""], here: float | None) -> list[str]:
        figure = Figure("x", here, better=better, ours=1.0, published=0.1, baselines=beside)
        return figure.winners

    assert winners("lower", 2.0) == ["ours"]
    assert winners("lower", 0.9) == ["here"]
    assert winners("lower", 1.0) == ["here", "ours"]
    assert winners("lower", None) == ["ours"]
    assert winners("higher", 2.0) == ["unigram"]
    assert winners("", 2.0) == ["here"]  # the nearest to real music
    assert Figure("x", 1.0, ours=2.0).winners == []
    assert Figure("x", 1.0, better="lower", published=2.0).winners == []


@given(OUTCOMES)
def test_what_is_written_is_read(outcome: Outcome) -> None:
    with TemporaryDirectory() as folder:
        outcome.save(Path(folder))
        assert Outcome.load(Path(folder)) == outcome


def test_one_of_everything_is_kept(tmp_path: Path) -> None:
    outcome = rich_outcome("lakh-lstm", tmp_path)
    outcome.charts = outcome.charts[1:]  # gaps in curves are not equal to themselves
    outcome.save(tmp_path)
    assert Outcome.load(tmp_path) == outcome


def test_the_figure_that_stands_for_a_run_was_measured_on_both() -> None:
    here, both = Figure("here", 1.0), Figure("both", 2.0, ours=1.0)
    outcome = Outcome("remix2023", "tiny", 0, figures=[Figure("none", None), here, both])
    assert outcome.key_figure == both
    assert outcome.is_compared
    outcome.figures = outcome.figures[:2]
    assert outcome.key_figure == here
    assert not outcome.is_compared
    assert Outcome("remix2023", "tiny", 0).key_figure is None


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"id": "a"}', '{"figures": 3}'])
def test_a_damaged_outcome_is_refused(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / OUTCOME_FILE).write_text(text)
    with pytest.raises(InputError, match="No outcome"):
        Outcome.load(tmp_path)
