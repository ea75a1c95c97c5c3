"""Who waits for a study is told how long it may take, and how far its jobs are."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from ritornello.papers.shared.progress import ProgressFile, in_words, told
from ritornello.papers.shared.recipe import load_recipe
from ritornello.papers.shared.run import expected


def test_jobs_at_work_are_told_and_finished_ones_are_not() -> None:
    jobs = {"a": (1.0, ""), "b": (0.25, ""), "c": (1.0, "composes"), "d": (0.0, "")}
    assert in_words(jobs) == "56% learned: b 25%, c composes"
    assert in_words({"a": (0.0, "")}) == "0% learned: the next networks begin"


def test_what_moves_is_said_once_and_leaves_no_file(tmp_path: Path) -> None:
    files = {name: tmp_path / f"{name}.progress" for name in ("rnn", "gru")}
    files["rnn"].write_text("0.9 of an earlier run")
    said: list[str] = []
    moved = threading.Event()

    def say(sentence: str) -> None:
        said.append(sentence)
        moved.set()

    with told(files, say, workers=4, every_seconds=0.01):
        for share in (0.5, 1.0):
            moved.clear()
            ProgressFile(files["rnn"]).write(share)
            assert moved.wait(20)
    assert said[0] == "2 networks learn, 2 at a time."
    assert [each for each in said if "%" in each][-2:] == [
        "25% learned: rnn 50%",
        "50% learned: the next networks begin",
    ]
    assert len(said) == len(set(said))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("load", "sentence"),
    [
        (0.4, "remix2023, tiny: about 1.5 minutes on two processors that are free."),
        (6.0, " Some 6 programs share 2 now, so it may be 6 minutes."),
    ],
)
def test_a_busy_machine_is_told_beforehand(
    load: float, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0, 0), raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert expected(load_recipe("remix2023"), "tiny", 2).endswith(sentence)


def test_long_runs_are_told_in_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0, 0), raising=False)
    assert "about 9 hours" in expected(load_recipe("groovybee2018"), "full", 2)
