"""What judges the remix is itself judged: on perfect hearing, on known errors, on test tones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.music_sets import MusicSets
from experiments.remix import accompaniment, bad, band, hearing, meter, recordings
from experiments.remix import sound as sound_checks
from experiments.remix.performing import Manner, on_players_tempo, played
from experiments.remix.solos import Solo, solos, true_key
from experiments.scorecard import plain
from ritornello.corpus.store import Corpus, Entry, write_store
from ritornello.dsp.sound_files import BLOCK, read_audio
from ritornello.dsp.waveform import Waveform
from ritornello.music.keys import KeyName
from ritornello.music.piece import KeyChange, Piece, Tempo, Track
from ritornello.synth.render import render

RATE = 44_100
RUBATO = Manner(rubato=True, rough=False)


def tune(bars: int = 40) -> Piece:
    """A piano, which plays on every beat, and a bass, which plays on every first; C major."""
    scale = (60, 64, 67, 72, 65, 69, 67, 62)
    high = [(480 * i, 460, scale[i % 8], 80) for i in range(4 * bars)]
    low = [(1920 * i, 1900, (36, 41, 43, 36)[i % 4], 90) for i in range(bars)]
    return Piece((Track(high, 0), Track(low, 33)), tempos=(Tempo(0, 100.0),))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[Solo]:
    """A steady and a rubato solo on the piano."""
    folder = tmp_path_factory.mktemp("solos")
    entries = [(tune(), Entry(f"{n}.mid", "tunes", "valid")) for n in range(2)]
    write_store(entries, folder / "store")
    corpus = Corpus.open(folder / "store")
    music = MusicSets(corpus, corpus.collections, frozenset({"0.mid", "1.mid"}))
    return solos(folder / "made", music, {"bundled": None}, 2, 0, kinds=["piano"])


# --- solos ----------------------------------------------------------------------------------------


def test_a_solo_sounds_when_and_where_its_truth_says(made: list[Solo]) -> None:
    for solo in made:
        sound = read_audio(solo.path)
        first = np.flatnonzero(np.abs(sound.samples[:, 0]) > 1e-3)[0] / sound.rate_hz
        assert first == pytest.approx(solo.notes["onset_seconds"][0], abs=0.02)
        assert 30 <= solo.piece.duration_seconds <= 66
        assert len(solo.beats_seconds) == solo.piece.bar_count * 4
        assert solo.notes["onset_seconds"] == pytest.approx(solo.beats_seconds, abs=0.05)
        assert solo.key == KeyName(0, "major")
        assert [track.program for track in solo.accompaniment.tracks] == [33]


def test_moments_of_the_sound_are_found_on_the_true_grid(made: list[Solo]) -> None:
    for solo in made:
        beats = np.arange(len(solo.beats_seconds)) * solo.piece.resolution
        assert solo.ticks_at(solo.beats_seconds) == pytest.approx(beats, abs=1)
        assert solo.ticks_at(np.array([0.0]))[0] < 0
        assert solo.ticks_at(np.array([200.0]))[0] > solo.piece.length_ticks


def test_rubato_sways_and_slows_and_steady_does_not(made: list[Solo]) -> None:
    steady, rubato = (np.diff(solo.beats_seconds) for solo in made)
    assert np.ptp(steady) < 1e-6
    assert 1.05 < rubato[:-4].max() / rubato[:-4].min() < 1.7
    assert rubato[-1] > np.median(rubato)


def test_hands_are_as_far_off_as_is_said() -> None:
    piece = on_players_tempo(tune(400), RUBATO, np.random.default_rng(0))
    notes = played(piece, piece.tracks[0], RUBATO, np.random.default_rng(0))
    off = notes["onset_seconds"] - piece.ticks_to_seconds(piece.tracks[0].notes["onset"])
    assert 0.007 < off.std() < 0.016
    assert (np.diff(notes["onset_seconds"]) >= 0).all()


def test_a_signature_that_the_notes_deny_leaves_no_key() -> None:
    piece = tune()
    assert true_key(replace(piece, keys=(KeyChange(0, KeyName(9, "minor")),))) == KeyName(0)
    assert true_key(replace(piece, keys=(KeyChange(0, KeyName(7)),))) is None


# --- hearing --------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:Estimated beats are empty")
def test_perfect_hearing_scores_one_and_deafness_nothing(made: list[Solo]) -> None:
    solo = made[1]
    beats, bars = solo.beats_seconds, solo.downbeats_seconds
    notes = hearing.note_scores(solo.notes, solo.notes)
    assert set(notes.values()) == {1.0}
    assert set(hearing.note_scores(solo.notes, solo.notes[:0]).values()) == {0.0}
    perfect = hearing.beat_scores(beats, bars, beats, bars)
    assert perfect["beat_f1"] == perfect["downbeat_f1"] == perfect["beat_amlt"] == 1
    deaf = hearing.beat_scores(beats, bars, beats[:0], bars[:0])
    assert deaf["beat_f1"] == deaf["beat_amlt"] == 0
    assert deaf["offsets_ms"] == []


def test_beats_before_and_after_the_music_cost_nothing(made: list[Solo]) -> None:
    solo = made[0]
    beats, bars = solo.beats_seconds, solo.downbeats_seconds
    more = np.concatenate([[beats[0] - 0.6], beats, beats[-1] + [0.6, 1.2]])
    assert hearing.beat_scores(beats, bars, more, bars)["beat_f1"] == 1


def test_late_beats_show_as_bias_and_double_ones_as_a_level(made: list[Solo]) -> None:
    solo = made[0]
    beats, bars = solo.beats_seconds, solo.downbeats_seconds
    late = hearing.beat_scores(beats, bars, beats + 0.02, bars)
    assert late["offsets_ms"] == pytest.approx([20.0] * len(beats), abs=0.1)
    double = np.sort(np.concatenate([beats, (beats[1:] + beats[:-1]) / 2]))
    found = hearing.beat_scores(beats, bars, double, bars)
    assert found["beat_f1"] == pytest.approx(2 / 3, abs=0.01)
    assert found["beat_amlt"] > 0.95
    assert found["intervals_to_true"] == pytest.approx(0.5)


def test_keys_are_scored_as_mirex_does() -> None:
    c = KeyName(0)
    other = {KeyName(7): 0.5, KeyName(9, "minor"): 0.3, KeyName(0, "minor"): 0.2, KeyName(6): 0.0}
    for found, weight in {c: 1.0, **other}.items():
        assert hearing.key_scores(c, found)["key_weighted"] == weight
    assert hearing.key_scores(c, None)["key_exact"] == 0
    assert np.isnan(hearing.key_scores(None, c)["key_exact"])


# --- the meter ------------------------------------------------------------------------------------


def sine(hz: float, seconds: float, rate_hz: int = RATE, phase: float = 0.0) -> np.ndarray:
    at = np.arange(round(seconds * rate_hz)) / rate_hz
    return np.sin(2 * np.pi * hz * at + phase)[:, None].astype(np.float32)


def test_loudness_is_that_of_the_standard() -> None:
    tone = sine(997, 5)
    assert meter.lufs(tone, RATE) == pytest.approx(-3.01, abs=0.02)  # BS.1770: 0 dB in one channel
    assert meter.lufs(np.hstack([tone, tone]), RATE) == pytest.approx(0.0, abs=0.02)
    with_rest = np.concatenate([tone, np.zeros((10 * RATE, 1), np.float32)])
    assert meter.lufs(with_rest, RATE) == pytest.approx(-3.01, abs=0.3)  # gated
    assert meter.lufs(np.zeros((RATE, 2), np.float32), RATE) == -np.inf


def test_peaks_between_samples_are_seen() -> None:
    tone = sine(RATE / 4, 1, phase=np.pi / 4)  # its samples are all 3 dB below its peak
    assert np.abs(tone).max() == pytest.approx(0.7071, abs=1e-3)
    assert meter.true_peak_db(tone[2000:-2000]) == pytest.approx(0.0, abs=0.2)


def test_a_residual_is_in_decibels_of_the_whole() -> None:
    tone = sine(440, 1)
    assert meter.residual_db(tone, tone) < -200
    assert meter.residual_db(tone, tone * np.float32(1.001)) == pytest.approx(-60, abs=0.1)


# --- files ----------------------------------------------------------------------------------------


def test_sound_that_lags_behind_its_midi_is_caught() -> None:
    piece = tune(8)
    sound = render(piece)
    late = np.pad(sound.samples, ((44, 0), (0, 0)))[: len(sound.samples)]
    assert sound_checks.midi_lags_ms(sound, piece) == pytest.approx([0.0, 0.0], abs=0.01)
    lags = sound_checks.midi_lags_ms(Waveform(late, RATE), piece)
    assert lags == pytest.approx([1.0, 1.0], abs=0.05)


def test_stems_that_sum_and_those_that_do_not() -> None:
    one, two = (Waveform(np.repeat(0.1 * sine(hz, 2), 2, axis=1), RATE) for hz in (440, 660))
    mix = Waveform(one.samples + two.samples, RATE)
    found = sound_checks.levels(mix, {"one": one, "two": two})
    assert found["stems_to_mix_db"] < -120
    assert found["lengths_apart_samples"] == 0
    short = Waveform(two.samples[:-10], RATE)
    found = sound_checks.levels(mix, {"one": one, "two": short})
    assert found["stems_to_mix_db"] > -60
    assert found["lengths_apart_samples"] == 10


def test_a_click_at_borders_is_caught_and_a_drum_near_them_is_none() -> None:
    rng = np.random.default_rng(0)
    smooth = sine(100, 8) + 1e-4 * rng.standard_normal((8 * RATE, 1))
    borders = np.arange(BLOCK, len(smooth), BLOCK)
    clicking, drummed = smooth.copy(), smooth.copy()
    clicking[borders[2] :] += 3e-3
    for border in borders[::2]:
        drummed[border - 20 : border + 980] += 0.1 * rng.standard_normal((1000, 1))
    for sound in (smooth, drummed):
        found = sound_checks.borders(sound, RATE)
        assert abs(found["border_excess_db"]) < 2
        assert found["sharpest_border"] < 0.5
    found = sound_checks.borders(clicking, RATE)
    assert found["border_excess_db"] > 2
    assert found["sharpest_border"] > 0.5
    assert sound_checks.borders(smooth[:100], RATE)["sharpest_border"] == 0


# --- the band -------------------------------------------------------------------------------------


def test_a_band_that_plays_what_is_written_is_found_where_it_is_written(made: list[Solo]) -> None:
    for solo in (replace(solo, begins_seconds=0.0) for solo in made):
        back = accompaniment.on_true_grid(solo, solo.accompaniment)
        (found,), (written,) = back.tracks, solo.accompaniment.tracks
        assert (found.notes["onset"] == written.notes["onset"]).all()
        assert (found.notes["pitch"] == written.notes["pitch"]).all()
        own = solo.beats_seconds
        offsets = accompaniment.offsets_to_beats(solo, solo.accompaniment, own)
        assert len(offsets) == solo.piece.bar_count
        assert np.abs(offsets).max() < 1e-3
        middles = (own[1:] + own[:-1]) / 2
        halves = accompaniment.offsets_to_beats(solo, solo.accompaniment, own, parts=2)
        assert halves == pytest.approx(offsets, abs=1e-9)
        between = replace(solo, begins_seconds=float(middles[0] - own[0]))
        assert np.abs(accompaniment.offsets_to_beats(between, solo.accompaniment, own)).min() > 0.1
        late = replace(solo, begins_seconds=-0.02)
        offsets = accompaniment.offsets_to_beats(late, solo.accompaniment, own)
        assert offsets == pytest.approx(0.02, abs=1e-3)


def test_going_along_is_more_than_chance(made: list[Solo]) -> None:
    solo, other = made
    real = accompaniment.going_along(solo, solo.accompaniment)
    assert real["notes_in_chord"] > 2 * real["in_chord_in_other_keys"]
    assert real["in_key"] == 1
    assert accompaniment.going_along(solo, replace(solo.piece, tracks=())) == {}
    assert accompaniment.of_another(solo, other).length_ticks <= solo.piece.length_ticks


def remixed_row(kind: str, beat_f1: float, offsets_ms: list[float]) -> dict[str, Any]:
    """A row as `band` makes it."""
    shares = {"notes_in_chord": 0.6, "in_key": 0.9}
    ways = (band.REAL, band.OURS, band.TOLD, band.ANOTHER)
    levels = dict.fromkeys(
        ("mp3_lufs", "true_peak_db", "mp3_true_peak_db", "stems_to_mix_db", "edges_db", "seconds",
         "lengths_apart_samples", "mp3_samples_more", "border_excess_db", "sharpest_border"), -14.0,
    )  # fmt: skip
    return {
        "kind": kind, "manner": "rubato", "beat_f1": beat_f1, "offsets_ms": offsets_ms,
        "offsets_to_halves_ms": offsets_ms,
        "harmony": {way: shares if way != band.ANOTHER else {} for way in ways},
        "sound": {**levels, "lufs": -14.0 + beat_f1, "midi_lag_ms": None, "solo_lag_ms": -0.5},
        "ending": True,
    }  # fmt: skip


def test_remixes_are_summed_up_and_the_worst_is_shown() -> None:
    rows = [remixed_row("piano", 0.95, [5.0, -10.0]), remixed_row("lead", 0.1, [200.0, -250.0])]
    timing = band.timing(rows)
    assert timing["all whose beats were found"]["solos"] == 1
    assert timing["piano, rubato"]["median_ms"] == 7.5
    assert timing["all"]["solos_within_the_gate"] == 1
    assert timing["all"]["p95_ms"] > 200
    harmony = band.harmony(rows)
    assert harmony["all"][band.OURS] == {"notes_in_chord": pytest.approx(0.6), "in_key": 0.9}
    assert harmony["lead"][band.ANOTHER] == {}
    worst = band.worst(rows)
    assert worst["lufs"] == pytest.approx([-13.9, -13.05])
    assert worst["solo_lag_ms"] == 0.5
    length = {"name": "piano-00", "asked_seconds": 30.0, "samples_apart": 0,
              "ends": {"complete": True, "tonic_chord": False}, "seam_excess_db": None}  # fmt: skip
    figures = plain({"harmony": harmony, "timing": timing, "sound": worst, "lengths": [length]})
    assert "| piano-00 | 30 | 0 | not tonic_chord |" in band.markdown(figures)


# --- bad files ------------------------------------------------------------------------------------


def test_every_bad_file_can_be_made(tmp_path: Path) -> None:
    take = bad.played_take(2.0)
    for number, (name, maker) in enumerate(bad.CASES.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        if name not in ("two hours", "speech", "m4a"):
            path = maker(folder, take, np.random.default_rng(0))
            assert path.exists() == (name != "no file")


def test_a_run_is_judged_by_its_exit_code_its_words_and_its_remains(tmp_path: Path) -> None:
    found = bad.remixed(tmp_path / "nothing.wav", tmp_path / "out")
    assert found["exit_code"] in (1, 2)
    assert found["files"] == []
    assert found["most_memory_megabytes"] > 10


def test_a_loop_tells_its_tempo_by_its_length() -> None:
    assert recordings.loop_tempi(8.0) == [60.0, 120.0]
    assert recordings.loop_tempi(4.948) == [97.0]
