"""Recordings: every sample where it was, at any rate, whatever is wrong with the file."""

from __future__ import annotations

import sys
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from ritornello.dsp.recordings import Recording
from ritornello.dsp.sound_files import write_audio
from ritornello.dsp.waveform import Waveform
from ritornello.errors import InputError, MissingExtraError

RATE = 44_100
CLICKS = (30_017, 100_000)


def with_clicks(samples: int = 3 * RATE, channels: int = 1, rate_hz: int = RATE) -> np.ndarray:
    """A quiet tone and two clicks, float32 [samples, channels]."""
    sound = 0.05 * np.sin(2 * np.pi * 440 * np.arange(samples) / rate_hz)
    sound[[click for click in CLICKS if click < samples]] = 0.95
    return np.repeat(sound[:, None], channels, axis=1).astype(np.float32)


def written(folder: Path, name: str, sound: np.ndarray | None = None, rate_hz: int = RATE) -> Path:
    return write_audio(Waveform(with_clicks() if sound is None else sound, rate_hz), folder / name)


def samples_of(recording: Recording, rate_hz: int = RATE, channels: int = 1) -> np.ndarray:
    return np.concatenate(list(recording.blocks(rate_hz, channels)))


def clicks_in(sound: np.ndarray) -> list[int]:
    return np.flatnonzero(np.abs(sound) > 0.5).tolist()


def lost_in(recording: Recording) -> list[tuple[float, float]]:
    lost: list[tuple[float, float]] = []
    for _ in recording.blocks(RATE, lost=lambda start, end: lost.append((start, end))):
        pass
    return lost


# --- whole files -------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg", "mp3"])
def test_a_click_is_found_at_its_sample(tmp_path: Path, ending: str) -> None:
    recording = Recording.open(written(tmp_path, f"a.{ending}"))
    assert (recording.rate_hz, recording.channels, recording.frames) == (RATE, 1, 3 * RATE)
    assert recording.format == ending.upper()
    sound = samples_of(recording)
    assert len(sound) == 3 * RATE
    assert clicks_in(sound) == list(CLICKS)
    assert not recording.findings
    assert not lost_in(recording)


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg", "mp3"])
def test_blocks_are_what_is_read_at_once_and_the_same_in_each_pass(
    tmp_path: Path, ending: str
) -> None:
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 0.2, (5 * RATE, 2)).astype(np.float32)
    path = written(tmp_path, f"a.{ending}", noise)
    at_once, _ = soundfile.read(path, dtype="float32")
    recording = Recording.open(path)
    np.testing.assert_array_equal(samples_of(recording, channels=2), at_once)
    np.testing.assert_array_equal(samples_of(recording, channels=2), at_once)


@given(
    frames=st.integers(1, 60_000),
    own=st.sampled_from([8000, 11_025, 22_050, 44_100, 48_000, 96_000]),
    rate_hz=st.sampled_from([22_050, 44_100, 48_000, 16_000]),
    channels=st.integers(1, 2),
)
@settings(max_examples=40)
def test_any_rate_has_the_exact_length(
    frames: int, own: int, rate_hz: int, channels: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("rates") / "a.wav"
    soundfile.write(path, np.zeros(frames, np.float32), own)
    if round(frames * rate_hz / own):
        sound = samples_of(Recording.open(path), rate_hz, channels)
        assert len(sound) == round(frames * rate_hz / own)
        assert sound.dtype == np.float32


def test_resampling_keeps_the_time_of_a_click(tmp_path: Path) -> None:
    recording = Recording.open(written(tmp_path, "a.wav"))
    sound = samples_of(recording, 22_050)
    at = 20_000 + int(np.abs(sound[20_000:]).argmax())
    assert at == CLICKS[1] // 2


def test_six_channels_are_mixed_down_and_never_pass_full_scale(tmp_path: Path) -> None:
    each = np.zeros((600, 6), np.float32)
    for channel in range(6):
        each[channel * 100 : channel * 100 + 100, channel] = 1.0
    path = tmp_path / "six.wav"
    soundfile.write(path, each, 48_000, subtype="FLOAT")
    recording = Recording.open(path)
    assert [finding.name for finding in recording.findings] == ["many_channels"]
    left, right = samples_of(recording, 48_000, 2)[50::100].T
    weights = np.array([1.0, 0, 0.7071, 0, 0.7071, 0]) / 2.4142
    np.testing.assert_allclose(left, weights, atol=1e-4)
    np.testing.assert_allclose(right, weights[[1, 0, 2, 3, 5, 4]], atol=1e-4)
    loud = np.ones((100, 6), np.float32)
    soundfile.write(path, loud, 48_000, subtype="FLOAT")
    assert np.abs(samples_of(Recording.open(path), 48_000, 2)).max() <= 1 + 1e-6


def test_mono_is_the_mean_and_stereo_of_mono_is_twice_the_same(tmp_path: Path) -> None:
    sides = with_clicks(channels=2)
    sides[:, 1] = 0
    recording = Recording.open(written(tmp_path, "a.wav", sides))
    np.testing.assert_allclose(samples_of(recording), sides[:, 0] / 2, atol=1e-6)
    mono = Recording.open(written(tmp_path, "b.wav"))
    stereo = samples_of(mono, channels=2)
    np.testing.assert_array_equal(stereo[:, 0], stereo[:, 1])


# --- m4a ---------------------------------------------------------------------------------------


def m4a(path: Path) -> Path:
    av = pytest.importorskip("av")
    sound = with_clicks()[:, 0]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=RATE)
        stream.layout, stream.bit_rate = "mono", 128_000
        for start in range(0, len(sound), 1024):
            part = sound[None, start : start + 1024]
            frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_m4a_is_read_by_pyav(tmp_path: Path) -> None:
    recording = Recording.open(m4a(tmp_path / "a.m4a"))
    assert (recording.rate_hz, recording.channels, recording.frames) == (RATE, 1, 3 * RATE)
    assert [CLICKS[0] in (at - 1, at, at + 1) for at in clicks_in(samples_of(recording))][:1]
    sound = samples_of(recording, 48_000, 2)
    assert sound.shape == (3 * 48_000, 2)


