"""remix2023 end to end on a few seconds of sound, and jobs that survive being cut off."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ritornello.dsp.sound_files import read_audio, write_audio
from ritornello.dsp.waveform import Waveform
from ritornello.errors import RitornelloError
from ritornello.papers.remix2023 import run as remix2023
from ritornello.papers.remix2023.measure import baselines, clicks_db, score, settled_epoch
from ritornello.papers.remix2023.stem_job import StemTraining
from ritornello.papers.remix2023.train import predict, run_jobs, train, write_chunks
from ritornello.papers.remix2023.wishes import answer_wishes, score_jointly
from ritornello.papers.shared.outcome import Outcome
from ritornello.papers.shared.recipe import load_recipe
from ritornello.papers.shared.study import Study
from ritornello.separate.stem_folders import PARTS, StemSong
from tests.examples import band

pytest.importorskip("torch", reason="training needs the extra train")
RATE = 400


def job(folder: Path, epochs: int, **settings: Any) -> StemTraining:
    rng = np.random.default_rng(0)
    song = (rng.standard_normal(900).astype("f4") / 9, rng.standard_normal((900, 4)).astype("f4"))
    path = folder / "mix.npz"
    fingerprint = write_chunks(path, {"train": [song, song], "valid": [song]}, RATE, 1.0)
    defaults = {"name": "mix-split-bass", "architecture": "split", "part": 0, "batch": 2}
    made = {**defaults, "learning_rate": 1e-3, "sizes": {"parts": 4}, "seed": 1, **settings}
    return StemTraining(chunks=str(path), fingerprint=fingerprint, epochs=epochs, **made)


def test_a_job_that_was_cut_off_ends_like_one_that_was_not(tmp_path: Path) -> None:
    for name in ("once", "twice"):
        (tmp_path / name).mkdir()
    once = train(job(tmp_path / "once", 4))
    train(job(tmp_path / "twice", 2))
    twice = train(job(tmp_path / "twice", 4))
    assert (once.train, once.valid) == (twice.train, twice.valid)
    assert len(once.train) == 4


def test_other_settings_start_anew_and_the_best_weights_are_kept(tmp_path: Path) -> None:
    first = train(job(tmp_path, 3))
    second = train(job(tmp_path, 3, learning_rate=0.05))
    assert first.valid != second.valid
    losses = [parts[0] for parts in second.valid]
    assert second.best_epoch == 1 + int(np.argmin(losses))
    made = predict(job(tmp_path, 3, learning_rate=0.05), [np.zeros(950, np.float32)], RATE, 1.0)
    assert made[0].shape == (950, 1)


def test_a_finished_job_is_not_trained_again_where_its_folder_was_moved(tmp_path: Path) -> None:
    (tmp_path / "before").mkdir()
    first = train(job(tmp_path / "before", 2))
    (tmp_path / "before").rename(tmp_path / "after")
    assert train(job(tmp_path / "after", 2)) == first


def test_a_failing_job_is_named(tmp_path: Path) -> None:
    bad = job(tmp_path, 1, name="mix-none", architecture="none")
    with pytest.raises(RitornelloError, match="mix-none"):
        run_jobs([bad], threads=1, say=lambda sentence: None)


def stems_song(name: str = "song") -> StemSong:
    stems = np.random.default_rng(1).standard_normal((4 * RATE, 4)).astype("f4") / 10
    stems[:, 2] = 0
    return StemSong(name, stems.sum(axis=1), stems[:, 3], "lead", stems, RATE)


def test_baselines_score_what_they_must() -> None:
    song = stems_song()
    found = {name: score([song], made) for name, made in baselines([song], "mix").items()}
    assert found["silence"].snr[:2] == [0, 0]
    assert found["silence"].si_sdr == [None] * 5
    assert all(scores.si_sdr[2] is None for scores in found.values()), "a silent stem has no ratio"
    copy, quarter = found["copy of the mix"], found["a quarter of the mix"]
    assert copy.si_sdr == quarter.si_sdr
    assert quarter.snr[0] > copy.snr[0]  # type: ignore[operator]
    assert found["ideal ratio mask"].improvement_on(copy) > 3  # type: ignore[operator]
    assert copy.improvement_on(found["silence"]) is None
    assert clicks_db([song], [song.stems], 1.0) == pytest.approx(0, abs=5)


def test_the_epoch_at_which_a_loss_has_settled() -> None:
    assert settled_epoch([1.0, 0.5, 0.04, 0.0, 0.01]) == 3
    assert settled_epoch([1.0, 2.0]) == 1


def test_pieces_are_scored_whole_and_part_by_part(tiny_model: Path) -> None:
    pieces = [band(seed, bars=2) for seed in range(2)]
    found = score_jointly(pieces, tiny_model)
    assert (found.pieces, found.parts) == (2, 6)
    assert found.notes == sum(piece.note_count for piece in pieces)
    assert f"{found.alone:.2f}" in found.sentence()


def test_every_wish_is_answered_for_recordings_too() -> None:
    wish = "no borders between chunks"
    answers = answer_wishes({wish: "Notes."}, {wish: "Stems."})
    assert len(answers) == 4
    assert all("For a recording: " in answer for answer in answers.values())
    assert answers[wish].startswith("Notes. Stems. For a recording: `ritornello remix`")


def test_a_study_runs_end_to_end_on_a_folder_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RITORNELLO_DATA", str(tmp_path / "nowhere"))
    monkeypatch.setattr("ritornello.papers.shared.study.music_sets", lambda: None)
    songs = tmp_path / "songs"
    rng = np.random.default_rng(0)
    for number in range(4):
        for part in PARTS:
            sound = rng.standard_normal((2 * 8000, 1)).astype("f4") / 20
            write_audio(Waveform(sound, 8000), songs / f"song{number}" / f"{part}.wav")
    recipe = load_recipe("remix2023")
    quick = {**recipe.budgets["tiny"], "rate_hz": RATE, "epochs": 1}
    recipe = replace(recipe, budgets={**recipe.budgets, "tiny": quick})
    folder = tmp_path / "run"
    folder.mkdir()
    said: list[str] = []
    outcome = remix2023.run(Study(recipe, "tiny", folder, songs, threads=2, say=said.append))

    outcome.save(folder)
    assert Outcome.load(folder) == outcome
    assert not outcome.stand_in
    assert "4 songs with stems" in outcome.data
    assert "10 networks learn, 2 at a time." in said
    assert not [*folder.rglob("*.progress")]
    costs = {row[0]: row for row in outcome.tables[-1].rows}
    assert costs["One2Four split from the mix"][1] == 4
    assert costs["One2One from the mix"][1] == 1
    for figure in outcome.figures:
        assert figure.value is not None, figure.name
        assert figure.protocol
    assert any(figure.published == 3.8e-4 for figure in outcome.figures)
    assert len(outcome.charts) == len(PARTS)
    for sample in outcome.samples:
        assert sample.sound is not None
        assert read_audio(folder / sample.sound).duration_seconds == pytest.approx(2, abs=0.2)
    assert "Not measured here" in next(iter(outcome.wishes.values()))
    assert not outcome.is_compared
    assert "no MIDI file with its solo" in outcome.departures[-1]
    assert said
