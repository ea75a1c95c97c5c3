"""What people told of their recordings: each kind of take is heard as the clean one is."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ritornello.dsp.recordings import Recording
from ritornello.errors import InputError
from ritornello.transcribe.transcription import Transcription, listen
from ritornello.transcribe.values import Hints

RATE = 22_050
BEAT = 0.5
CHORDS = ((45, 57, 60, 64), (50, 57, 62, 65), (43, 55, 59, 62), (48, 55, 60, 64))


def plucked(times: list[float], chords: list[tuple[int, ...]], cents: float = 0.0) -> np.ndarray:
    """Chords of plucked strings, float64 [samples]."""
    sound = np.zeros(int((times[-1] + 1.2) * RATE))
    time = np.arange(RATE) / RATE
    for at, chord in zip(times, chords, strict=True):
        for pitch in chord:
            hz = 440 * 2 ** ((pitch - 69) / 12 + cents / 1200)
            note = sum(
                np.sin(2 * np.pi * k * hz * time) * np.exp(-3 * k * time) / k
                for k in range(1, 9)
                if k * hz < RATE / 2
            )
            start = round(at * RATE)
            sound[start : start + len(time)] += 0.06 * note
    return sound


def take(first_beat: int = 0, beats: int = 24, cents: float = 0.0) -> np.ndarray:
    """A bass note on each first and third beat, the chord on the others, from a beat on."""
    times: list[float] = []
    chords: list[tuple[int, ...]] = []
    for beat in range(first_beat, beats):
        chord = CHORDS[beat // 4 % 4]
        times.append(beat * BEAT + 0.02)
        chords.append(chord[:1] if beat % 2 == 0 else chord[1:])
    return plucked(times, chords, cents)


def heard(folder: Path, sound: np.ndarray, hints: Hints | None = None, **how: str) -> Transcription:
    soundfile.write(folder / "take.wav", sound, RATE, **({"subtype": "PCM_24"} | how))
    return listen(folder / "take.wav", hints or Hints())


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Transcription:
    return heard(tmp_path_factory.mktemp("clean"), take())


def names(of: Transcription) -> set[str]:
    return {finding.name for finding in of.findings}


def agreement(one: Transcription, other: Transcription, later_seconds: float = 0.0) -> float:
    """Share of notes that both have, of those that either has; onsets within 50 ms."""
    left = [(note["pitch"], note["onset_seconds"]) for note in one.notes]
    right = [(note["pitch"], note["onset_seconds"] - later_seconds) for note in other.notes]
    both = sum(any(pitch == p and abs(onset - o) < 0.05 for p, o in right) for pitch, onset in left)
    return both / max(len(left), len(right), 1)


# --- how it was recorded ----------------------------------------------------------------------


@pytest.mark.parametrize("side", [0, 1])
def test_one_channel_alone_is_in_the_middle(
    tmp_path: Path, clean: Transcription, side: int
) -> None:
    """mimic-recording-studio #107: a microphone on the left input."""
    sides = np.zeros((len(take()), 2))
    sides[:, side] = take()
    found = heard(tmp_path, sides)
    assert names(found) >= {("left_only", "right_only")[side]}
    assert agreement(clean, found) > 0.95
    left, right = np.concatenate([*found.cleaned.blocks(RATE, 2)]).T
    np.testing.assert_array_equal(left, right)


def test_inverted_channels_are_heard(tmp_path: Path, clean: Transcription) -> None:
    """whisperX PR 750: a balanced microphone on a stereo input was "silent"."""
    found = heard(tmp_path, np.stack([take(), -take()], axis=1))
    assert "out_of_phase" in names(found)
    assert agreement(clean, found) > 0.95


def test_a_constant_offset_goes(tmp_path: Path, clean: Transcription) -> None:
    """audacity #2408."""
    found = heard(tmp_path, take() + 0.05)
    assert "dc_offset" in names(found)
    assert agreement(clean, found) > 0.95
    assert abs(np.concatenate([*found.cleaned.blocks(RATE, 2)]).mean()) < 1e-4


@pytest.mark.parametrize("level_db", [-30, -55, -65])
def test_levels_are_relative(tmp_path: Path, clean: Transcription, level_db: float) -> None:
    """andrewrk/waveform #2: a recording that is only soft is not silent."""
    found = heard(tmp_path, take() * 10 ** (level_db / 20))
    assert agreement(clean, found) > 0.8
    assert found.beats.tempo_bpm == pytest.approx(clean.beats.tempo_bpm, rel=0.02)


