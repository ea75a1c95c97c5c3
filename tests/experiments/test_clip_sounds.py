"""What listeners learn from sounds as it is meant to: bound notes, soft strokes, recorded kits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from experiments.listening.drum_kits import Kit
from experiments.listening.drum_synthesis import synthesised
from experiments.listening.recorded_kits import recorded_kit
from experiments.listening.sung_lines import Line
from ritornello.synth.sampler import PlayedNote
from ritornello.transcribe.spectra import RATE_HZ

SECOND = RATE_HZ
KINDS = "kick", "snare", "hi-hat", "tom", "cymbal"
NAMES = "Kick", "Snare", "Closed HH", "Open HH", "Tom Low", "Tom Mid", "Crash"


def loudness(sound: np.ndarray) -> float:
    return float(np.sqrt(np.square(sound).mean()))


@pytest.mark.parametrize("family", ["sung", "bowed"])
def test_bound_notes_are_not_parted_by_silence_and_others_are(family: str) -> None:
    half = SECOND // 2
    bound = [PlayedNote(half, SECOND, 60, 90), PlayedNote(SECOND, 3 * half, 64, 90)]
    apart = [PlayedNote(half, SECOND, 60, 90), PlayedNote(2 * SECOND, 5 * half, 64, 90)]
    for seed in range(5):
        line = Line.draw(family, np.random.default_rng(seed))
        sounds = [
            line.play(notes, 3 * SECOND, SECOND, np.random.default_rng(seed))
            for notes in (bound, apart)
        ]
        for sound in sounds:
            assert sound.dtype == np.float32
            assert np.isfinite(sound).all()
        before, after = slice(SECOND - 500, SECOND), slice(SECOND, SECOND + 500)
        heard = loudness(sounds[0])
        assert min(loudness(sounds[0][before]), loudness(sounds[0][after])) > 0.05 * heard
        assert loudness(sounds[1][int(1.5 * SECOND) : int(1.8 * SECOND)]) < 0.02 * heard


def test_a_line_sings_the_pitch_it_is_told() -> None:
    notes = [PlayedNote(0, SECOND, 57, 90), PlayedNote(SECOND, 2 * SECOND, 69, 90)]
    line = replace(Line.draw("bowed", np.random.default_rng(3)), noise=0.0, bursts=0.0)
    sound = line.play(notes, 2 * SECOND, SECOND, np.random.default_rng(3))
    for start, hz in ((0.4, 220), (1.4, 440)):
        part = sound[round(start * SECOND) : round((start + 0.5) * SECOND)]
        lags = np.arange(40, 400)
        like = [float(part[:-lag] @ part[lag:]) for lag in lags]
        assert SECOND / lags[int(np.argmax(like))] == pytest.approx(hz, rel=0.04)


def test_soft_strokes_are_duller_than_hard_ones() -> None:
    rng = np.random.default_rng(0)
    kit = Kit.draw({kind: [synthesised("crash", rng)] * 2 for kind in KINDS}, rng)

    def brightness(velocity: int) -> float:
        sound = kit.play([PlayedNote(100, 0, 49, velocity)], SECOND)
        return loudness(np.diff(sound)) / loudness(sound)

    assert brightness(30) < brightness(127)


def test_a_recorded_kit_plays_its_own_drums_and_others_for_those_it_lacks(tmp_path: Path) -> None:
    rows = []
    for number, name in enumerate(NAMES):
        sound = np.zeros(2000)
        sound[: 100 * (number + 1)] = 0.5
        soundfile.write(tmp_path / f"{number}.wav", sound, SECOND)
        rows.append(
            f"<instrument><name>{name}</name><layer><filename>{number}.wav</filename></layer>"
            "</instrument>"
        )
    text = f'<drumkit_info xmlns="http://x"><name>k</name>{"".join(rows)}</drumkit_info>'
    (tmp_path / "drumkit.xml").write_text(text, encoding="utf-8")
    kit = recorded_kit(tmp_path, np.random.default_rng(0))
    lengths = {drum: np.count_nonzero(np.abs(sound) > 0.5) for drum, sound in kit.drums.items()}
    assert lengths["kick"] < lengths["closed hat"] < lengths["open hat"] < lengths["crash"]
    assert lengths["ride"] == lengths["bell"] == lengths["china"] == lengths["crash"]
    assert lengths["rim"] == lengths["snare"]
    assert kit.play([PlayedNote(0, 0, 36, 100)], 3000).any()
