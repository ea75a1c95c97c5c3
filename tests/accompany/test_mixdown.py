"""The files of a mix: lengths, levels, sums, MIDI, and nothing half-written."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile
import soxr

import ritornello.accompany.stem_files as stem_files
from ritornello.accompany.mixdown import MixFacts, mix_down
from ritornello.accompany.solo import Solo
from ritornello.dsp.mastering import measure
from ritornello.dsp.reverb import Room
from ritornello.errors import ConfigError, InputError, OutputError
from ritornello.music import io
from ritornello.music.piece import Piece, Tempo, Track
from ritornello.separate.scores import click_db
from tests.examples import band as music

RATE = 44_100
SECONDS = 9.12345
SAMPLES = 402_344
PARTS = {"chords": (0,), "bass": (1,), "drums": (2,)}


def a_band(bars: int = 4) -> Piece:
    """Chords, bass and drums in the time of a player who hurries and waits."""
    piece = music(bars=bars)
    tempos = tuple(Tempo(beat * 24, 118.37 + 9 * np.sin(beat)) for beat in range(4 * bars))
    return Piece(piece.tracks, 24, tempos, piece.metres, length_ticks=piece.length_ticks)


def a_take(seconds: float = 12.0, rate: int = RATE) -> np.ndarray:
    """Plucked tones, as a phone would record them: soft, with noise, cut off at the end."""
    time = np.arange(round(seconds * rate)) / rate
    since = time % 0.5
    pitch = 220 * 2 ** (np.floor(time / 0.5) * 5 % 12 / 12)
    pluck = np.exp(-5 * since) * np.sin(2 * np.pi * pitch * since)
    noise = np.random.default_rng(2).standard_normal((len(time), 2))
    return (0.1 * pluck[:, None] + 0.001 * noise).astype(np.float32)


def blocks_of(take: np.ndarray, size: int = 30_000) -> Iterator[np.ndarray]:
    for start in range(0, len(take), size):
        yield take[start : start + size]


def whole(path: Path) -> np.ndarray:
    """Samples as int32 [samples, 2], exactly as a wav of 24 bits holds them."""
    result: np.ndarray = soundfile.read(path, dtype="int32", always_2d=True)[0] >> 8
    return result


def true_peak_db(sound: np.ndarray) -> float:
    finely = soxr.resample(sound.astype(np.float64), RATE, 4 * RATE, quality="VHQ")
    return float(20 * np.log10(np.abs(finely).max()))


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, MixFacts]:
    folder = tmp_path_factory.mktemp("mix")
    notes = Track([(0, 24, 57, 80)], 24)
    solo = Solo(blocks_of(a_take()), notes)
    return folder, mix_down(a_band(), PARTS, solo, folder=folder, duration_seconds=SECONDS)


def test_every_file_is_there_and_every_sound_has_the_length(mixed: tuple[Path, MixFacts]) -> None:
    folder, facts = mixed
    names = ("mix", "solo", "chords", "bass", "drums")
    expected = {f"{name}.{ending}" for name in names for ending in ("wav", "mid")} | {"mix.mp3"}
    assert {path.name for path in folder.iterdir()} == expected == {f.name for f in facts.files}
    assert facts.samples == SAMPLES
    for name in expected:
        if not name.endswith(".mid"):
            info = soundfile.info(folder / name)
            assert (info.frames, info.samplerate, info.channels) == (SAMPLES, RATE, 2)
            assert info.subtype == ("MPEG_LAYER_III" if name == "mix.mp3" else "PCM_24")


def test_stems_sum_to_the_mix_to_the_last_bit(mixed: tuple[Path, MixFacts]) -> None:
    folder, _ = mixed
    stems = [whole(folder / f"{name}.wav") for name in ("solo", *PARTS)]
    np.testing.assert_array_equal(sum(stems), whole(folder / "mix.wav"))
    assert all(stem.any() for stem in stems)


def test_mix_is_14_lufs_with_true_peaks_below_1_db_even_as_mp3(
    mixed: tuple[Path, MixFacts],
) -> None:
    folder, facts = mixed
    mix, _ = soundfile.read(folder / "mix.wav", dtype="float32")
    mp3, _ = soundfile.read(folder / "mix.mp3", dtype="float32")
    assert measure(mix.T, RATE).lufs() == pytest.approx(-14, abs=0.1)
    assert measure(mix.T, RATE).lufs() == pytest.approx(facts.lufs, abs=0.01)
    assert measure(mp3.T, RATE).lufs() == pytest.approx(facts.mp3_lufs, abs=0.01)
    assert true_peak_db(mix) <= -1
    assert true_peak_db(mp3) <= -1
    assert facts.true_peak_db == pytest.approx(true_peak_db(mix), abs=0.1)
    assert np.corrcoef(mix[5000:-5000, 0], mp3[5000:-5000, 0])[0, 1] > 0.99  # and aligned


def test_solo_is_the_recording_in_its_place(mixed: tuple[Path, MixFacts]) -> None:
    folder, facts = mixed
    stem, _ = soundfile.read(folder / "solo.wav")
    take = a_take()[: len(stem)]
    inside = slice(1000, SAMPLES - 2 * RATE)
    factor = 10 ** (facts.gain_db / 20) * take[inside]
    limited = 10 ** (-facts.limiting_db / 20)
    assert (np.abs(stem[inside]) <= np.abs(factor) + 2**-22).all()
    assert (np.abs(stem[inside]) >= np.abs(factor) * limited * 0.999 - 2**-22).all()
    assert (np.sign(stem[inside]) * np.sign(factor) >= 0).all()
    loudest = max(fact.played_lufs + fact.level_db for fact in facts.stems.values())
    assert loudest == facts.stems["solo"].played_lufs  # and in front of each of the band


def test_all_ends_in_silence_without_a_step(mixed: tuple[Path, MixFacts]) -> None:
    folder, _ = mixed
    for name in ("mix", "solo", *PARTS):
        sound, _ = soundfile.read(folder / f"{name}.wav")
        assert np.abs(sound[-1]).max() < 1e-6
        assert np.abs(np.diff(sound[-200:], axis=0)).max() < 1e-3


def test_a_chord_that_is_held_to_the_end_dies_away(tmp_path: Path) -> None:
    organ = Piece((Track([(0, 960 * 4, pitch, 90) for pitch in (60, 64, 67)], 19),))
    mix_down(organ, {"a": (0,)}, None, folder=tmp_path, duration_seconds=4, fade_seconds=2)
    tenths = whole(tmp_path / "a.wav")[:, 0].astype(float).reshape(40, -1)
    levels_db = 10 * np.log10(np.square(tenths).mean(axis=1))
    assert np.ptp(levels_db[20:29]) < 3
    assert (np.diff(levels_db[31:]) < 0).all()
    assert levels_db[-1] < levels_db[29] - 30


def test_blocks_leave_no_trace(
    mixed: tuple[Path, MixFacts], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With blocks of another size every sound is the same, to the last bit."""
    folder, facts = mixed
    monkeypatch.setattr(stem_files, "BLOCK", 7000)
    solo = Solo(blocks_of(a_take(), 4321))
    again = mix_down(a_band(), PARTS, solo, folder=tmp_path, duration_seconds=SECONDS)
    assert again.stems == facts.stems
    for name in ("mix", "solo", *PARTS):
        sound = whole(tmp_path / f"{name}.wav")
        np.testing.assert_array_equal(sound, whole(folder / f"{name}.wav"))
        assert click_db(sound[:, 0], 7000) < 3
    assert (tmp_path / "mix.mp3").read_bytes() == (folder / "mix.mp3").read_bytes()


