"""Accompaniments by rule: patterns fill their bars, and every style can be played and swung."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.listening import rule_accompaniments
from experiments.listening.drum_kits import Kit
from ritornello.synth.sampler import PlayedNote
from ritornello.transcribe.drum_detection import DRUM_KINDS


@pytest.mark.parametrize("name", [*rule_accompaniments.STYLES])
def test_patterns_fill_their_bars(name: str) -> None:
    style = rule_accompaniments.STYLES[name]
    numerator, denominator = style.metre
    patterns = [*style.basses, *style.arps]
    patterns += [pattern for several in (*style.comps, *style.drums) for pattern in several]
    assert {len(pattern) for pattern in patterns} == {16 * numerator // denominator}
    assert set("".join(patterns)) <= set("x.urofab-")


@pytest.mark.parametrize("name", [*rule_accompaniments.STYLES])
def test_every_style_plays_chords_bass_and_drums_in_its_metre(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    style = rule_accompaniments.STYLES[name]
    monkeypatch.setattr(rule_accompaniments, "STYLES", {name: style})
    piece = rule_accompaniments.piece(np.random.default_rng(0))
    assert (piece.metres[0].numerator, piece.metres[0].denominator) == style.metre
    chords, bass, drums = piece.tracks[:3]
    assert drums.is_drum
    assert not bass.is_drum
    beat = piece.metres[0].beat_ticks(piece.resolution)
    felt = piece.tempos[0].bpm * piece.resolution / beat
    assert style.bpm[0] - 0.01 < felt < style.bpm[1] + 0.01
    for track in (chords, bass, drums):
        assert len(track) > 40
        assert track.notes["onset"].max() < piece.length_ticks
    assert 28 <= bass.notes["pitch"].min() <= bass.notes["pitch"].max() < 60


def test_swing_moves_halves_of_beats_and_leaves_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        rule_accompaniments, "STYLES", {"swing": rule_accompaniments.STYLES["swing"]}
    )
    onsets = (
        rule_accompaniments.piece(np.random.default_rng(1)).tracks[0].notes["onset"]
        % rule_accompaniments.RESOLUTION
    )
    late = round(rule_accompaniments.STYLES["swing"].swing * rule_accompaniments.RESOLUTION)
    assert late in onsets
    assert rule_accompaniments.RESOLUTION // 2 not in onsets


def test_a_kit_sounds_where_its_strokes_are() -> None:
    rng = np.random.default_rng(0)
    shots = {kind: [np.ones(100)] for kind in DRUM_KINDS}
    strokes = [PlayedNote(1000, 0, 36, 100), PlayedNote(5000, 0, 38, 100)]
    sound = Kit.draw(shots, rng).play([*strokes, PlayedNote(9_000, 0, 38, 90)], 8000)
    assert not sound[:1000].any()
    assert sound[1000:1100].any()
    assert sound[5000:5100].any()
    assert len(sound) == 8000


def test_a_stroke_of_the_hi_hat_ends_the_one_before() -> None:
    drums = {"closed hat": np.ones(100), "open hat": np.ones(5000)}
    kit = Kit(drums, np.ones(len(DRUM_KINDS)))
    open_hat, closed_hat = PlayedNote(0, 0, 46, 100), PlayedNote(2000, 0, 42, 100)
    assert kit.play([open_hat], 8000)[:5000].all()
    sound = kit.play([open_hat, closed_hat], 8000)
    assert sound[:2000].all()
    assert not sound[2200:].any()
