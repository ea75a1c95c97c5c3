"""The commands of figures can be given by others: they name no path of one machine."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from experiments.command_line import command_of
from experiments.music_sets import ROOT

RESULTS = sorted((ROOT / "experiments" / "results").rglob("*.json"))


def test_of_absolute_paths_the_last_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["x", "/home/me/music", "--pieces", "4", "runs/mine"])
    assert command_of("experiments.some") == "python -m experiments.some music --pieces 4 runs/mine"


@pytest.mark.parametrize("file", RESULTS, ids=lambda file: Path(file).name)
def test_results_name_no_path_of_one_machine(file: Path) -> None:
    json.loads(file.read_text("utf-8"))
    found = re.findall(r'"command": "[^"]*(?<=[ =])/[^"]*"', file.read_text("utf-8"))
    assert not found