def test_backing_track_leaves_the_solo_out(tmp_path: Path) -> None:
    solo = Solo(blocks_of(a_take(3.0)))
    facts = mix_down(a_band(), PARTS, solo, folder=tmp_path, duration_seconds=5, solo_in_mix=False)
    stems = [whole(tmp_path / f"{name}.wav") for name in PARTS]
    np.testing.assert_array_equal(sum(stems), whole(tmp_path / "mix.wav"))
    assert whole(tmp_path / "solo.wav")[: 2 * RATE].any()
    assert not whole(tmp_path / "solo.wav")[3 * RATE :].any()
    assert facts.lufs == pytest.approx(-14, abs=0.1)


def test_stem_past_full_scale_is_not_cut_off(tmp_path: Path) -> None:
    """Out of the mix, so past its limiter, a knock in the recording stays whole."""
    take = a_take(4.0, 8000)
    take[9000] = 0.5
    facts = mix_down(
        a_band(),
        PARTS,
        Solo([take]),
        folder=tmp_path,
        duration_seconds=4,
        rate_hz=8000,
        solo_in_mix=False,
    )
    assert soundfile.info(tmp_path / "solo.wav").subtype == "FLOAT"
    knock = soundfile.read(tmp_path / "solo.wav")[0][9000, 0]
    gain = 10 ** (facts.gain_db / 20)
    assert 1 < knock <= 0.5 * gain * (1 + 1e-6)
    assert facts.true_peak_db <= -1


