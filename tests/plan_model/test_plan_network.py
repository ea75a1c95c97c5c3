"""The plan network: steps equal the full pass, without torch too, and what is stated is kept."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ritornello.errors import CheckpointError, ConfigError
from ritornello.music.keys import parse_key
from ritornello.plan.analysis import analyse
from ritornello.plan.plan import OPEN, Plan
from ritornello.plan.plan_text import parse_plan
from ritornello.plan.players import parse_player
from ritornello.plan.song_form import form_plan, parse_form
from ritornello.plan_model import plan_baselines
from ritornello.plan_model.network_inputs import mode_of_key, played_row, static_of
from ritornello.plan_model.past import Past
from ritornello.plan_model.plan_engine import PlanEngine
from ritornello.plan_model.plan_network import PlanNet, PlanNetConfig, stacked
from ritornello.plan_model.plan_rows import BEGINS, FIELDS, LABEL, NONE, rows_of
from ritornello.plan_model.plan_training import (
    PlanTraining,
    Taught,
    collections_of,
    saved,
    score,
    train,
)
from ritornello.plan_model.plan_writing import write_plans
from tests.examples import band
from tests.plan.songs import phrase, song

PLAYERS = tuple(parse_player(name) for name in ("drums", "bass", "piano"))


@pytest.fixture(scope="module")
def taught() -> list[Taught]:
    a, b = phrase(1), phrase(2)
    songs = [song(a, a, b, a), song(a, b, a), band(1, bars=16), band(2, metre=(3, 4))]
    return [Taught.of("songs" if i < 2 else "bands", analyse(s)) for i, s in enumerate(songs)]


@pytest.fixture(scope="module")
def model() -> PlanNet:
    torch.manual_seed(0)
    config = PlanNetConfig(layers=2, width=24, head_width=16, dropout=0.0, collections=2)
    return PlanNet(config).eval()


@torch.no_grad()
def test_steps_without_torch_equal_the_full_pass(model: PlanNet, taught: list[Taught]) -> None:
    plans, names = [one.inputs for one in taught], collections_of(taught)
    owners = [names.index(one.collection) for one in taught]
    batch = stacked(plans, owners, [False] * len(plans))
    fields, players, _ = model(batch, model.initial_state(len(plans)))
    engine = PlanEngine(saved(model, names, {}), int8=False)
    for row, one in enumerate(taught):
        past = Past(one.rows.players, one.rows.metres, one.rows.lengths.tolist())
        static, in_piece = static_of(past, int(one.inputs.static[0]))
        condition = engine.condition(np.append(static, owners[row])[None], in_piece[None])
        state = engine.initial_state(1)
        wanted = players[(batch.place % len(plans)) == row].numpy()
        found = []
        for bar in range(len(one.rows)):
            now, plays = one.rows.fields[bar].tolist(), one.rows.plays[bar].tolist()
            hidden, state = engine.step(
                np.array([past.trunk()]), played_row(past)[None], condition, state
            )
            for index, name in enumerate(FIELDS):
                columns = np.array([past.head(name, now, sum(plays))], np.int64)
                bits = None
                if name == "back":
                    bits = past.candidates(now[BEGINS], now[LABEL])[None]
                logits = engine.logits(name, hidden, columns, bits)[0].astype(np.float64)
                for key, legal in (("begins", past.legal_begins()), ("label", past.legal_labels())):
                    if name == key:
                        logits = np.where(legal, logits, -np.inf)
                nats = 0.0
                if now[index] < NONE[index]:
                    top = logits.max()
                    nats = top + np.log(np.exp(logits - top).sum()) - logits[now[index]]
                assert abs(nats - float(fields[bar, row, index])) < 1e-3
            for index, on in enumerate(plays):
                columns = np.array([past.player(index, now, plays[:index])])
                logit = float(engine.player_logits(hidden, columns)[0])
                found.append(np.logaddexp(0, -logit if on else logit))
            past.advance(now, plays)
        np.testing.assert_allclose(found, wanted, atol=1e-3)


@torch.no_grad()
def test_a_padded_plan_has_the_nats_it_has_alone(model: PlanNet, taught: list[Taught]) -> None:
    names = collections_of(taught)
    owners = [names.index(one.collection) for one in taught]
    together = stacked([one.inputs for one in taught], owners, [False] * len(taught))
    fields, *_ = model(together, model.initial_state(len(taught)))
    for row, one in enumerate(taught):
        alone = stacked([one.inputs], [owners[row]], [False])
        expected, *_ = model(alone, model.initial_state(1))
        length = len(one.inputs)
        torch.testing.assert_close(fields[:length, row], expected[:, 0], atol=1e-4, rtol=1e-4)
        assert (fields[length:, row] == 0).all()


def test_it_learns_and_beats_its_baselines(taught: list[Taught]) -> None:
    counts = plan_baselines.count(one.rows for one in taught)
    network = PlanNetConfig(width=32, head_width=32, dropout=0.0)
    model = train(taught, PlanTraining(cpu_seconds=4, batch=8), network)
    figures = score(model, taught, collections_of(taught), counts)
    assert figures["nats_per_bar"] < figures["bigram"] < figures["unigram"]
    assert figures["bars"] == sum(len(one.rows) for one in taught)
    assert sum(figures["fields"].values()) == pytest.approx(figures["nats_per_bar"], abs=0.01)


@pytest.fixture(scope="module")
def engine(model: PlanNet) -> PlanEngine:
    return PlanEngine(saved(model, ("bands", "songs"), {}))


def test_a_plan_depends_on_its_seed_alone(engine: PlanEngine) -> None:
    wanted = Plan.open(24, players=PLAYERS)
    together = write_plans(engine, wanted, [1, 2, 3])
    assert write_plans(engine, wanted, [2]) == [together[1]]
    assert together[0] != together[1]
    assert all(plan.plays.any(axis=0).all() for plan in together), "everybody plays"
    assert all(OPEN not in plan.back for plan in together)


def test_a_form_is_kept_and_its_sections_return(engine: PlanEngine) -> None:
    form = parse_form("intro 4, verse 8, chorus 8, verse 8, chorus 8, outro 4")
    for plan in write_plans(engine, form_plan(form, players=PLAYERS), range(6)):
        assert plan.sections == form
        for second, first in ((form[3], form[1]), (form[4], form[2])):
            bars = slice(second.start, second.end)
            assert (plan.back[bars] == second.start - first.start).all()
            assert (plan.close[bars] > 0).all()


def test_what_is_stated_is_kept(engine: PlanEngine) -> None:
    wanted = parse_plan("""
        key = "A minor"
        players = ["drums", "bass", "piano"]
        bars = [
          { bar = 1, chords = "Am", plays = ["piano"], density = 1.5, loudness = 60 },
          { bar = 2, new = true, chords = "F G", feel = "swung" },
          { bar = 3, again = 1, plays = [] },
          { bar = 4, varied = 2 },
        ]""")
    for plan in write_plans(engine, wanted, range(8), collection="songs"):
        assert plan.key == parse_key("A minor")
        assert plan.chords[:2].tolist() == wanted.chords[:2].tolist()
        assert plan.back.tolist()[1:] == [0, 2, 2]
        assert plan.close.tolist()[1:] == [0, 2, 1]
        assert plan.plays[0].tolist() == [0, 0, 1]
        assert plan.plays[2].tolist() == [0, 0, 0]
        assert plan.feel[1] == wanted.feel[1]
        assert (plan.density[0], plan.loudness[0]) == (1.75, 60)


def test_the_whole_plan_of_a_piece_is_kept(engine: PlanEngine) -> None:
    plan = analyse(song(phrase(1), phrase(2), phrase(1)))
    (kept,) = write_plans(engine, plan, [0])
    for name in ("back", "close", "chords", "plays", "feel"):
        np.testing.assert_array_equal(getattr(kept, name), getattr(plan, name))
    assert kept.sections == plan.sections


def test_what_cannot_be_is_refused(engine: PlanEngine, model: PlanNet) -> None:
    with pytest.raises(ConfigError, match="needs players"):
        write_plans(engine, Plan.open(4), [0])
    with pytest.raises(ConfigError, match=r"music like 'polka'.*\n.*bands, songs"):
        write_plans(engine, Plan.open(4, players=PLAYERS), [0], collection="polka")
    file = saved(model, ("bands", "songs"), {})
    del file.weights["norm.weight"]
    with pytest.raises(CheckpointError, match="lacks its weights"):
        PlanEngine(file)


def test_the_mode_is_that_of_the_key() -> None:
    assert [mode_of_key(key) for key in (parse_key("C"), parse_key("Dm"), None)] == [0, 1, 2]
    assert len(rows_of(Plan.open(3))) == 3
