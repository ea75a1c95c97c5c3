"""Composed music keeps every rule exactly, whatever the model thinks."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from experiments.generated.judge import violations
from ritornello.errors import ConfigError
from ritornello.generation.composer import Composer
from ritornello.generation.instrumentation import read_instrumentations
from ritornello.generation.rules import Rules
from ritornello.generation.sampling import Sampling
from ritornello.music.instruments import INSTRUMENTS
from ritornello.music.io.midi_write import write_bytes
from ritornello.music.keys import SCALES, KeyName
from ritornello.note_model.engine.drawing import draw
from ritornello.note_model.engine.reference import Engine
from tests.generation.written import compose

INSTRUMENT_NAMES = [i.name for i in INSTRUMENTS]
RULES = st.fixed_dictionaries(
    {
        "bars": st.integers(1, 12),
        "metre": st.sampled_from(["4/4", "3/4", "6/8", "5/4", "7/8", "2/2", "12/8", "3/8"]),
        "tempo_bpm": st.integers(20, 320).map(float),
        "key": st.builds(KeyName, st.integers(0, 11), st.sampled_from([*SCALES])),
        "parts": st.lists(st.sampled_from(INSTRUMENT_NAMES), min_size=1, max_size=5, unique=True),
        "polyphony": st.fixed_dictionaries({}, optional={"all": st.integers(1, 4)}),
        "chords": st.sampled_from([None, "C", "Am7 F | N.C. C/E Bdim", "Ebm | Gsus4 | F#7 B Aaug"]),
        "ending": st.booleans(),
    }
)
REST_BEFORE_THE_LAST_BAR = {
    "bars": 12, "metre": "3/8", "tempo_bpm": 20.0, "key": "C major",
    "parts": ["drums", "double bass"], "polyphony": {"all": 1},
}  # fmt: skip
MANY_PARTS_IN_TWO_BARS = {
    "bars": 2, "metre": "3/8", "tempo_bpm": 100.0, "key": "C major",
    "parts": ["drums", "bass", "piano", "organ", "flute", "lead"],
}  # fmt: skip


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(rules=RULES, seed=st.integers(0, 2**32 - 1))
@example(rules=REST_BEFORE_THE_LAST_BAR, seed=7)
@example(rules=MANY_PARTS_IN_TWO_BARS, seed=45)
def test_an_independent_reader_finds_no_rule_broken(
    engine: Engine, rules: dict[str, Any], seed: int
) -> None:
    asked = Rules(**rules)
    piece = compose(engine, asked, seeds=[seed])[0]
    assert violations(write_bytes(piece), asked) == []
    assert piece.bar_count == asked.bars


def test_a_seed_gives_the_same_piece_in_any_batch(engine: Engine) -> None:
    rules = Rules(bars=4, parts=("piano", "drums"))
    together = compose(engine, rules, seeds=[5, 6, 7])
    alone = compose(engine, rules, seeds=[6])[0]
    assert together[1] == alone
    assert together[0] != together[1]


def test_open_rules_are_left_to_the_model(engine: Engine) -> None:
    piece = compose(engine, Rules(bars=2), seeds=[1])[0]
    assert piece.note_count > 0
    assert piece.bar_count == 2


def test_parts_left_open_are_a_line_up_of_the_training_music(engine: Engine) -> None:
    instrumentations = read_instrumentations([(("piano", "violin"), 3), (("cello", "flute"), 1)])
    pieces = compose(engine, Rules(bars=2), seeds=range(12), instrumentations=instrumentations)
    heard = {tuple(sorted(track.label for track in piece.tracks)) for piece in pieces}
    assert heard == {("piano", "violin"), ("cello", "flute")}


@pytest.mark.parametrize(
    "rules",
    [
        {"bars": 0}, {"metre": "4"}, {"metre": "4/3"}, {"metre": "33/4"}, {"tempo_bpm": 900},
        {"key": "H major"}, {"key": "C kazoo"}, {"parts": ()}, {"parts": ("kazoo",)},
        {"parts": ("drums", "drums")}, {"parts": ("violin",) * 5}, {"polyphony": {"piano": 0}},
        {"ranges": {"bass": (40, 30)}}, {"density": -1},
        {"parts": ("bass",), "key": "C major", "ranges": {"bass": (37, 37)}},
    ],
)  # fmt: skip
def test_rules_that_cannot_be_met_are_refused_before_any_work(rules: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Rules(**rules)


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 3), st.floats(0.05, 1), st.integers(0, 5))
def test_only_legal_and_likely_classes_are_drawn(
    seed: int, temperature: float, top_p: float, top_k: int
) -> None:
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(8, 12))
    legal = rng.random((8, 12)) < 0.5
    legal[:, 3] = True
    drawn = draw(logits, legal, rng.random(8), temperature, top_p, top_k)
    assert legal[np.arange(8), drawn].all()
    if top_k:
        better = ((logits > logits[np.arange(8), drawn, None]) & legal).sum(axis=1)
        assert (better < top_k).all()


def test_draws_follow_the_distribution() -> None:
    logits = np.log(np.tile([0.5, 0.3, 0.15, 0.05], (20_000, 1)))
    uniform = (np.arange(20_000) + 0.5) / 20_000
    found = np.bincount(draw(logits, None, uniform), minlength=4) / 20_000
    np.testing.assert_allclose(found, [0.5, 0.3, 0.15, 0.05], atol=1e-3)
    kept = np.bincount(draw(logits, None, uniform, top_p=0.6), minlength=4) / 20_000
    np.testing.assert_allclose(kept, [0.625, 0.375, 0, 0], atol=1e-3)


def test_a_temperature_of_zero_is_refused() -> None:
    with pytest.raises(ConfigError):
        Sampling(temperature=0)


def test_the_command_line_is_as_bold_as_the_library() -> None:
    from ritornello.cli.options import Making

    defaults = {field.name: field.default for field in dataclasses.fields(Making)}
    assert defaults["temperature"] == Sampling.temperature
    assert defaults["top_p"] == Sampling.top_p


def test_a_piece_by_each_rule_is_what_it_is_alone() -> None:
    composer = Composer.load()
    asked = [
        Rules(bars=2, collection="jazz"),
        Rules(bars=3, metre="3/4", parts=("piano", "bass"), key="D minor"),
        Rules(bars=1, parts=("drums",)),
    ]
    together = composer.compose_each(asked, seed=5)
    alone = [composer.compose(rules, seed=seed, form="none") for seed, rules in enumerate(asked, 5)]
    assert together == alone
    assert [piece.title for piece in together] == [piece.title for piece in alone]
    assert [piece.bar_count for piece in together] == [2, 3, 1]
