"""Pieces by a plan: who plays when is kept, and so is every rule."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from experiments.generated.judge import violations
from ritornello.errors import ConfigError
from ritornello.generation.job import whole_piece
from ritornello.generation.planned import by_plan, chords_of_bars
from ritornello.generation.rules import Rules
from ritornello.music.instruments import INSTRUMENTS
from ritornello.music.io.midi_write import write_bytes
from ritornello.music.piece import Metre
from ritornello.note_model.checkpoint import Checkpoint
from ritornello.note_model.encoding.given import Given
from ritornello.note_model.engine.reference import Engine
from ritornello.plan.analysis import analyse
from ritornello.plan.plan import Plan
from ritornello.plan.players import Player, parse_player
from ritornello.plan.returning_bars import AGAIN, NEW, VARIED
from ritornello.plan.sections import Section
from tests.generation.written import compose
from tests.plan.songs import phrase, song

NAMES = ("drums", "bass", "piano", "violin", "flute")


@pytest.fixture(scope="module")
def told_plans() -> Engine:
    """An untrained model that is told plans."""
    torch = pytest.importorskip("torch", reason="making a model needs the extra train")
    from ritornello.note_model.network import NoteModel, NoteModelConfig

    torch.manual_seed(1)
    model = NoteModel(NoteModelConfig(layers=1, width=16, head_width=16, plan=True))
    with torch.no_grad():  # fewer, longer steps than uniform choice would take
        bias = dict(model.named_parameters())["heads.0.out.bias"]
        bias[:] = -8
        bias[[0, 12, 24, 36, 96, 192]] = 2
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    return Engine(Checkpoint(weights, model.settings(), collections=("band",)))


def rules_of(plan: Plan, **fields: Any) -> Rules:
    metre = plan.metres[0]
    parts = tuple(INSTRUMENTS[player.instrument].name for player in plan.players)
    return Rules(plan.bars, (metre.numerator, metre.denominator), parts=parts, **fields)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Bars in which random players play, each at least once, and which return to others."""
    metre = draw(st.sampled_from([(4, 4), (3, 4), (6, 8)]))
    names = draw(st.sets(st.sampled_from(NAMES), min_size=1))
    players = tuple(sorted(map(parse_player, names)))
    bars = draw(st.integers(2, 10))
    bits = st.lists(st.integers(0, 1), min_size=bars, max_size=bars).filter(any)
    plays = np.array([draw(bits) for _ in players]).T
    plan = Plan.open(bars, (Metre(0, *metre),), players)
    back = np.array([draw(st.integers(0, bar)) for bar in range(bars)])
    close = np.where(back > 0, draw(st.integers(VARIED, AGAIN)), NEW)
    edge = draw(st.integers(1, bars))
    sections = [Section("A", 0, edge), Section(draw(st.sampled_from("AB")), edge, bars - edge)]
    if not draw(st.booleans()):
        sections = []  # and no beats are stated
    return dataclasses.replace(
        plan, plays=plays, back=back, close=close,
        sections=tuple(section for section in sections if section.bars),
    )  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plans(), st.booleans(), st.integers(0, 2**32 - 1))
def test_players_play_where_the_plan_says_and_rules_are_kept(
    told_plans: Engine, plan: Plan, ending: bool, seed: int
) -> None:
    rules = rules_of(plan, ending=ending, tempo_bpm=100.0, key="C major")
    (piece,) = compose(told_plans, rules, seeds=[seed], plan_of=lambda job, number: plan)
    assert not violations(write_bytes(piece), rules)
    found = analyse(piece)
    assert found.players == plan.players
    last = plan.bars - ending  # a bar that must end is open to all
    assert (found.plays[:last] <= plan.plays[:last]).all()


def test_the_plan_of_a_song_can_be_written_to(told_plans: Engine) -> None:
    plan = analyse(song(phrase(1), phrase(2), silent={1: ("drums", "melody")}))
    rules = rules_of(plan, ending=False)
    piece, again = compose(told_plans, rules, seeds=[3, 3], plan_of=lambda job, number: plan)
    assert write_bytes(piece) == write_bytes(again)
    assert piece.bar_count == 16
    assert analyse(piece).plays[8:, [0, 3]].sum() == 0


def test_a_piece_does_not_depend_on_those_beside_it(told_plans: Engine) -> None:
    first = analyse(song(phrase(1), phrase(2)))
    second = analyse(song(phrase(3), phrase(3), silent={0: ("drums",)}))
    rules = rules_of(first)
    together = compose(
        told_plans, rules, seeds=[1, 2], plan_of=lambda job, number: [first, second][number - 1]
    )
    alone = compose(told_plans, rules, seeds=[2], plan_of=lambda job, number: second)
    assert write_bytes(together[1]) == write_bytes(alone[0])


