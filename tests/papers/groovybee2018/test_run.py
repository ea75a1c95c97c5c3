"""`groovybee2018`: windows, the kept state, training that goes on, and the whole system."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from ritornello.errors import InputError
from ritornello.music import io
from ritornello.music.piece import Piece, Track
from ritornello.papers.groovybee2018 import train as learning
from ritornello.papers.groovybee2018.data import load, merge_parts, rolls
from ritornello.papers.groovybee2018.model import FORMS
from ritornello.papers.groovybee2018.train import forecasts, generate, side_by_side, windows
from ritornello.papers.shared.recipe import load_recipe
from ritornello.papers.shared.study import Study
from tests.examples import band

SMALL = {"hidden": 8, "layers": 2, "dropout": 0.2, "learning_rate": 1e-3}


def parts(*lengths: int) -> list[np.ndarray]:
    """Rolls whose first pitch counts the ticks and whose second names the part."""
    found = []
    for number, length in enumerate(lengths):
        roll = np.zeros((length, 128), np.uint8)
        roll[:, 0], roll[:, 1] = np.arange(length), number
        found.append(roll)
    return found


def test_windows_are_as_many_as_published_and_end_before_their_targets() -> None:
    music = windows(parts(30, 5, 19), sequence=12, step=6)
    assert len(music) == (30 - 12) // 6 + 0 + 2
    rows = music.read(np.arange(len(music))) * learning.LOUDEST
    assert rows.shape == (13, 5, 128)
    assert rows[-1, :, 0].round().tolist() == [12, 18, 24, 12, 18]
    assert rows[:, :, 1].round().tolist() == [[0, 0, 0, 2, 2]] * 13, "windows stay in their part"
    assert rows[:, 1, 0].round().tolist() == [*range(6, 19)]
    assert music.fresh.tolist() == [True, False, False, True, False]


def test_windows_of_all_lengths_can_have_the_same_targets() -> None:
    targets = [windows(parts(60, 40), n, 6, first=24).targets.tolist() for n in (4, 8, 12, 24)]
    assert targets[0] == targets[1] == targets[2] == targets[3]


@pytest.mark.parametrize("seed", [None, 0, 1])
def test_every_lane_reads_its_parts_in_order_and_all_windows_are_read_once(
    seed: int | None,
) -> None:
    music = windows(parts(40, 90, 31, 13, 60, 24, 77), 12, 6)
    rng = None if seed is None else np.random.default_rng(seed)
    batches = [*side_by_side(music, 3, rng)]
    assert sorted(np.concatenate(batches).tolist()) == [*range(len(music))]
    for before, now in pairwise(batches):
        assert len(now) <= len(before)
        for lane, window in enumerate(now):
            assert music.fresh[window] or window == before[lane] + 1


@torch.no_grad()
def test_the_state_is_kept_within_a_part_and_never_between_parts() -> None:
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    first, second = (rng.integers(0, 127, (length, 128)).astype(np.uint8) for length in (60, 42))
    network = FORMS["LSTMCell"](hidden=8).eval()
    both = forecasts(network, windows([first, second], 6, 6))
    alone = np.concatenate([forecasts(network, windows([part], 6, 6)) for part in (first, second)])
    np.testing.assert_allclose(both, alone, rtol=1e-4, atol=1e-4)
    # Windows of 6, 6 apart, read a part without a gap: the last forecast has seen all of it.
    rows = torch.as_tensor(first[:54]).float()[:, None] / learning.LOUDEST
    whole, _ = network(rows, network.initial_state(1))
    last = len(windows([first], 6, 6)) - 1
    expected = whole[0].clamp(0, 1).numpy() * learning.LOUDEST
    np.testing.assert_allclose(both[last], expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("form", FORMS)
def test_generating_feeds_each_forecast_back(form: str) -> None:
    torch.manual_seed(0)
    network = FORMS[form](hidden=8).eval()
    seeds = np.random.default_rng(0).integers(0, 127, (6, 3, 128)).astype(np.uint8)
    written = generate(network, seeds, 10)
    assert written.shape == (10, 3, 128)
    assert written.min() >= 0
    assert written.max() <= learning.LOUDEST
    np.testing.assert_array_equal(generate(network, seeds, 4), written[:4])
    alone = generate(network, seeds[:, 1:2], 10)
    np.testing.assert_allclose(alone[:, 0], written[:, 1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("form", FORMS)
def test_training_learns_and_goes_on_from_where_it_was_stopped(form: str, tmp_path: Path) -> None:
    held = [np.tile(parts(1)[0], (80, 1)) for _ in range(4)]
    for number, roll in enumerate(held):
        roll[:, 40 + number] = 100
    music = windows(held, 6, 6)
    keep = tmp_path / "run.pt"
    first = learning.train(form, music, SMALL, seconds=0.6, seed=0, keep=keep)
    if keep.exists():  # a very slow machine may not have got through the music once
        again = learning.train(form, music, SMALL, seconds=0.0, seed=0, keep=keep)
        assert 0 < again.windows_read <= first.windows_read
        assert round(again.epochs * len(music)) == again.windows_read
    assert first.curve[-1][1] <= first.curve[0][1]


def test_merged_pieces_have_one_track_a_part_and_hold_their_notes() -> None:
    piece = band()
    seeds = rolls([piece], keep_silence=False)
    vectors = np.zeros((8, len(seeds), 128), np.float32)
    vectors[:, 0, 60] = [80, 82.4, 79, 81, 9, 80, 80, 80]
    made = merge_parts(seeds, vectors, threshold=10)
    assert [track.name for track in made.tracks] == [track.name for track in piece.tracks]
    assert [track.is_drum for track in made.tracks] == [track.is_drum for track in piece.tracks]
    assert [tuple(note) for note in made.tracks[0]] == [(0, 4, 60, 80), (5, 3, 60, 80)]


# --- the whole system -----------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve different tunes, a copy of one, and a file that is no music."""
    source = tmp_path / "tunes"
    for seed, name in enumerate("abcdefghijkl"):
        pitches = np.random.default_rng(seed).integers(50, 80, 96).tolist()
        tune = Track([(12 * at, 12, pitch, 80) for at, pitch in enumerate(pitches)], 40)
        io.write(Piece((tune, Track([(0, 1152, 43, 60)], 42)), 24), source / f"{name}.mid")
    (source / "copy.mid").write_bytes((source / "a.mid").read_bytes())
    (source / "broken.mid").write_bytes(b"no music")
    return source


