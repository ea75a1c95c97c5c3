"""`ritornello separate` and `train-separator`, as a person uses them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ritornello import api
from ritornello.note_model import weights_file
from ritornello.note_model.weights_file import WeightsFile
from ritornello.separate.band_split import BandSplit
from tests.cli.conftest import Outcome
from tests.examples import band

RATE = 16_000


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    at = np.arange(RATE) / RATE
    tones = sum(np.sin(2 * np.pi * hz * at) for hz in (80, 700, 3000))
    soundfile.write(tmp_path / "song.flac", 0.2 * tones, RATE, subtype="PCM_16")
    return tmp_path / "song.flac"


@pytest.fixture
def separator(tmp_path: Path) -> Path:
    """A small separator that has learned nothing, in the folder of a run."""
    torch = pytest.importorskip("torch", reason="making a separator needs the extra train")
    from ritornello.separate.model import Separator, SeparatorConfig

    torch.manual_seed(0)
    model = Separator(SeparatorConfig(BandSplit(0.05), width=8, hidden=8, layers=1))
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    file = WeightsFile("separator", weights, model.config.settings())
    weights_file.save(file, tmp_path / "sep" / "separator.safetensors")
    return tmp_path / "sep"


@pytest.fixture
def stems(tmp_path: Path) -> Path:
    """Three songs with their stems, and a folder that holds none."""
    rng = np.random.default_rng(0)
    for song in range(3):
        (tmp_path / "stems" / f"song{song}").mkdir(parents=True)
        for stem in ("bass", "drums", "guitar"):
            sound = rng.normal(0, 0.1, RATE // 4)
            soundfile.write(tmp_path / "stems" / f"song{song}" / f"{stem}.wav", sound, RATE)
    (tmp_path / "stems" / "notes").mkdir()
    return tmp_path / "stems"


@pytest.mark.parametrize("ending", ["wav", "flac"])
def test_stems_sum_to_the_recording(
    command: Callable[..., Outcome], recording: Path, separator: Path, ending: str
) -> None:
    done = command("separate", recording, "-m", separator, "-o", "stems", "-f", ending)
    assert done.code == 0, done.err
    paths = [Path(line) for line in done.out.splitlines()]
    assert [path.stem for path in paths] == ["bass", "drums", "piano", "other"]
    total = sum(soundfile.read(path)[0] for path in paths)
    assert np.array_equal(total, soundfile.read(recording)[0])


def test_the_bundled_separator_is_there_and_programs_can_read_the_answer(
    command: Callable[..., Outcome], recording: Path
) -> None:
    done = command("separate", recording, "-o", "stems", "--json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert set(told["stems"]) == {"bass", "drums", "piano", "other"}
    assert told["duration_seconds"] == 1.0


def test_what_cannot_be_separated_is_said_and_nothing_is_written(
    command: Callable[..., Outcome], separator: Path, recording: Path, tmp_path: Path
) -> None:
    (tmp_path / "noise.mp3").write_bytes(b"no sound at all" * 100)
    soundfile.write(tmp_path / "silence.wav", np.zeros(RATE), RATE)
    for source, reason in (("noise.mp3", "cannot be read"), ("silence.wav", "silent")):
        done = command("separate", source, "-m", separator, "-o", "out")
        assert (done.code, reason in done.err, done.out) == (1, True, "")
    done = command("separate", recording, "-m", tmp_path / "stems", "-o", "out")
    assert (done.code, "no such file" in done.err) == (1, True)
    assert not (tmp_path / "out").exists()


def test_ones_own_stems_teach_a_separator_that_goes_on_from_any_other(
    command: Callable[..., Outcome], stems: Path, separator: Path, recording: Path
) -> None:
    learn = ("train-separator", stems, "-o", "mine", "--from", separator, "--threads", 1)
    done = command(*learn, "--minutes", 0.002)
    assert done.code == 0, done.err
    assert "3 songs with stems; part missing: piano in 3" in done.err
    assert "notes left out: It has no stems" in done.err
    done = command("separate", recording, "-m", "mine", "-o", "parts")
    assert done.code == 0, done.err
    curve = json.loads(Path("mine", "curves.json").read_text())
    assert command(*learn, "--minutes", 0.03).code == 0
    assert json.loads(Path("mine", "curves.json").read_text())[: len(curve)] == curve
    (stems / "song0" / "bass.wav").unlink()
    done = command(*learn, "--minutes", 0.04)
    assert (done.code, "other songs" in done.err) == (2, True)


def test_midi_files_are_rendered_once_and_whole_and_teach_a_separator(
    command: Callable[..., Outcome], separator: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("LEAST", 3), ("MOST", 3), ("SECONDS", 0.3)):
        monkeypatch.setattr(f"ritornello.separate.separation._RENDERED_{name}", value)
    Path("midi", "deep").mkdir(parents=True)
    for beats in (3, 4):
        band(bars=2, metre=(beats, 4)).save(Path("midi", "deep", f"{beats}.mid"))

    def stop(songs: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        api.train_separator("midi", "mine", start=api.load_separator(separator), read=stop)
    learn = ("train-separator", "midi", "-o", "mine", "--from", separator, "--threads", 1)
    done = command(*learn, "--minutes", 0.002)
    assert done.code == 0, done.err
    assert "rendering 3 stretches of 0.3 s with their stems, drawn from 2 files" in done.err
    assert "Learning from 2 songs; 1 more tells how well" in done.err
    songs = [np.load(path) for path in sorted(Path("mine", "songs").glob("*.npy"))]
    assert [song.shape for song in songs] == [(13_230, 4)] * 3
    assert all(np.abs(song).max() > 0.01 for song in songs)
    done = command(*learn, "--minutes", 0.03)
    assert (done.code, "rendering" in done.err) == (0, False), done.err
    Path("midi", "deep", "3.mid").unlink()
    done = command(*learn, "--minutes", 0.04)
    assert (done.code, "other songs" in done.err) == (2, True)


def test_a_separator_is_not_written_over_others_or_among_songs(
    command: Callable[..., Outcome], stems: Path, separator: Path
) -> None:
    done = command("train-separator", stems, "-o", separator)
    assert (done.code, "not the run" in done.err) == (2, True)
    done = command("train-separator", stems, "-o", stems / "sep")
    assert (done.code, "among the songs" in done.err) == (2, True)


def test_songs_are_needed_to_learn(command: Callable[..., Outcome], tmp_path: Path) -> None:
    done = command("train-separator", tmp_path / "nowhere", "-o", "mine")
    assert (done.code, "no such folder" in done.err) == (1, True)
    (tmp_path / "empty").mkdir()
    done = command("train-separator", tmp_path / "empty", "-o", "mine")
    assert (done.code, "No song with stems" in done.err) == (1, True)