def test_a_model_that_is_told_plans_composes_without_one(told_plans: Engine) -> None:
    (piece,) = compose(told_plans, Rules(4, parts=("piano",)), seeds=[1])
    assert piece.bar_count == 4


def test_a_bar_that_returns_varied_is_told_as_new() -> None:
    plan = analyse(song(phrase(1), phrase(2), phrase(1), phrase(1)))
    half_varied = np.where(np.arange(plan.bars) % 2, VARIED, AGAIN)
    plan = dataclasses.replace(plan, close=np.where(plan.back > 0, half_varied, NEW))
    job = by_plan(whole_piece(rules_of(plan)), plan, np.random.default_rng(0), hears=True)
    assert job.told is not None
    assert ((job.told.refers[:-1] >= 0) == (plan.close == AGAIN)).all()
    assert (plan.close == VARIED).any()


def test_a_plan_that_does_not_fit_is_refused() -> None:
    plan, rng = analyse(song(phrase(1))), np.random.default_rng(0)
    with pytest.raises(ConfigError, match=r"The plan has 8 bars up to tick 768"):
        by_plan(whole_piece(Rules(4, parts=("piano",))), plan, rng, hears=True)
    with pytest.raises(ConfigError, match=r"other players than the rules\.\nLet the rules have"):
        by_plan(whole_piece(Rules(8, parts=("piano",))), plan, rng, hears=True)
    second = dataclasses.replace(Plan.open(8, players=(Player(10, 1),)))
    with pytest.raises(ConfigError, match="Number the players"):
        by_plan(whole_piece(Rules(8, parts=("piano",))), second, rng, hears=True)


def test_notes_end_where_the_player_takes_up_earlier_ones_though_it_rests_before() -> None:
    plan = Plan.open(4, (Metre(0, 4, 4),), (parse_player("flute"),))
    plan = dataclasses.replace(
        plan,
        plays=np.array([[1], [0], [1], [0]]),
        back=np.array([0, 0, 2, 0]),
        close=np.array([NEW, NEW, AGAIN, NEW]),
    )
    job = by_plan(
        whole_piece(Rules(4, parts=("flute",))), plan, np.random.default_rng(0), hears=True
    )
    assert job.openings[0].end_ticks == 96
    assert job.openings[0].sounds_until_ticks == 2 * 96


def test_drummers_of_somebodys_own_music_hold_beats_that_they_wrote() -> None:
    plan = dataclasses.replace(
        Plan.open(16, (Metre(0, 4, 4),), (parse_player("drums"),)),
        sections=(Section("A", 0, 8), Section("B", 8, 8)),
        plays=np.ones((16, 1), np.int64),
    )
    whole = whole_piece(Rules(16, parts=("drums",)))
    jobs = {
        own: [
            by_plan(
                dataclasses.replace(whole, own_beats=own),
                plan,
                np.random.default_rng(seed),
                hears=True,
            )
            for seed in range(8)
        ]
        for own in (False, True)
    }
    assert any(job.beats for job in jobs[False])
    assert not any(job.beats for job in jobs[True])
    for job in jobs[True]:
        assert job.reprise is not None
        assert job.reprise.sources[[2, 3, 10, 11], 0].tolist() == [0, 1, 8, 9]
    for held, sources in ((0, [-1] * 4), (1, [1, 2, 9, 10]), (4, [-1] * 4)):
        job = dataclasses.replace(whole, own_beats=True, held_bars=held)
        reprise = by_plan(job, plan, np.random.default_rng(0), hears=True).reprise
        assert reprise is not None
        assert reprise.sources[[2, 3, 10, 11], 0].tolist() == sources
        assert reprise.sources[5, 0] == {0: -1, 1: 4, 4: 1}[held]


def test_bars_that_differ_in_one_chord_alone_do_not_return() -> None:
    """In a bar of three chords neither half begins with the last of them."""
    given_chords = dataclasses.replace(
        Given.nothing(),
        chord_ticks=np.array([0, 24, 48, 72, 96, 120]),
        chord_classes=np.array([0, 2, 4, 0, 2, 5]),
    )
    one, other = chords_of_bars(given_chords, np.array([0, 72, 144])).tolist()
    assert one[:48] == other[:48]
    assert one != other
    assert chords_of_bars(given_chords, np.array([0, 72, 120])).shape == (2, 72)