def test_m4a_without_pyav_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    path = tmp_path / "a.m4a"
    path.write_bytes(b"\0\0\0\x18ftypM4A " + bytes(100))
    with pytest.raises(MissingExtraError, match=r"ritornello\[m4a\]"):
        Recording.open(path)


# --- damaged files -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mp3(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Ten seconds with a click at 0.5 s and at 9 s."""
    rng = np.random.default_rng(0)
    sound = rng.normal(0, 0.02, (10 * RATE, 1)).astype(np.float32)
    sound[[RATE // 2, 9 * RATE]] = 0.95
    return written(tmp_path_factory.mktemp("mp3"), "a.mp3", sound).read_bytes()


def opened(folder: Path, content: bytes, name: str = "a.mp3") -> Recording:
    (folder / name).write_bytes(content)
    return Recording.open(folder / name)


@pytest.mark.parametrize("stated", [1, 200, 10**7])
def test_an_mp3_that_lies_about_its_length_is_read_whole(
    tmp_path: Path, mp3: bytes, stated: int
) -> None:
    at = mp3.index(b"Xing") + 8
    lying = mp3[:at] + stated.to_bytes(4, "big") + mp3[at + 4 :]
    recording = opened(tmp_path, lying)
    assert recording.frames == 10 * RATE
    assert clicks_in(samples_of(recording)) == [RATE // 2, 9 * RATE]
    assert [finding.name for finding in recording.findings] == ["cut_off"] * (stated > 1000)


def test_an_mp3_that_does_not_tell_its_length_is_read_whole(tmp_path: Path, mp3: bytes) -> None:
    second_frame = mp3.index(b"\xff\xfb", mp3.index(b"Xing"))
    recording = opened(tmp_path, mp3[second_frame:])
    early, late = clicks_in(samples_of(recording))
    assert late - early == 9 * RATE - RATE // 2  # the coder's delay is not told either
    assert early == pytest.approx(RATE // 2, abs=1200)


@pytest.mark.parametrize("damage", [bytes(4000), bytes(range(1, 251)) * 16])
def test_damage_in_the_middle_is_silent_and_keeps_the_time_of_the_rest(
    tmp_path: Path, mp3: bytes, damage: bytes
) -> None:
    middle = len(mp3) // 2
    recording = opened(tmp_path, mp3[:middle] + damage + mp3[middle + len(damage) :])
    assert recording.frames == 10 * RATE
    sound = samples_of(recording)
    assert clicks_in(sound) == [RATE // 2, 9 * RATE]
    whole = samples_of(opened(tmp_path, mp3, "whole.mp3"))
    other = np.flatnonzero(np.abs(sound - whole) > 1e-4)
    (finding,) = recording.findings
    assert finding.name == "damaged"
    assert np.ptp(other) / RATE == pytest.approx(finding.value, abs=0.15)
    assert np.abs(sound[other[0] : other[-1]]).max() < 0.1  # no burst of noise


def test_a_cut_off_mp3_gives_what_is_there(tmp_path: Path, mp3: bytes) -> None:
    recording = opened(tmp_path, mp3[: len(mp3) // 2])
    assert recording.duration_seconds == pytest.approx(5, abs=0.2)
    assert clicks_in(samples_of(recording)) == [RATE // 2]
    (finding,) = recording.findings
    assert finding.name == "cut_off"
    assert finding.value == pytest.approx(5, abs=0.2)


def test_junk_around_an_mp3_is_no_damage(tmp_path: Path, mp3: bytes) -> None:
    cover = b"ID3\x03\0\0" + bytes((0, 0, 32, 0)) + b"\xff\xfb\x90\xc4" * 1024
    recording = opened(tmp_path, cover + mp3 + b"TAG" + bytes(125))
    assert clicks_in(samples_of(recording)) == [RATE // 2, 9 * RATE]
    assert not recording.findings


@pytest.mark.parametrize("ending", ["flac", "ogg"])
def test_damaged_flac_and_ogg_go_on_behind_the_damage(tmp_path: Path, ending: str) -> None:
    rng = np.random.default_rng(0)
    sound = rng.normal(0, 0.1, (20 * RATE, 1)).astype(np.float32)
    content = bytearray(written(tmp_path, f"a.{ending}", sound).read_bytes())
    clean = samples_of(Recording.open(tmp_path / f"a.{ending}"))
    middle = len(content) // 2
    content[middle : middle + 300] = rng.bytes(300)
    recording = opened(tmp_path, bytes(content), f"b.{ending}")
    found = samples_of(recording)
    assert len(found) == 20 * RATE
    ((start, end),) = lost_in(recording)
    assert 8 < start < end < 13
    early, late = int(start * RATE) - 20_000, int(end * RATE) + 20_000
    np.testing.assert_allclose(found[:early], clean[:early], atol=1e-4)
    np.testing.assert_allclose(found[late:], clean[late:], atol=1e-4)


def test_a_cut_off_wav_says_how_much_is_missing(tmp_path: Path) -> None:
    content = written(tmp_path, "a.wav").read_bytes()
    recording = opened(tmp_path, content[: len(content) // 3], "b.wav")
    (finding,) = recording.findings
    assert finding.name == "cut_off"
    assert recording.duration_seconds + finding.value == pytest.approx(3, abs=0.01)


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg", "mp3"])
@given(seed=st.integers(0, 10**6), size=st.integers(1, 3000))
@settings(max_examples=25)
def test_whatever_is_damaged_there_is_the_promised_sound_or_a_clear_refusal(
    ending: str, seed: int, size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("damage")
    content = written(folder, f"a.{ending}").read_bytes()
    rng = np.random.default_rng(seed)
    at, end = sorted(rng.integers(0, len(content), 2))
    kinds = (content[:at], content[:at] + content[end:], content[:at] + rng.bytes(size))
    damaged = kinds[seed % 3] + (content[at + size :] if seed % 3 == 2 else b"")
    with suppress(InputError):
        recording = opened(folder, damaged, f"b.{ending}")
        for channels in (1, 2):
            sound = samples_of(recording, channels=channels)
            assert len(sound) == recording.length(RATE)
            assert np.isfinite(sound).all()


@pytest.mark.parametrize("content", [b"", b"RIFF\0\0\0\0WAVE", bytes(range(256)) * 20, b"hello"])
@pytest.mark.parametrize("ending", ["wav", "mp3", "flac", "ogg", "m4a", "txt"])
def test_what_is_no_sound_is_refused(tmp_path: Path, content: bytes, ending: str) -> None:
    with pytest.raises(InputError, match=r"bad\."):
        opened(tmp_path, content, f"bad.{ending}")


@pytest.mark.parametrize(
    "content",
    [b"hello " * 3000, b"\xff\xfb\x90\x00" + b"hello " * 3000, b"RIFF" + b"hello " * 3000],
)
@pytest.mark.parametrize("ending", ["mp3", "wav", "dat"])
def test_decoders_do_not_complain_themselves(
    tmp_path: Path, content: bytes, ending: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match="m4a"):
        opened(tmp_path, content, f"bad.{ending}")
    assert capfd.readouterr() == ("", "")


def test_tags_behind_an_mp3_are_read_over_in_silence(
    tmp_path: Path, mp3: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    tagged = samples_of(opened(tmp_path, mp3 + b"APETAGEX" + bytes(len(mp3) // 4)))
    np.testing.assert_array_equal(tagged, samples_of(opened(tmp_path, mp3, "b.mp3")))
    assert capfd.readouterr() == ("", "")


def test_a_missing_file_and_values_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        Recording.open(tmp_path / "none.wav")
    sound = with_clicks()
    sound[5000] = np.nan
    soundfile.write(tmp_path / "a.wav", sound, RATE, subtype="FLOAT")
    with pytest.raises(InputError, match="not numbers"):
        samples_of(Recording.open(tmp_path / "a.wav"))