def test_a_take_that_is_out_of_tune_is_heard_in_tune(tmp_path: Path, clean: Transcription) -> None:
    """librosa #1806, note-by-note #8."""
    found = heard(tmp_path, take(cents=40))
    assert found.measures.tuning_cents == pytest.approx(40, abs=4)
    assert "tuning" in names(found)
    assert agreement(clean, found) > 0.8
    assert clean.measures.tuning_cents == 0


def test_silence_counts_for_nothing(tmp_path: Path, clean: Transcription) -> None:
    """mixr #7, ffmpeg-normalize #146."""
    silent = np.zeros(40 * RATE)
    found = heard(tmp_path, np.concatenate([silent, take(), silent]))
    assert found.beats.tempo_bpm == pytest.approx(clean.beats.tempo_bpm, rel=0.01)
    assert found.beats.confidence == pytest.approx(clean.beats.confidence, abs=0.1)
    assert found.beats.times_seconds[0] > 39
    assert found.beats.times_seconds[-1] < 40 + 14
    assert agreement(clean, found, later_seconds=40) > 0.95


@pytest.mark.parametrize("level_db", [-50, -40])
def test_the_noise_of_a_room_counts_for_nothing(
    tmp_path: Path, clean: Transcription, level_db: float
) -> None:
    """A recorder left running before and after: what only hisses is not played."""
    rng = np.random.default_rng(3)
    sound = np.concatenate([np.zeros(30 * RATE), take(), np.zeros(30 * RATE)])
    sound += 10 ** (level_db / 20) * rng.standard_normal(len(sound))
    found = heard(tmp_path, sound)
    assert found.beats.tempo_bpm == pytest.approx(clean.beats.tempo_bpm, rel=0.02)
    assert 28 < found.beats.times_seconds[0] < found.beats.times_seconds[-1] < 30 + 14
    assert names(found) >= {"lead_in"}
    assert not names(found) & {"percussive", "noise", "no_beat"}


def test_applause_afterwards_counts_for_nothing(tmp_path: Path, clean: Transcription) -> None:
    """A concert: hundreds of claps a second, as loud as the music."""
    rng = np.random.default_rng(4)
    claps = np.zeros(20 * RATE)
    for first in rng.integers(0, len(claps) - 600, 6000):
        claps[first : first + 500] += rng.standard_normal(500) * np.exp(-np.arange(500) / 80)
    found = heard(tmp_path, np.concatenate([take(), 0.2 * claps / np.abs(claps).max()]))
    assert found.beats.tempo_bpm == pytest.approx(clean.beats.tempo_bpm, rel=0.02)
    assert found.beats.confidence == pytest.approx(clean.beats.confidence, abs=0.15)
    assert found.beats.times_seconds[-1] < 16


