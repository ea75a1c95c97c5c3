"""Pieces as sound: levels, stems, lengths, and the limits of what can be played."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soxr

import ritornello.synth.render as render_module
from ritornello.dsp.mastering import measure
from ritornello.errors import ConfigError, InputError
from ritornello.music.piece import Piece, Tempo, Track
from ritornello.synth.render import render, render_stems

RATE = 44_100


@pytest.fixture(scope="module")
def band() -> Piece:
    """Four bars of piano twice, bass and drums."""
    chords = [
        (bar * 1920 + beat * 480, 400, pitch, 60 + 10 * beat)
        for bar in range(4)
        for beat in range(4)
        for pitch in (60, 64, 67)
    ]
    bass = [(bar * 1920, 1800, 36, 90) for bar in range(4)]
    drums = [(beat * 480, 60, (36, 38)[beat % 2], 100) for beat in range(16)]
    return Piece(
        (
            Track(chords, 0),
            Track(chords, 1, name="second"),
            Track(bass, 33),
            Track(drums, is_drum=True),
            Track([], 40),
        )
    )


def test_mix_is_14_lufs_with_true_peaks_below_1_db(band: Piece) -> None:
    mix = render(band)
    assert mix.channels == 2
    assert measure(mix.samples.T, RATE).lufs() == pytest.approx(-14, abs=0.1)
    finely = soxr.resample(mix.samples.astype(np.float64), RATE, 4 * RATE, quality="VHQ")
    assert 20 * np.log10(np.abs(finely).max()) <= -1.0


def test_stems_have_one_length_and_sum_to_the_mix_before_limiting(
    band: Piece, monkeypatch: pytest.MonkeyPatch
) -> None:
    stems = render_stems(band)
    assert list(stems) == ["piano", "piano 2", "bass", "drums"]
    monkeypatch.setattr(render_module, "limiter_curve", lambda peaks: np.ones(len(peaks) + 1))
    mix = render(band).samples
    assert {stem.samples.shape for stem in stems.values()} == {mix.shape}
    left = sum(stem.samples.astype(np.float64) for stem in stems.values()) - mix
    assert np.square(left).mean() < np.square(mix).mean() * 1e-12  # -120 dB


def test_same_piece_gives_the_same_samples(band: Piece) -> None:
    np.testing.assert_array_equal(render(band).samples, render(band).samples)


def test_sound_lasts_as_long_as_the_piece_and_ends_in_silence(band: Piece) -> None:
    mix = render(band)
    assert band.duration_seconds < mix.duration_seconds < band.duration_seconds + 10
    assert np.abs(mix.samples[-1]).max() == 0
    assert np.abs(mix.samples[-200:]).max() < 10 ** (-60 / 20)


def test_onsets_follow_the_tempo_map_within_a_millisecond(
    sine_font: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(render_module, "add_room", lambda *_: None)
    notes = [(beat * 480, 60, 69, 100) for beat in range(8)]
    tempos = (Tempo(0, 120), Tempo(960, 97.3), Tempo(2400, 240))
    piece = Piece((Track(notes, 0),), tempos=tempos)
    sound = np.abs(render(piece, soundfont=sine_font()).samples[:, 0]) > 1e-3
    # A note starts where sound follows 20 ms of silence.
    quiet = np.convolve(sound, np.ones(882), "full")[: len(sound)] - sound == 0
    starts = np.flatnonzero(sound & quiet) / RATE
    expected = piece.ticks_to_seconds(np.array([note[0] for note in notes]))
    np.testing.assert_allclose(starts, expected, atol=0.001)


@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 96_000])
def test_other_rates_play_the_same_music(band: Piece, rate_hz: int) -> None:
    mix = render(band, rate_hz=rate_hz)
    assert mix.rate_hz == rate_hz
    assert measure(mix.samples.T, rate_hz).lufs() == pytest.approx(-14, abs=0.1)


@pytest.mark.parametrize("piece", [Piece(()), Piece((Track([]),)), Piece((), length_ticks=4800)])
def test_piece_without_notes_is_silence(piece: Piece) -> None:
    mix = render(piece)
    assert piece.duration_seconds < mix.duration_seconds < piece.duration_seconds + 1
    assert not mix.samples.any()
    assert render_stems(piece) == {}


def test_piece_of_more_than_ten_hours_is_refused_before_any_work() -> None:
    piece = Piece((Track([(0, 480 * 2 * 3600 * 11, 60, 90)]),))
    with pytest.raises(InputError, match=r"11\.0 hours"):
        render(piece)


def test_rates_out_of_range_are_refused(band: Piece) -> None:
    with pytest.raises(ConfigError, match="4000"):
        render(band, rate_hz=4000)


def test_unusable_font_is_refused(band: Piece, tmp_path: Path) -> None:
    path = tmp_path / "no.sf2"
    path.write_bytes(b"not a font")
    with pytest.raises(InputError, match="SoundFont"):
        render(band, soundfont=path)
