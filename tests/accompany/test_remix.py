"""A remix keeps what it promises of the files it writes: who, when, how long, how loud."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest
import soundfile

from ritornello import api
from ritornello.accompany.band import write_band
from ritornello.accompany.source import solo_of
from ritornello.errors import ConfigError, InputError, OutputError
from ritornello.generation.partner import Result
from ritornello.music.harmony import timed_chords
from ritornello.music.piece import Piece
from tests.examples import solo


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight bars of a piano, played at 100 beats a minute."""
    path = tmp_path_factory.mktemp("take") / "take.wav"
    api.render(solo(bars=8, tempo_bpm=100), path)
    return path


@pytest.fixture(scope="module")
def remix(take: Path, tiny_model: Path) -> api.Remix:
    return api.remix(take, take.parent / "remix", model=tiny_model, seed=1)


def sound(remix: api.Remix, name: str) -> np.ndarray:
    result: np.ndarray = soundfile.read(remix.report.parent / f"{name}.wav", dtype="float64")[0]
    return result


def test_every_stem_has_a_sound_and_its_notes(remix: api.Remix) -> None:
    names = {path.name for path in remix.files}
    stems = ("solo", "bass", "drums", "piano", "other")
    expected = {f"{stem}.{ending}" for stem in (*stems, "mix") for ending in ("wav", "mid")}
    assert names == expected | {"mix.mp3", "report.html"}
    assert all(path.stat().st_size > 100 for path in remix.files)
    assert tuple(remix.stems) == stems
    tracks = {remix.piece.tracks[index].name for _, (index, *_) in remix.stems.items()}
    assert tracks == {"solo", "bass", "drums", "piano", "strings"}
    title = "<title>take, with bass, drums, piano and strings</title>"
    assert title in remix.report.read_text(encoding="utf-8")


def test_stems_start_and_end_together_and_sum_to_the_mix(remix: api.Remix) -> None:
    stems = [sound(remix, name) for name in remix.stems]
    mix = sound(remix, "mix")
    assert {len(stem) for stem in stems} == {len(mix)}
    assert len(mix) == round(remix.form.duration_seconds * remix.mix.rate_hz)
    assert np.abs(sum(stems) - mix).max() < 10 ** (-120 / 20)
    assert abs(remix.mix.lufs + 14) <= 0.1
    assert remix.mix.true_peak_db <= -1


def test_the_recording_is_the_solo_sample_by_sample(remix: api.Remix, take: Path) -> None:
    played, rate = soundfile.read(take, dtype="float64")
    stem = sound(remix, "solo")[: len(played)]
    assert rate == remix.mix.rate_hz
    until = round(remix.form.last_bar_seconds * rate)
    ratio = (stem[:until] * played[:until]).sum() / (played[:until] ** 2).sum()
    at = int(np.abs(played[:until, 0]).argmax())
    correlation = [
        float((stem[at - 400 : at + 400, 0] * played[at - 400 + lag : at + 400 + lag, 0]).sum())
        for lag in range(-3, 4)
    ]
    assert ratio > 0
    assert int(np.argmax(correlation)) == 3, "not a sample early or late"


def test_the_midi_files_follow_the_player(remix: api.Remix) -> None:
    file = mido.MidiFile(remix.report.parent / "bass.mid")
    seconds, onsets = 0.0, []
    for message in file:  # mido counts in seconds, through the tempo map
        seconds += message.time
        if message.type == "note_on" and message.velocity:
            onsets.append(seconds)
    (track,) = (remix.piece.tracks[index] for index in remix.stems["bass"])
    expected = remix.piece.ticks_to_seconds(track.notes["onset"])
    np.testing.assert_allclose(onsets, expected, atol=1e-3)


def test_timeline_and_chords_are_those_of_the_form_and_of_all_that_sounds(remix: api.Remix) -> None:
    assert remix.piece.tempos == remix.form.timeline.tempos
    assert remix.chords == timed_chords(remix.piece)
    with pytest.warns(DeprecationWarning, match=r"Remix\.transcription"):
        assert remix.take is remix.transcription


def test_the_midi_files_end_with_the_last_bar(remix: api.Remix) -> None:
    mix = api.load(remix.report.parent / "mix.mid")
    assert mix.bar_count == remix.piece.bar_count
    assert mix.duration_seconds == pytest.approx(remix.form.end_seconds, abs=1e-3)


def test_the_band_waits_for_the_first_bar_and_ends_in_the_last(remix: api.Remix) -> None:
    # What lies before the first bar line is of whole sixteenths: of some milliseconds, none.
    early = 60 / remix.form.beats.tempo_bpm / 32
    for name, tracks in list(remix.stems.items())[1:]:
        onsets = np.concatenate([remix.piece.tracks[index].notes["onset"] for index in tracks])
        seconds = remix.piece.ticks_to_seconds(onsets)
        assert seconds.min() >= remix.form.first_bar_seconds - early, name
        assert seconds.max() <= remix.form.last_bar_seconds + 1e-3, name


def test_the_band_ends_in_the_key_that_was_heard(remix: api.Remix) -> None:
    key = remix.transcription.key
    assert key is not None
    last_bar = remix.piece.bar_starts_ticks()[-1]
    last = {
        name: remix.piece.tracks[index].notes["pitch"][
            remix.piece.tracks[index].notes["onset"] >= last_bar
        ]
        for name, (index,) in remix.stems.items()
    }
    assert set(last["bass"] % 12) <= {key.tonic}
    triad = {key.tonic, (key.tonic + 4 - key.is_minor) % 12, (key.tonic + 7) % 12}
    for name in ("piano", "other"):
        assert set(last[name] % 12) <= triad, name


