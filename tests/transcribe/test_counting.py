"""The way that is chosen: a pulse held all along, no slips between beats and offbeats."""

from __future__ import annotations

import numpy as np
import pytest

from ritornello.transcribe.beat_candidates import Clues, Way, choice, offbeats
from ritornello.transcribe.counting import (
    PHASE_FEATURES,
    apart,
    held_by,
    likeliest,
    slipped_from,
    through,
)
from ritornello.transcribe.note_beats import SLOWEST_BPM, TEMPI, TEMPI_AN_OCTAVE, NoteBeats
from ritornello.transcribe.pulse import STEPS, find_pulse, grids
from ritornello.transcribe.spectra import BANDS, FLOOR, FRAME_SECONDS, SHORT_BANDS
from ritornello.transcribe.values import HEARD_NOTE_DTYPE

FRAMES = 1500
EVEN = Way(0.3 + 0.5 * np.arange(58), True)


def _onsets(times: np.ndarray) -> np.ndarray:
    found = np.zeros(FRAMES)
    for shift, strength in zip(range(-2, 3), (1, 3, 5, 3, 1), strict=True):
        found[np.rint(times / FRAME_SECONDS).astype(int) + shift] += strength
    centred: np.ndarray = found - found.mean()
    return centred


def _played(rng: np.random.Generator, step: float, wander: float) -> np.ndarray:
    """Two of three steps, each a little longer or shorter than the one before."""
    steps = step * np.exp(wander * np.cumsum(rng.normal(size=int(28 / step))))
    times = 0.2 + np.cumsum(steps)
    return times[(rng.random(len(times)) < 0.7) & (times < 29)]


def test_a_pulse_is_found_where_it_is_kept_and_only_there() -> None:
    rng = np.random.default_rng(1)
    for step in (0.11, 0.151, 0.2):
        pulse = find_pulse(_onsets(_played(rng, step, 0.0)))
        assert pulse is not None
        assert abs(pulse.period_seconds / step - 1) < 0.002
        away = (0.2 - pulse.first_seconds) / step
        assert abs(away - round(away)) < 0.15
        assert find_pulse(_onsets(_played(rng, step, 0.02))) is None
    assert find_pulse(np.zeros(FRAMES)) is None


def test_little_is_no_pulse() -> None:
    assert find_pulse(_onsets(0.2 * np.arange(60))[:700]) is None


def test_grids_are_on_the_pulse_at_all_its_steps() -> None:
    pulse = find_pulse(_onsets(0.1 + 0.125 * np.arange(230)))
    assert pulse is not None
    found = grids(pulse, 30.0)
    assert {grid.steps for grid in found} <= set(STEPS)
    assert {4, 8} <= {grid.steps for grid in found}
    fours = sorted(grid.beats_seconds[0] for grid in found if grid.steps == 4)
    assert np.allclose(np.diff(fours), 0.125, atol=0.01)


def test_what_slips_to_the_offbeat_is_of_one_tempo() -> None:
    slipped = EVEN.beats_seconds.copy()
    slipped[20:40] += 0.25
    ways = [Way(slipped), EVEN, Way(offbeats(EVEN.beats_seconds), True)]
    assert slipped_from(ways[0], ways) is EVEN
    held = Way(EVEN.beats_seconds + 0.01)
    assert slipped_from(held, [held, *ways[1:]]) is None
    assert held_by(held, [held, *ways[1:]]) is EVEN
    assert held_by(ways[0], ways) is None
    rubato = Way(0.3 + np.cumsum(0.5 + 0.12 * np.sin(np.arange(56) / 4)))
    assert slipped_from(rubato, [rubato, *ways[1:]]) is None
    assert held_by(rubato, [rubato, *ways[1:]]) is None


def test_offbeats_have_one_where_the_recording_begins() -> None:
    """A take that begins on a beat: the grid between may be some milliseconds early."""
    assert offbeats(0.23 + 0.5 * np.arange(8))[0] < 0
    assert offbeats(0.1 + 0.5 * np.arange(8))[0] > 0


def test_bars_of_harmony_and_the_first_note_speak_for_the_beat() -> None:
    spectra = np.full((FRAMES, BANDS), FLOOR, np.float32)
    for bar, start in enumerate(EVEN.beats_seconds[::4]):
        first, last = (round(seconds / FRAME_SECONDS) for seconds in (start, start + 2.0))
        pitches = SHORT_BANDS + np.array([0, 4, 7]) + (5 * bar) % 12
        spectra[first:last, pitches] = -1.0
        spectra[first:last, 5] = -1.0
    notes = np.ones(10, HEARD_NOTE_DTYPE)
    notes["onset_seconds"] = EVEN.beats_seconds[:40:4]
    notes["end_seconds"] = notes["onset_seconds"] + 1.0
    clues = Clues.of(np.full((FRAMES, 2), -3.0), spectra, None, notes)
    assert clues.first_seconds == notes["onset_seconds"][0]
    off = Way(offbeats(EVEN.beats_seconds), True)
    harmony, _, _, first = apart(EVEN, off, clues)
    assert harmony > 0
    assert first == 1
    assert np.allclose(apart(off, EVEN, clues), -apart(EVEN, off, clues))