def test_a_metronome_alone_is_not_cut_off(tmp_path: Path) -> None:
    """The same click again and again reaches one highest level; that is no clipping."""
    time = np.arange(700) / RATE
    beat = np.zeros(RATE // 2)
    beat[:700] = 0.4 * np.sin(2 * np.pi * 1500 * time) * np.exp(-time / 0.006)
    found = heard(tmp_path, np.tile(beat, 30))
    assert "clipping" not in names(found)
    assert "few_notes" in names(found)
    assert found.beats.tempo_bpm in (pytest.approx(120, rel=0.02), pytest.approx(60, rel=0.02))


# --- what the player says ---------------------------------------------------------------------


def test_beats_reach_back_to_a_bar_line_before_the_first_note(tmp_path: Path) -> None:
    """mixxx PR 16581, madmom #446: a take that begins on the second beat."""
    hints = Hints(tempo_bpm=120, metre=(4, 4), downbeat_seconds=0.02)
    found = heard(tmp_path, take(first_beat=1), hints)
    np.testing.assert_allclose(found.beats.downbeats_seconds[:3], [0.02, 2.02, 4.02], atol=0.06)


@pytest.mark.parametrize("metre", [(4, 4), (3, 4)])
def test_hints_hold_the_phase_where_offbeats_are_strong(
    tmp_path: Path, metre: tuple[int, int]
) -> None:
    """madmom #446: strums between the beats from the middle on."""
    times = [BEAT * beat + (BEAT / 2 if 8 < beat < 18 else 0) + 0.02 for beat in range(28)]
    sound = plucked(times, [CHORDS[beat // 4 % 4] for beat in range(28)])
    found = heard(tmp_path, sound, Hints(120, metre, downbeat_seconds=0.02))
    away = (found.beats.times_seconds - 0.02) / BEAT
    assert np.abs(away - np.round(away)).max() < 0.2


def test_steady_beats_are_evenly_spaced(tmp_path: Path) -> None:
    """basic-pitch #40: recorded to a click."""
    rng = np.random.default_rng(1)
    times = [0.1 + beat * 0.465 + rng.normal(0, 0.012) for beat in range(32)]
    sound = plucked(times, [CHORDS[beat // 4 % 4] for beat in range(32)])
    found = heard(tmp_path, sound, Hints(steady=True)).beats
    assert np.ptp(np.diff(found.times_seconds)) < 1e-6
    ratio = np.diff(found.times_seconds)[0] / 0.465
    assert min(abs(ratio - level) for level in (0.5, 1, 2)) < 0.01


def test_beats_by_hand_are_believed_and_taps_go_on(tmp_path: Path) -> None:
    times = tuple(0.02 + BEAT * beat for beat in range(24))
    whole = heard(tmp_path, take(), Hints(beats_seconds=times)).beats
    np.testing.assert_array_equal(whole.times_seconds[:24], times)
    assert whole.confidence == 1
    tapped = heard(tmp_path, take(), Hints(beats_seconds=times[4:10])).beats
    found = np.abs(tapped.times_seconds[:, None] - np.array(times)).min(axis=0)
    assert np.all(found < 0.05)


# --- files ------------------------------------------------------------------------------------


def test_sizes_of_zero_are_read_to_the_end(tmp_path: Path) -> None:
    """getID3 #468: a recorder that streams does not know how long it will be."""
    soundfile.write(tmp_path / "a.wav", take(), RATE)
    content = bytearray((tmp_path / "a.wav").read_bytes())
    place = content.index(b"data") + 4
    content[4:8] = content[place : place + 4] = struct.pack("<I", 0)
    (tmp_path / "b.wav").write_bytes(content)
    whole, streamed = (Recording.open(tmp_path / f"{name}.wav") for name in "ab")
    assert streamed.frames == whole.frames
    found, expected = (np.concatenate([*r.blocks(RATE)]) for r in (streamed, whole))
    np.testing.assert_array_equal(found, expected)
    assert not streamed.findings


def test_the_tracks_of_a_video_are_named(tmp_path: Path) -> None:
    """SubtitleEdit #9183: the first track may hold nothing."""
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        streams = [container.add_stream("pcm_s16le", rate=RATE, layout="mono") for _ in range(2)]
        for stream, sound in zip(streams, (np.zeros(RATE * 3), take()[: RATE * 3]), strict=True):
            samples = (sound * 32767).astype(np.int16)[None]
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate, frame.pts = RATE, 0
            for packet in [*stream.encode(frame), *stream.encode(None)]:
                container.mux(packet)
    recording = Recording.open(tmp_path / "a.mkv")
    assert [finding.name for finding in recording.findings] == ["many_tracks"]
    assert np.abs(np.concatenate([*recording.blocks(RATE)])).max() > 0.05


def test_drums_whose_tempo_few_people_tap_have_the_other_named(tmp_path: Path) -> None:
    """subwave #1417: slow drums were heard twice as fast, untold."""
    rng = np.random.default_rng(0)
    sound = np.zeros(20 * RATE)
    for hit in range(52):
        first = round((0.2 + hit * 0.375) * RATE)
        loud = 0.5 if hit % 4 == 0 else 0.2
        decay = np.exp(-np.arange(3000) / (900 if hit % 2 == 0 else 300))
        sound[first : first + 3000] += loud * rng.standard_normal(3000) * decay
    beats = heard(tmp_path, sound).beats
    levels = {round(beats.tempo_bpm)} | {round(beats.other_tempo_bpm or 0)}
    assert any(abs(level - 80) < 3 for level in levels) or beats.confidence == 0


@pytest.mark.parametrize("hints", [Hints(downbeat_seconds=99), Hints(beats_seconds=(99, 100))])
def test_what_is_told_lies_inside_the_recording(tmp_path: Path, hints: Hints) -> None:
    with pytest.raises(InputError, match=r"lasts 12\.\d s; the (bar line|beat) .* 99 s"):
        heard(tmp_path, take(), hints)


@pytest.mark.parametrize("seconds", [0.1, 1.9, 2.1])
def test_a_bar_line_named_by_ear_is_on_the_note_that_is_meant(
    tmp_path: Path, seconds: float
) -> None:
    found = heard(tmp_path, take(), Hints(tempo_bpm=120, metre=(4, 4), downbeat_seconds=seconds))
    away = (found.beats.downbeats_seconds - 0.02) / (4 * BEAT)
    assert np.abs(away - np.rint(away)).max() < 0.03
