"""Notes are found where they are played, whatever the sound is cut into, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ritornello.errors import ConfigError
from ritornello.synth.sampler import PlayedNote, Sampler
from ritornello.synth.soundfont import SoundFont
from ritornello.transcribe.note_activity import FRAME_SAMPLES, RATE_HZ, activities
from ritornello.transcribe.note_detection import estimated_voices, find_notes, one_voice
from ritornello.transcribe.values import HEARD_NOTE_DTYPE

PIANO, BASS, FLUTE = 0, 33, 73


def play(notes: list[tuple[float, float, int, int]], program: int, seconds: float) -> np.ndarray:
    """(onset, end, pitch, velocity) as mono sound."""
    out = np.zeros((2, round(seconds * RATE_HZ)), np.float32)
    played = [PlayedNote(round(a * RATE_HZ), round(b * RATE_HZ), p, v) for a, b, p, v in notes]
    Sampler(SoundFont.load(), RATE_HZ).play(played, out, program=program)
    result: np.ndarray = out.mean(axis=0)
    return result


CHORDS = [
    (0.5 + 0.5 * beat, 0.9 + 0.5 * beat, pitch + step, 60 + 10 * (beat % 4))
    for beat, pitch in enumerate((48, 53, 55, 48, 57, 53, 55, 48))
    for step in (0, 4, 7)
]
MELODY = [
    (0.3 + 0.4 * n, 0.65 + 0.4 * n, pitch, 90)
    for n, pitch in enumerate((60, 62, 64, 65, 67, 67, 72, 71, 69, 67))
]


@pytest.fixture(scope="module")
def chords() -> np.ndarray:
    return play(CHORDS, PIANO, 5.5)


@pytest.fixture(scope="module")
def heard_chords(chords: np.ndarray) -> np.ndarray:
    return find_notes([chords])


def scores(truth: list[tuple[float, float, int, int]], found: np.ndarray) -> tuple[float, ...]:
    """Precision, recall and F1 by mir_eval: onsets within 50 ms."""
    transcription = pytest.importorskip("mir_eval").transcription
    true, spans = np.array(truth), np.stack([found["onset_seconds"], found["end_seconds"]], axis=1)
    hz = [440 * 2 ** ((pitch - 69) / 12) for pitch in (true[:, 2], found["pitch"].astype(float))]
    result: tuple[float, ...] = transcription.precision_recall_f1_overlap(
        true[:, :2], hz[0], spans, hz[1], offset_ratio=None
    )[:3]
    return result


def test_chords_are_found(heard_chords: np.ndarray) -> None:
    assert heard_chords.dtype == HEARD_NOTE_DTYPE
    assert scores(CHORDS, heard_chords)[2] >= 0.9
    assert estimated_voices(heard_chords) in (3, 4)


@pytest.mark.parametrize(("program", "down"), [(BASS, 24), (FLUTE, 0)])
def test_a_melody_is_one_voice(program: int, down: int) -> None:
    melody = [(a, b, pitch - down, v) for a, b, pitch, v in MELODY]
    found = find_notes([play(melody, program, 5)])
    assert scores(melody, found)[2] >= 0.9
    assert estimated_voices(found) == 1
    assert (found["end_seconds"][:-1] <= found["onset_seconds"][1:] + 1e-9).all()


def sung(pitches: list[float], seconds: float) -> np.ndarray:
    """Notes one after the other, that swell and tremble as a voice does."""
    partials = np.arange(1, 9)[:, None]
    at = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    level = np.minimum(1, at / 0.04) * np.minimum(1, (seconds - at) / 0.05)
    notes = []
    for pitch in pitches:
        trembling = pitch + 0.25 * np.minimum(1, at / 0.2) * np.sin(2 * np.pi * 5.5 * at)
        turns = np.cumsum(440 * 2 ** ((trembling - 69) / 12)) / RATE_HZ
        notes.append(level * (np.sin(2 * np.pi * partials * turns) / partials**1.5).sum(axis=0))
    return (0.2 * np.concatenate(notes)).astype(np.float32)


def test_what_is_sung_between_the_keys_is_one_voice_on_the_nearest() -> None:
    keys = [57, 60, 64, 62, 57, 65, 64, 59, 60, 57]
    off = [0.3, -0.35, 0.38, 0.3, -0.3, 0.35, -0.38, 0.3, 0.35, -0.3]
    sound = sung([key + away for key, away in zip(keys, off, strict=True)], 0.5)
    found = find_notes([np.pad(sound, (5000, 5000))])
    begins = [5000 / RATE_HZ + 0.5 * n for n in range(len(keys))]
    truth = [(at, at + 0.45, key, 80) for at, key in zip(begins, keys, strict=True)]
    assert estimated_voices(found) == 1
    precision, recall, _ = scores(truth, found)
    assert min(precision, recall) >= 0.9


def test_notes_are_ordered_apart_and_in_range(heard_chords: np.ndarray) -> None:
    notes = heard_chords
    assert (np.lexsort((notes["pitch"], notes["onset_seconds"])) == np.arange(len(notes))).all()
    assert (notes["end_seconds"] > notes["onset_seconds"]).all()
    assert (notes["onset_seconds"] >= 0).all()
    assert ((notes["velocity"] >= 1) & (notes["velocity"] <= 127)).all()
    assert ((notes["confidence"] > 0) & (notes["confidence"] <= 1)).all()
    for pitch in np.unique(notes["pitch"]):
        same = notes[notes["pitch"] == pitch]
        assert (same["end_seconds"][:-1] <= same["onset_seconds"][1:]).all()


def test_dynamics_come_through(heard_chords: np.ndarray) -> None:
    truth = np.array(CHORDS)
    heard = [
        heard_chords["velocity"][np.abs(heard_chords["onset_seconds"] - onset) < 0.05].mean()
        for onset in truth[::3, 0]
    ]
    assert np.corrcoef(heard, truth[::3, 3])[0, 1] > 0.9


@settings(max_examples=5)
@given(cuts=st.lists(st.integers(0, 40_000), max_size=12))
def test_how_the_sound_is_cut_makes_no_difference(cuts: list[int]) -> None:
    sound = np.random.default_rng(0).standard_normal(44_000).astype(np.float32) * 0.1
    whole, parts = [activities([sound]), activities(np.split(sound, sorted(cuts)))]
    for left, right in zip(whole, parts, strict=True):
        for one, other in zip(left, right, strict=True):
            np.testing.assert_array_equal(one, other)


def test_small_blocks_give_the_same_notes(chords: np.ndarray, heard_chords: np.ndarray) -> None:
    np.testing.assert_array_equal(find_notes(np.array_split(chords, 97)), heard_chords)


@pytest.mark.parametrize("frames", [1, 71, 150])
def test_silence_before_moves_notes_by_as_much(
    frames: int, chords: np.ndarray, heard_chords: np.ndarray
) -> None:
    later = find_notes([np.zeros(frames * FRAME_SAMPLES, np.float32), chords])
    before, after = (
        np.sort(notes, order=("pitch", "onset_seconds")) for notes in (heard_chords, later)
    )
    np.testing.assert_array_equal(after["pitch"], before["pitch"])
    moved = after["onset_seconds"] - before["onset_seconds"]
    assert np.abs(moved - frames * FRAME_SAMPLES / RATE_HZ).max() < 0.006


def test_there_is_a_frame_for_each_256_samples_begun() -> None:
    for samples, frames in ((0, 0), (1, 1), (256, 1), (257, 2), (142 * 256 + 1, 143)):
        found = activities([np.zeros(samples, np.float32)])
        assert sum(len(stretch.onset) for stretch in found) == frames


def test_silence_and_hardly_any_sound_have_no_notes() -> None:
    assert len(find_notes([])) == 0
    assert len(find_notes([np.zeros(0, np.float32)])) == 0
    assert len(find_notes([np.zeros(70_000, np.float32)])) == 0
    assert estimated_voices(np.zeros(0, HEARD_NOTE_DTYPE)) == 1
    hiss = 1e-4 * np.random.default_rng(0).standard_normal(70_000).astype(np.float32)
    assert len(find_notes([hiss])) == 0


def test_noise_has_few_notes() -> None:
    noise = np.random.default_rng(0).standard_normal(5 * RATE_HZ).astype(np.float32)
    assert len(find_notes([0.1 * noise])) <= 5


def test_hints_are_kept(chords: np.ndarray) -> None:
    high = find_notes([chords], lowest_pitch=55, highest_pitch=60)
    assert set(high["pitch"]) <= set(range(55, 61))
    single = find_notes([chords], voices=1)
    assert (np.diff(single["onset_seconds"]) >= 0.05).all()
    np.testing.assert_array_equal(one_voice(single), single)


@pytest.mark.parametrize(
    "wrong", [{"voices": 0}, {"lowest_pitch": 20}, {"lowest_pitch": 60, "highest_pitch": 59}]
)
def test_impossible_hints_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        find_notes([], **wrong)
