"""What a form leaves open: who begins and who leaves, and what is under a new tune."""

from __future__ import annotations

import numpy as np
import pytest

from ritornello.music.instruments import DRUMS, parse_instrument
from ritornello.plan.form_filling import Drumming, Rounds, fill_form
from ritornello.plan.plan import Plan
from ritornello.plan.players import Player, melody_of
from ritornello.plan.song_form import form_plan, parse_form

FORM = "intro 4, verse 16, chorus 8, verse 8, bridge 8, chorus 8, end 4"
BAND = ("drums", "bass", "piano", "guitar", "lead")  # in the order of parts


def filled(parts: tuple[str, ...], seed: int) -> Plan:
    players = tuple(Player(parse_instrument(name)) for name in parts)
    plan = form_plan(parse_form(FORM), players=players)
    return fill_form(plan, np.random.default_rng(seed))


@pytest.mark.parametrize("parts", [BAND, ("bass", "guitar", "flute"), ("drums", "bass", "piano")])
def test_no_bass_begins_alone_and_none_leaves(parts: tuple[str, ...]) -> None:
    bass = parts.index("bass")
    others = [at for at, name in enumerate(parts) if name not in ("bass", "drums")]
    for seed in range(40):
        plays = filled(parts, seed).plays
        assert plays[0, others].any()
        assert (plays[4:, bass] != 0).all()


def test_the_only_one_who_plays_chords_plays_verses() -> None:
    for seed in range(20):
        piano = filled(("drums", "bass", "piano", "flute"), seed).plays[:, 2]
        assert (piano[4:36] == 1).all()


def test_a_quartet_plays_together() -> None:
    quartet = ("violin", "violin", "viola", "cello")
    shares = [(filled(quartet, seed).plays[4:] != 0).mean() for seed in range(60)]
    assert np.mean(shares) > 0.95  # of 100 training pieces .97


def test_drummers_begin_and_lead_in_as_often_as_in_the_style() -> None:
    players = tuple(Player(parse_instrument(name)) for name in BAND)
    plan = form_plan(parse_form("intro 4, bridge 8, A 8"), players=players)
    drumming = Drumming(begins=1.0, leaves=0.0, leads_in=1.0)
    found = [
        fill_form(plan, np.random.default_rng(seed), drumming=drumming).plays[:, 0]
        for seed in range(40)
    ]
    assert all((drums[:4] == 1).all() and (drums[11:] == 1).all() for drums in found)
    assert any((drums[4:11] == 0).all() for drums in found)


def test_where_players_come_and_go_sections_return_with_theirs() -> None:
    rests = {"drums": 0.1, "bass": 0.3, "tune": 0.6, "others": 0.7}  # as game music has
    players = tuple(Player(parse_instrument(name)) for name in BAND)
    plan = form_plan(parse_form("A 8, B 8, A 8, C 8, B 8"), players=players)
    silent, differ = np.zeros(len(players)), []
    for seed in range(100):
        plays = fill_form(plan, np.random.default_rng(seed), rests=rests).plays != 0
        assert (plays[0] == plays[16]).all()
        assert (plays[8] == plays[32]).all()
        assert (plays.sum(axis=1) >= 3).all()
        assert plays[:, -1].all()  # the tune
        silent += 1 - plays.mean(axis=0)
        differ.append((plays[0] != plays[8]).mean())
    assert (silent / 100 < (0.2, 0.4, 0.8, 0.8, 0.1)).all()
    assert 0.15 < np.mean(differ) < 0.5


def test_drums_play_most_of_a_song() -> None:
    shares = [(filled(BAND, seed).plays[4:, 0] != 0).mean() for seed in range(60)]
    assert np.mean(shares) > 0.85


def test_the_accompaniment_of_a_band_may_stay_under_a_new_tune() -> None:
    plans = [filled(BAND, seed) for seed in range(40)]
    held = np.array([(plan.back_by_player > 0).mean(axis=0) for plan in plans])
    assert not held[:, [0, -1]].any()  # drums hold their own beat, and the tune is new
    assert 0.01 < held[:, 1:-1].mean() < 0.2
    assert all((plan.back_by_player <= 0).all() for plan in (filled(("piano", "flute"), 1),))


