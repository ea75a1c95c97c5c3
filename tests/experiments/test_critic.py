"""The critic is trained by one command, and judged on other pieces by another network."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.learning import critic
from ritornello.corpus.store import Corpus, Entry, write_store
from ritornello.generation.preference.recurrent_critic import (
    RECURRENT_CRITIC_KIND,
    RecurrentCritic,
)
from ritornello.note_model import weights_file
from tests.examples import band


@pytest.fixture
def music(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    sides = ["train"] * 8 + ["valid"] * 2
    write_store(
        [(band(n, bars=16), Entry(f"{n}", "rags", side)) for n, side in enumerate(sides)],
        tmp_path / "store",
    )
    found = Corpus.open(tmp_path / "store")
    monkeypatch.setattr(critic, "LEARNED_SETS", {"rags": "rags"})
    monkeypatch.setattr(critic, "open_sets", lambda store, data: found)
    return found


def test_critic_and_judge_learn_from_different_pieces(music: Corpus) -> None:
    of_critic = critic.sides(music, "rags", 4)[0]
    of_judge = critic.sides(music, "rags", 2)[1]
    titles = [[piece.tracks[0].notes.tobytes() for piece in side] for side in (of_critic, of_judge)]
    assert not {*titles[0]} & {*titles[1]}


def test_a_critic_is_trained_and_measured(
    music: Corpus, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch", reason="the critic learns with the extra train")
    target = tmp_path / "critic.safetensors"
    words = f"train --models {tiny_model} --pieces 4 --excerpts 1 --epochs 1 --units 4"
    critic.train(critic.arguments([*words.split(), "--target", str(target)]))
    file = weights_file.load(target, RECURRENT_CRITIC_KIND)
    assert file.provenance["real pieces"] == 4
    monkeypatch.setattr(RecurrentCritic, "bundled", classmethod(lambda cls: cls.of(file)))
    words = (
        f"measure --model {tiny_model} --pieces 2 --judge-pieces 2 --best-of 1,2 --duration 0:08"
    )
    figures = critic.measure(critic.arguments(words.split()))["figures"]
    assert figures["best of 2"]["violations"] == 0
    assert 0 <= figures["best of 2"]["AUC"] <= 1
