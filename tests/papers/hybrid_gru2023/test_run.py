"""hybrid-gru2023: every figure is what it says, and the system runs from an LPD-5 folder."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from ritornello.errors import InputError
from ritornello.music import io
from ritornello.music.piece import Piece, Track
from ritornello.note_model import checkpoint
from ritornello.note_model.encoding import notes
from ritornello.note_model.encoding.sequences import sequences
from ritornello.note_model.engine.reference import Engine
from ritornello.note_model.likelihood import score
from ritornello.papers.hybrid_gru2023 import lpd5
from tests.examples import band

torch = pytest.importorskip("torch", reason="learning needs the extra train")

from ritornello.papers.hybrid_gru2023 import data  # noqa: E402
from ritornello.papers.hybrid_gru2023 import measure as measures  # noqa: E402
from ritornello.papers.hybrid_gru2023 import run as system  # noqa: E402
from ritornello.papers.hybrid_gru2023 import train as nets  # noqa: E402
from ritornello.papers.hybrid_gru2023.model import PsdConfig, PsdRnn  # noqa: E402
from ritornello.papers.hybrid_gru2023.ours import foresee_ours  # noqa: E402
from ritornello.papers.shared.recipe import load_recipe  # noqa: E402
from ritornello.papers.shared.study import Study  # noqa: E402


def tune(seed: int, length: int = 40) -> np.ndarray:
    rng = np.random.default_rng(seed)
    steps = rng.choice([0.25, 0.5, 1.0], length)
    rows = np.stack([rng.integers(50, 80, length), steps, steps], axis=1)
    rows[0, 1] = 0
    return rows


# --- data -------------------------------------------------------------------------------------


def test_the_highest_line_skips_what_a_higher_note_covers() -> None:
    piano = Track([(0, 48, 60, 80), (0, 96, 52, 80), (48, 24, 62, 80)])
    strings = Track([(24, 12, 72, 80), (24, 48, 55, 80)], program=48)
    silent = Track([])
    piece = Piece((silent, piano, silent, silent, strings), 24)
    line = [(n.onset_ticks, n.duration_ticks, n.pitch) for n in data.skyline(piece)]
    assert line == [(0, 24, 60), (24, 12, 72), (48, 24, 62)]


def test_chords_are_the_guitar_s_where_there_is_no_piano() -> None:
    guitar, silent = Track([(0, 24, 50, 80)], program=24), Track([])
    song = data.Song("x", "train", Piece((silent, silent, guitar, silent, silent), 24))
    assert data.chords(song).program == 24


# --- networks ---------------------------------------------------------------------------------


def test_rows_read_whole_pieces_one_after_another() -> None:
    pieces = [tune(1, 12), tune(2, 30), tune(3, 5)]
    streams = nets.Streams(pieces, batch=2, window=8, seed=0)
    read: list[list[np.ndarray]] = [[], []]
    for _ in range(40):
        rows, present, starts = streams.next()
        for row in range(2):
            if starts[row]:
                assert not rows[0, row].any(), "a piece begins after nothing"
                read[row].append(np.zeros((0, 3)))
            assert read[row], "the first window starts a piece"
            new = rows[1:, row][present[:, row]]
            read[row][-1] = np.concatenate([read[row][-1], new])
    for done in read:
        for piece in done[:-1]:
            assert any(np.array_equal(piece, known.astype(np.float32)) for known in pieces)


def test_foreseeing_whole_pieces_is_foreseeing_note_by_note() -> None:
    torch.manual_seed(0)
    model = PsdRnn(PsdConfig("hybrid", 16)).requires_grad_(False)
    pieces = [tune(1, 7), tune(2, 12)]
    seen = nets.foresee(model, pieces)
    assert len(seen.true) == 6 + 11, "the first note of each piece is given"
    by_hand = []
    for piece in pieces:
        state = model.initial_state(1)
        _, state = model.step(torch.zeros(1, 3), state)
        for before, now in pairwise(piece):
            prediction, state = model.step(torch.tensor(before[None], dtype=torch.float32), state)
            by_hand.append(-float(prediction.pitch.log_softmax(-1)[0, int(now[0])]))
    assert sorted(seen.pitch_nats) == pytest.approx(sorted(by_hand), abs=1e-4)


def test_writing_stops_at_the_asked_beat_and_depends_on_the_seed_alone() -> None:
    torch.manual_seed(0)
    model = PsdRnn(PsdConfig("gru", 16)).eval()
    torch.nn.init.constant_(model.heads.bias[-2:], 0.5)
    primers = [tune(1, 6), tune(2, 6)]
    first, again, other = (
        nets.write_notes(model, primers, beats=8, seed=seed) for seed in (0, 0, 1)
    )
    for rows in first:
        assert 0 < rows[:, 1].sum() < 8
    assert all(np.array_equal(one, two) for one, two in zip(first, again, strict=True))
    assert not all(np.array_equal(one, two) for one, two in zip(first, other, strict=True))
    argmaxed = [nets.write_notes(model, primers, beats=8, sampled=False, seed=s) for s in (0, 1)]
    assert np.array_equal(argmaxed[0][0], argmaxed[1][0])


def test_training_learns_a_scale() -> None:
    scale = np.stack([60 + np.arange(48) % 8, np.full(48, 0.5), np.full(48, 0.5)], axis=1)
    settings = load_recipe("hybrid-gru2023").settings("tiny")
    settings |= {"batch": 8, "epochs": 150, "learning_rate": 0.01, "seconds_each": 600}
    trained = nets.train_net(PsdConfig("gru", 32), [scale] * 2, [scale], settings, seed=0)
    first = nets.foresee(PsdRnn(PsdConfig("gru", 32)), [scale])
    last = nets.foresee(trained.model, [scale])
    assert trained.epochs == pytest.approx(150, rel=0.1)
    assert last.pitch_nats.mean() < 0.5 * first.pitch_nats.mean()


# --- measures ---------------------------------------------------------------------------------


def test_a_regression_that_is_always_right_costs_almost_nothing() -> None:
    true = np.concatenate([tune(seed, 400) for seed in range(5)])
    nothing = np.zeros(len(true))
    exact = nets.Foreseen(true, nothing, true[:, 0], true[:, 1], true[:, 2], {})
    blind = replace(exact, step=nothing, duration=nothing)
    assert measures.net_figures(exact, exact).total_nats < 0.1
    assert measures.net_figures(exact, exact).step_squared == 0
    three_values = 2 * np.log(3)
    assert measures.net_figures(blind, blind).total_nats == pytest.approx(three_values, abs=0.05)


def test_a_loop_is_told_from_a_tune() -> None:
    loop = tune(0, 60)
    loop[:, 0] = np.tile([60, 62, 64], 20)
    assert measures.repetition([loop]) == {"in_loop": 1.0, "pitches": 3.0}
    assert measures.repetition([tune(3, 60)])["in_loop"] < 0.2


def test_our_total_is_that_of_the_exact_likelihood(tiny_model: Path) -> None:
    """All fields but loudness from the second note to the last, counted in two ways."""
    pieces = [
        Piece((band(seed).tracks[1],), 24, length_ticks=band(seed).length_ticks) for seed in (1, 2)
    ]
    found = foresee_ours(tiny_model, pieces)
    made = checkpoint.load(checkpoint.find(tiny_model))
    rows = [sequences(piece, None, len(made.collections), open_probability=1.0) for piece in pieces]
    engine = Engine(made)
    after = [int(np.flatnonzero(notes.is_note(row.fields[:, notes.PART]))[0]) + 1 for row in rows]
    whole = score(engine, [row.part(0, len(row) - 1) for row in rows])
    start = score(engine, [row.part(0, length) for row, length in zip(rows, after, strict=True)])
    expected = (whole - start)[:, : notes.VELOCITY].sum() / len(found.pitch)
    assert found.total_nats == pytest.approx(expected, abs=1e-4)
    assert len(found.pitch) == sum(piece.note_count - 1 for piece in pieces)


def test_our_pitch_without_its_step_is_a_mean_over_steps(tiny_model: Path) -> None:
    """Of a model that has learned nothing every pitch of the part costs about ln 128, plus what
    it gives to other parts."""
    piece = Piece((band(1).tracks[1],), 24, length_ticks=band(1).length_ticks)
    found = foresee_ours(tiny_model, [piece])
    assert found.pitch_nats_knowing.mean() == pytest.approx(np.log(128), abs=0.4)
    assert (found.pitch_nats > found.pitch_nats_knowing.min()).all()
    assert found.step.tolist() == [1.0] * (piece.note_count - 1)


# --- the whole --------------------------------------------------------------------------------


def lpd_folder(root: Path, songs: int) -> Path:
    for number in range(songs):
        piece, _ = lpd5.five_tracks(lpd5.detach_repeats(band(number, bars=16)))
        path = root / "A" / "B" / "C" / f"TRABC{number:013}" / f"{number:032x}.npz"
        path.parent.mkdir(parents=True)
        io.write(piece, path)
    return root


def test_it_runs_from_an_lpd_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RITORNELLO_DATA", str(tmp_path / "none"))
    recipe = load_recipe("hybrid-gru2023")
    small = {
        **recipe.budgets["tiny"], "seconds_each": 0.5, "tasks": ["melody"], "cells": ["hybrid"],
        "test_notes": 32, "generated": 2, "batch": 8,
    }  # fmt: skip
    recipe = replace(recipe, budgets={**recipe.budgets, "tiny": small})
    folder = lpd_folder(tmp_path / "lpd_5_cleansed", 20)
    study = Study(recipe, "tiny", tmp_path, data=folder, threads=1)
    outcome = system.run(study)
    assert not outcome.stand_in
    assert "16 train" in outcome.data.replace("15 train, 1 valid", "16 train")
    networks = [row[0] for row in outcome.tables[0].rows]
    assert networks == ["unigram", "bigram", "hybrid", "ours", "printed, on LPD-5"]
    assert all(len(row) == len(table.columns) for table in outcome.tables for row in table.rows)
    for figure in outcome.figures[:-1]:
        assert figure.value is not None
        assert figure.ours is not None
        assert figure.protocol
    for sample in outcome.samples:
        piece = io.read(tmp_path / str(sample.midi))
        assert piece.bar_count in (4, 16)
        assert (tmp_path / str(sample.sound)).stat().st_size > 1000


def test_a_folder_of_other_metres_says_why(tmp_path: Path) -> None:
    for number in range(3):
        path = tmp_path / f"{number}.npz"
        io.write(band(number, metre=(3, 4)), path)
    study = Study(load_recipe("hybrid-gru2023"), "tiny", tmp_path, data=tmp_path)
    with pytest.raises(InputError, match="In 3/4, not 4/4"):
        data.load_songs(study)


@pytest.mark.data
def test_the_stand_in_has_every_task(data_dir: Path, tmp_path: Path) -> None:
    recipe = load_recipe("hybrid-gru2023")
    few = {**recipe.budgets["tiny"], "songs": 12, "test_songs": 4}
    recipe = replace(recipe, budgets={**recipe.budgets, "tiny": few})
    songs = data.load_songs(Study(recipe, "tiny", tmp_path))
    for task in data.TASKS:
        sides = data.task_pieces(songs, task)
        assert sides["train"]
        assert sides["test"]
    titles = {side: {n.rsplit("__", 1)[0] for n, _ in named} for side, named in sides.items()}
    assert not titles["train"] & titles["test"]
    assert songs.lead_found is not None