def test_music_that_goes_round_does_so_in_two_bars_and_in_four() -> None:
    rounds = Rounds.of((0.1, 0.15, 0.25), (0.05, 0.1, 0.2))
    assert rounds.under == pytest.approx({2: 1 / 3, 4: 0.5})
    assert rounds.all == pytest.approx(0.4)
    players = tuple(Player(parse_instrument(name)) for name in BAND)
    plan = form_plan(parse_form("A 8"), players=players)
    filled_plans = [
        fill_form(plan, np.random.default_rng(seed), rounds=rounds) for seed in range(60)
    ]
    assert 0.2 < np.mean([(found.close[4:] == 2).all() for found in filled_plans]) < 0.6
    assert 0.1 < np.mean([found.back_by_player[2, 2] == 2 for found in filled_plans]) < 0.6
    assert not any((filled(BAND, seed).back_by_player == 2).any() for seed in range(20))


def test_bands_return_varied_and_songs_return_less_but_as_they_were() -> None:
    def shares(parts: tuple[str, ...]) -> tuple[float, float]:
        close = np.array([filled(parts, seed).close for seed in range(60)])
        return float((close != 0).mean()), float((close == 2).sum() / (close != 0).sum())

    (band, band_again), (song, song_again) = shares(BAND), shares(("piano", "voice"))
    assert song < 0.9 * band
    assert band_again < 0.5 < song_again < 0.8
    chamber, _ = shares(("cello", "violin"))
    assert chamber < song


def test_phrases_without_drums_may_begin_with_bars_that_come_again_at_once() -> None:
    def at_once(parts: tuple[str, ...]) -> dict[int, float]:
        back = np.array([filled(parts, seed).back[:20] for seed in range(60)])  # before B returns
        return {bars: float((back == bars).mean()) for bars in (1, 2)}

    assert at_once(BAND) == {1: 0.0, 2: 0.0}
    for parts in (("piano", "voice"), ("cello", "violin")):
        found = at_once(parts)
        assert 0.003 < found[1] < 0.03
        assert 0.01 < found[2] < 0.08


def test_a_voice_leaves_the_end_of_some_sections_to_the_piano() -> None:
    silent = np.array([filled(("piano", "voice"), seed).plays[:, 1] == 0 for seed in range(60)])
    assert 0.2 < silent[:, 19].mean() < 0.8  # the last bar of the first verse
    assert not silent[:, 4:17].any()
    assert not (filled(("cello", "violin"), 1).plays == 0)[4:].any()


@pytest.mark.parametrize(
    ("names", "melody"),
    [
        ("drums bass piano strings flute", "flute"),
        ("drums bass piano guitar strings", "piano"),
        ("drums bass guitar strings strings", "strings"),
        ("drums bass piano guitar electric_guitar strings", "electric guitar"),
        ("violin violin viola cello", "violin"),
        ("piano voice", "voice"),
        ("drums bass", "bass"),
    ],
)
def test_who_has_the_melody(names: str, melody: str) -> None:
    parts = names.split()
    players = [
        Player(parse_instrument(name), parts[:index].count(name))
        for index, name in enumerate(parts)
    ]
    found = melody_of(sorted(players))
    assert found is not None
    assert str(sorted(players)[found]) == melody  # the first desk
    assert melody_of([Player(DRUMS)]) is None


def test_an_intro_leaves_the_melody_to_come() -> None:
    begins = [filled(("piano", "voice"), seed).plays[0].tolist() for seed in range(20)]
    assert begins == [[1, 0]] * 20


def test_sections_of_a_form_that_was_asked_for_return_whole() -> None:
    players = (Player(parse_instrument("piano"), 0), Player(parse_instrument("piano"), 1))
    plan = form_plan(parse_form("A 16, B 16, A 16"), players=players)
    shares = {
        asked: np.mean([
            fill_form(plan, np.random.default_rng(seed), asked=asked).back[32:] == 32
            for seed in range(40)
        ])
        for asked in (False, True)
    }  # fmt: skip
    assert shares[True] == 1
    assert shares[False] < 0.8