def test_a_band_that_waits_is_told_of_no_bars_in_which_it_rests(
    remix: api.Remix, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    composer, songs = api.Composer.load(tiny_model), []
    arrange = composer.arrange

    def watched(song: Piece, *who: Any, **how: Any) -> Result:
        songs.append(song)
        return arrange(song, *who, **how)

    monkeypatch.setattr(composer, "arrange", watched)
    starts = remix.piece.bar_starts_ticks()
    first_seconds = float(remix.piece.ticks_to_seconds(starts[-4]))
    form = replace(remix.form, first_bar_seconds=first_seconds)
    band = write_band(composer, remix.transcription, form, {"bass": "bass"}, {"seed": 1})
    assert songs[0].bar_count == 4
    assert songs[0].tracks[0].notes["onset"].min() < songs[0].bar_starts_ticks()[1]
    assert band.piece.tracks[1].notes["onset"].min() >= starts[-4]


@pytest.mark.parametrize("seconds", [8.0, 30.5])
def test_a_remix_lasts_exactly_as_long_as_asked_for(
    take: Path, tiny_model: Path, tmp_path: Path, seconds: float
) -> None:
    made = api.remix(
        take, tmp_path, parts=("bass",), duration_seconds=seconds, model=tiny_model, seed=2
    )
    assert len(sound(made, "mix")) == round(seconds * made.mix.rate_hz)
    assert made.form.ringing_seconds > 1.5 - 1e-3


@pytest.mark.parametrize(("seconds", "expected"), [(40.0, ["A", "B", "A", "B"]), (12.0, ["A"])])
def test_a_stated_form_comes_round_and_is_cut_with_the_recording(
    take: Path, tiny_model: Path, tmp_path: Path, seconds: float, expected: list[str]
) -> None:
    made = api.remix(
        take, tmp_path, parts=("bass",), duration_seconds=seconds, model=tiny_model, seed=2,
        form="A 4, B 4",
    )  # fmt: skip
    *played, last = [section.name for section in made.sections]
    assert (played, last) == (expected, "end")


def test_a_form_of_other_bars_is_told_what_is_heard(
    take: Path, tiny_model: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"3 bars, and there are 9.*\n.*heard are A 9"):
        api.remix(take, tmp_path, parts=("bass",), model=tiny_model, form="A 3")


def test_a_backing_track_has_the_band_alone(take: Path, tiny_model: Path, tmp_path: Path) -> None:
    made = api.remix(
        take, tmp_path, parts=("bass", "drums"), keep_solo=False, model=tiny_model, seed=2,
        duration_seconds=8,
    )  # fmt: skip
    band = sound(made, "bass") + sound(made, "drums")
    assert np.abs(band - sound(made, "mix")).max() < 10 ** (-120 / 20)
    assert np.abs(sound(made, "solo")).max() > 0.01


def test_strings_do_not_double_who_bows(take: Path, tiny_model: Path, tmp_path: Path) -> None:
    made = api.remix(
        take, tmp_path, parts=("other",), instrument="violin", model=tiny_model, seed=2,
        duration_seconds=8,
    )  # fmt: skip
    solo_track, other = made.piece.tracks
    assert (solo_track.label, other.label) == ("solo", "guitar")


@pytest.mark.parametrize(
    "asked",
    [
        {"parts": ()}, {"parts": ("kazoo",)}, {"parts": ("drums", "drums")},
        {"duration_seconds": 1.0}, {"duration_seconds": float("nan")}, {"instrument": "drums"},
        {"key": "H dorian"}, {"seed": -1}, {"chords": "X"},
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_and_nothing_is_written(
    take: Path, tiny_model: Path, tmp_path: Path, asked: dict[str, Any]
) -> None:
    with pytest.raises(ConfigError):
        api.remix(take, tmp_path / "out", model=tiny_model, **asked)
    assert not (tmp_path / "out").exists()


def test_what_is_there_is_not_replaced(take: Path, tiny_model: Path, remix: api.Remix) -> None:
    before = {path: path.stat().st_mtime_ns for path in remix.files}
    with pytest.raises(OutputError, match=r"solo\.wav"):
        api.remix(take, remix.report.parent, model=tiny_model)
    assert {path: path.stat().st_mtime_ns for path in remix.files} == before


def test_a_folder_of_stems_is_asked_for_one_by_name_whatever_the_case_of_its_ending(
    tmp_path: Path,
) -> None:
    (tmp_path / "Keys.WAV").touch()
    with solo_of(tmp_path, "Keys", lambda *_: None) as found:
        assert found == tmp_path / "Keys.WAV"
    with pytest.raises(ConfigError, match="Keys"), solo_of(tmp_path, "bass", lambda *_: None):
        pass
    (tmp_path / "Keys.mp3").touch()
    with pytest.raises(ConfigError, match=r"mp3.*WAV|WAV.*mp3"):
        solo_of(tmp_path, "Keys", lambda *_: None).__enter__()
    with solo_of(tmp_path, "Keys.mp3", lambda *_: None) as found:
        assert found.name == "Keys.mp3"


def test_silence_has_no_band(tiny_model: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silence.wav", np.zeros(44_100 * 5), 44_100)
    with pytest.raises(InputError, match=r"silence\.wav"):
        api.remix(tmp_path / "silence.wav", tmp_path / "out", model=tiny_model)
    assert not (tmp_path / "out").exists()


def test_notes_are_written_down(take: Path, tmp_path: Path) -> None:
    heard = api.transcribe(take, tmp_path / "take.mid")
    assert api.load(tmp_path / "take.mid").note_count == heard.piece.note_count > 20
