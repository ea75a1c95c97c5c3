"""Our model beside a published system: it learns, is scored, composes and is heard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ritornello.dsp.sound_files import read_audio
from ritornello.errors import InputError
from ritornello.music import io
from ritornello.papers.shared.ours import (
    compose_ours,
    score_ours,
    train_ours,
    write_sample,
)
from tests.examples import band


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch", reason="learning needs the extra train")
    pieces = [(f"tune {seed}", band(seed), "valid" if seed < 2 else "train") for seed in range(8)]
    folder = tmp_path_factory.mktemp("ours")
    settings: dict[str, Any] = {"layers": 1, "width": 32, "head_width": 16, "learning_rate": 0.02}
    settings |= {"batch": 4, "chunk": 64}
    for _ in range(2):  # the second run begins anew
        made = train_ours(pieces, folder, minutes=1, steps=40, seed=0, threads=1, **settings)
    return made


def test_it_learns_and_is_scored_beside_its_baselines(model: Path) -> None:
    figures = score_ours(model, [band(seed) for seed in range(2)])
    assert figures["pieces"] == 2
    assert figures["notes"] == sum(band(seed).note_count for seed in range(2))
    assert figures["nats_per_note"] == pytest.approx(sum(figures["fields"].values()), abs=1e-3)
    assert figures["nats_per_note"] < figures["unigram_nats_per_note"]


def test_a_second_run_in_the_folder_begins_anew(model: Path) -> None:
    lines = (model.parent / "metrics.jsonl").read_text().splitlines()
    assert sum('"kind": "step"' in line for line in lines) == 40


def test_it_goes_on_learning_from_where_it_is(model: Path, tmp_path: Path) -> None:
    pieces = [(f"tune {seed}", band(seed), "valid" if seed < 2 else "train") for seed in range(8)]
    more = train_ours(
        pieces, tmp_path, minutes=1, steps=1, seed=0, threads=1, start=model, learning_rate=1e-7
    )
    before, after = (score_ours(each, [band(0)])["nats_per_note"] for each in (model, more))
    assert after == pytest.approx(before, abs=1e-3)


def test_it_composes_by_the_rules(model: Path) -> None:
    piece = compose_ours(model, bars=2, seed=1, parts=("piano", "drums"))
    assert piece.bar_count == 2
    assert {track.label for track in piece.tracks} == {"piano", "drums"}


def test_there_must_be_something_to_learn_from(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    with pytest.raises(InputError, match="no piece"):
        train_ours([], tmp_path, minutes=1, seed=0, threads=1)
    with pytest.raises(InputError, match="No piece is left to train on"):
        train_ours([("a", band(), "test")], tmp_path, minutes=1, seed=0, threads=1)


def test_a_sample_is_the_whole_piece_and_the_sound_of_its_beginning(tmp_path: Path) -> None:
    piece = band(bars=16)
    sample = write_sample(piece, tmp_path, "a", "A tune", "real", seconds=3)
    assert (sample.name, sample.maker) == ("A tune", "real")
    assert sample.sound is not None
    assert sample.midi is not None
    assert io.read(tmp_path / sample.midi).note_count == piece.note_count
    sound = read_audio(tmp_path / sample.sound)
    assert 3 <= len(sound.samples) / sound.rate_hz < 14  # and the last notes die away