def study(tmp_path: Path, data: Path) -> Study:
    return Study(load_recipe("groovybee2018"), "tiny", tmp_path, data=data)


def test_left_out_files_are_named_and_every_side_has_a_piece(folder: Path, tmp_path: Path) -> None:
    music = load(study(tmp_path, folder))
    assert "broken.mid" in music.about
    assert "exact copy (copy.mid)" in music.about or "exact copy (a.mid)" in music.about
    assert len(music.pieces) == len({held.name for held in music.pieces}) == 12
    assert {held.side for held in music.pieces} == {"train", "valid", "test"}
    assert load(study(tmp_path, folder)).about == music.about, "the same split every time"


def test_too_little_music_is_refused(tmp_path: Path) -> None:
    io.write(band(), tmp_path / "one" / "a.mid")
    with pytest.raises(InputError, match="at least three"):
        load(study(tmp_path, tmp_path / "one"))


def test_the_system_runs_on_a_folder_of_midi_files(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ritornello.papers.groovybee2018 import run as groovybee2018

    recipe = load_recipe("groovybee2018")
    short = {
        "hidden": 8,
        "sequences_tried": [4, 12],
        "minutes_each": 1e-3,
        "minutes_published": 2e-3,
        "score_beats": 16,
        "score_parts": 4,
        "generated": 2,
        "generated_beats": 8,
    }
    recipe.budgets["tiny"].update(short)
    home = tmp_path / "run"
    home.mkdir()
    outcome = groovybee2018.run(Study(recipe, "tiny", home, data=folder))
    assert not outcome.stand_in
    rows = [row[0] for row in outcome.tables[0].rows]
    assert {"LSTMCell, sequence 4", "stacked, sequence 12", "last vector"} <= set(rows)
    for figure in outcome.figures:
        assert figure.protocol
        assert figure.baselines
    for sample in outcome.samples:
        assert (home / str(sample.sound)).is_file()
        io.read(home / str(sample.midi))
    assert {sample.maker for sample in outcome.samples} == {"published", "ours", "real"}
    text = outcome.save(home).read_text()
    assert "NaN" not in text
    assert "nan%" not in text