def test_midi_says_when_the_sound_begins_within_a_millisecond(
    sine_font: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Room, "add", lambda *_: None)
    ticks = [beat * 480 + 40 * (beat % 3) for beat in range(20)]
    tempos = tuple(Tempo(beat * 480, 97.3 + 31 * np.sin(beat)) for beat in range(20))
    piece = Piece((Track([(tick, 60, 69, 100) for tick in ticks], 0),), tempos=tempos)
    mix_down(piece, {"a": (0,)}, None, folder=tmp_path, duration_seconds=11, soundfont=sine_font())
    sounding = np.abs(soundfile.read(tmp_path / "a.wav")[0][:, 0]) > 1e-3
    silent = np.convolve(sounding, np.ones(882), "full")[: len(sounding)] - sounding == 0
    heard = np.flatnonzero(sounding & silent) / RATE
    now, written = 0.0, []
    for message in mido.MidiFile(tmp_path / "a.mid"):
        now += message.time
        if message.type == "note_on" and message.velocity:
            written.append(now)
    np.testing.assert_allclose(heard, [at for at in written if at < 10.9], atol=0.001)


def test_midi_of_the_mix_holds_all_on_one_tempo_map(mixed: tuple[Path, MixFacts]) -> None:
    folder, _ = mixed
    pieces = {path.stem: io.read(path) for path in folder.glob("*.mid")}
    assert [len(piece.tracks) for piece in pieces.values()].count(1) == 4
    names = ("solo", *PARTS)
    assert pieces["mix"].tracks == tuple(pieces[name].tracks[0] for name in names)
    assert len({piece.tempos for piece in pieces.values()}) == 1


def test_silence_is_mixed_to_silence(tmp_path: Path) -> None:
    solo = Solo([np.zeros((100, 2), np.float32)])
    facts = mix_down(
        Piece((Track([]),)), {"a": (0,)}, solo, folder=tmp_path, duration_seconds=1, rate_hz=8000
    )
    assert facts.lufs == facts.true_peak_db == -np.inf
    assert not whole(tmp_path / "mix.wav").any()


def test_notes_after_the_end_are_counted(tmp_path: Path) -> None:
    facts = mix_down(a_band(), PARTS, None, folder=tmp_path, duration_seconds=1.5, rate_hz=8000)
    onsets = [a_band().ticks_to_seconds(track.notes["onset"]) for track in a_band().tracks]
    assert facts.late_notes == sum((seconds >= 1.5).sum() for seconds in onsets) > 0


def test_what_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def mix(folder: Path, blocks: Iterator[np.ndarray]) -> None:
        mix_down(a_band(), PARTS, Solo(blocks), folder=folder, duration_seconds=2, rate_hz=8000)

    def broken() -> Iterator[np.ndarray]:
        yield a_take(0.5, 8000)
        raise InputError("The recording breaks off.")

    with pytest.raises(InputError, match="breaks off"):
        mix(tmp_path, broken())
    assert not list(tmp_path.iterdir())

    def unread() -> Iterator[np.ndarray]:
        raise AssertionError("work was spent")
        yield

    (tmp_path / "bass.mid").write_bytes(b"mine")
    with pytest.raises(OutputError, match="exists"):
        mix(tmp_path, unread())
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"mine"]
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(OutputError, match="GB"):
        mix(tmp_path / "new", unread())
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "parts",
    [
        {"chords": (0,), "bass": (1,)},
        {"chords": (0, 1, 2), "bass": (1,)},
        {"chords": (0, 1, 2), "bass": (3,)},
        {"chords": (0, 1, 2), "bass": ()},
        {"mix": (0, 1, 2)},
        {"solo": (0, 1, 2)},
        {"a/b": (0, 1, 2)},
    ],
)
def test_parts_that_are_not_the_band_are_refused(
    parts: dict[str, tuple[int, ...]], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="stem"):
        mix_down(a_band(), parts, None, folder=tmp_path, duration_seconds=2)
    with pytest.raises(ConfigError, match="lasts"):
        mix_down(a_band(), PARTS, None, folder=tmp_path, duration_seconds=0)
    with pytest.raises(OutputError, match="mp3"):
        mix_down(a_band(), PARTS, None, folder=tmp_path, duration_seconds=2, rate_hz=96_000)
    assert not list(tmp_path.iterdir())