def _clicks(step: float) -> Clues:
    """What is heard of quick, quiet and loud clicks, the loud ones between the beats."""
    spectra = np.full((FRAMES, BANDS), FLOOR, np.float32)
    logits = np.full((FRAMES, 2), -3.0)
    for number, time in enumerate(np.arange(0.2, 29.0, step)):
        frame = round(time / FRAME_SECONDS)
        spectra[frame : frame + 3, :SHORT_BANDS] = -2.5 if number % 4 else -1.0
        logits[frame, 0] = 2.0 if number % 4 == 2 else -2.0
    return Clues.of(logits, spectra, None, np.zeros(0, HEARD_NOTE_DTYPE))


def test_what_the_player_says_is_kept_on_the_pulse() -> None:
    clues = _clicks(0.14)
    told = through(clues, 107.0, 0.2)
    assert told is not None
    assert told.is_steady
    away = (told.beats_seconds - 0.2) / 0.56
    assert np.abs(away - np.rint(away)).max() < 0.1
    assert through(clues, 130.0, 0.2) is None
    for tempo in (53.0, 107.0):
        beats, is_steady = likeliest(clues, tempo).way
        assert is_steady
        assert abs(np.diff(beats).mean() * tempo / 60 - 1) < 0.03


def test_the_package_has_a_weight_for_each_feature() -> None:
    assert choice().settings["phase_features"] == list(PHASE_FEATURES)
    assert choice().weights["phase"].shape == (len(PHASE_FEATURES),)


def _struck(frames: list[int], strengths: list[float]) -> np.ndarray:
    """Spectra of strokes that die away."""
    spectra = np.full((FRAMES, BANDS), FLOOR)
    for frame, strength in zip(frames, strengths, strict=True):
        fading = strength - 0.1 * np.arange(30)[:, None]
        part = spectra[frame : frame + 30, :SHORT_BANDS]
        np.maximum(part, fading[: len(part)], out=part)
    return spectra


def test_drums_begin_where_their_first_stroke_is() -> None:
    """Without notes too; not where a recording is cut within what rings on."""
    nothing, later = np.zeros(0, HEARD_NOTE_DTYPE), list(range(100, 1400, 25))
    for first, strength, begins in ((40, -0.5, 0.8), (0, -0.5, 0.0), (0, -1.0, None)):
        spectra = _struck([first, *later], [strength, *[-0.5] * len(later)])
        clues = Clues.of(np.full((FRAMES, 2), -3.0), spectra, None, nothing)
        assert clues.first_seconds == begins


@pytest.mark.parametrize("silent_steps", range(4))
def test_of_grids_that_sound_alike_one_begins_with_the_music(silent_steps: int) -> None:
    """Strokes on all sixteenths alike, the first of which is a beat."""
    first = 17 + 6.25 * silent_steps
    frames = [round(first + 6.25 * n) for n in range(230)]
    spectra = _struck(frames, [-0.5] * len(frames))
    nothing = np.zeros(0, HEARD_NOTE_DTYPE)
    clues = Clues.of(np.full((FRAMES, 2), -3.0), spectra, None, nothing)
    found = likeliest(clues, 120.0).way
    assert found.is_steady
    assert np.abs(found.beats_seconds - first * FRAME_SECONDS).min() < 0.03


def test_a_player_begins_with_the_first_note_also_at_the_first_sample() -> None:
    """Not where a recording is cut within what rings on."""
    notes = np.ones(55, HEARD_NOTE_DTYPE)
    notes["onset_seconds"] = 0.005 + 0.5 * np.arange(55)
    frames = [round(float(onset) / FRAME_SECONDS) for onset in notes["onset_seconds"]]
    for strength, is_known in ((-0.5, True), (-1.0, False)):
        spectra = _struck(frames, [strength, *[-0.5] * 54])
        clues = Clues.of(np.full((FRAMES, 2), -3.0), spectra, None, notes)
        assert (clues.first_seconds is not None) == is_known


@pytest.mark.parametrize(("step", "heard_bpm"), [(0.163, 92), (0.214, 140)])
def test_hardly_anybody_taps_as_fast_as_the_notes_may_ask_for(step: float, heard_bpm: int) -> None:
    """Notes on halves of what would be beats, where the network finds twice as many likelier."""
    times = 0.2 + step * np.arange(int(28.5 / step))
    frames = [round(float(time) / FRAME_SECONDS) for time in times]
    tempo_nats = np.full((len(times), TEMPI), -8.0)
    for bpm, share in ((15 / step, 0.2), (30 / step, 0.8)):
        tempo_nats[:, round(np.log2(bpm / SLOWEST_BPM) * TEMPI_AN_OCTAVE)] = np.log(share)
    logits, sound = np.full((len(times), 2), -2.0), np.full((FRAMES, 2), -3.0)
    logits[::2, 0] = sound[frames[::2], 0] = 2.0
    notes = np.ones(len(times), HEARD_NOTE_DTYPE)
    notes["onset_seconds"], notes["end_seconds"] = times, times + step
    spectra = _struck(frames, [-1.0 if n % 2 else -0.5 for n in range(len(frames))])
    found = likeliest(Clues.of(sound, spectra, NoteBeats(times, logits, tempo_nats), notes)).way
    assert abs(np.diff(found.beats_seconds).mean() * heard_bpm / 60 - 1) < 0.02
