"""Benchmarks of likelihood: published baselines come out, and a run is kept and gone on with."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from ritornello.errors import ConfigError, InputError
from ritornello.papers.polyphony import measure as benchmark
from ritornello.papers.polyphony.baselines import coins, key_chains, voice_chains
from ritornello.papers.polyphony.benchmarks import BENCHMARKS
from ritornello.papers.polyphony.data import load_frames

# The one-gram as published, and each key as a Markov chain, nats a frame on the test split.
PUBLISHED_ONE_GRAM = {"jsb": 11.06, "nottingham": 10.25, "musedata": 11.51, "piano-midi": 11.05}
KEY_CHAINS = {"jsb": 10.49, "nottingham": 5.16, "musedata": 8.56, "piano-midi": 8.27}


@pytest.mark.data
@pytest.mark.parametrize("name", PUBLISHED_ONE_GRAM)
def test_the_trivial_baselines_are_those_published(name: str, data_dir: Path) -> None:
    splits = load_frames(data_dir / benchmark.SETS_FOLDER / BENCHMARKS[name].file)
    one_gram = coins(splits["train"], splits["test"])
    assert one_gram == pytest.approx(PUBLISHED_ONE_GRAM[name], abs=0.04)
    chains = key_chains(splits["train"], splits["test"])
    assert chains == pytest.approx(KEY_CHAINS[name], abs=0.02)


def test_baselines_are_what_a_hand_computes() -> None:
    on = np.zeros((4, 1, 88), bool)
    on[:, 0, 0] = True
    # One key always sounds, 87 never: each foreseen with chance (4 + 1/2) / (4 + 1).
    assert coins([on], [on]) == pytest.approx(-88 * np.log(4.5 / 5))
    assert key_chains([on], [on]) == pytest.approx(-88 * np.log(3.5 / 4))
    voices = np.repeat(on, 4, axis=1)
    assert voice_chains([voices], [voices]) == pytest.approx(-np.log((3 + 0.5 / 89) / 3.5))


def _write(path: Path, pieces: dict[str, list[list[list[int]]]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(json.dumps(pieces).encode()))


@pytest.fixture
def small_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    tune = [[60, 64], [62, 65], [64, 67], [60]] * 5
    root = tmp_path / "sets"
    splits = {split: [tune, tune[1:]] for split in ("train", "valid", "test")}
    _write(root / benchmark.SETS_FOLDER / BENCHMARKS["jsb"].file, splits)
    monkeypatch.setenv("RITORNELLO_DATA", str(root))
    return root


def test_a_benchmark_is_run_kept_and_gone_on_with(small_sets: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="a benchmark trains, which needs the extra train")
    out = tmp_path / "scorecard"
    first = benchmark.run_benchmark("jsb", out, minutes=0.02, seeds=[0], jobs=1)
    both = benchmark.run_benchmark("jsb", out, minutes=0.02, seeds=[0, 1], jobs=1)
    assert both["nats"]["seeds"][0] == first["nats"]["seeds"][0]
    assert len(both["nats"]["seeds"]) == 2
    assert both["mixture"] <= both["nats"]["mean"] + 1e-9  # a mean of chances beats mean nats
    assert json.loads((out / "jsb.json").read_text()) == json.loads(json.dumps(both))


def test_an_unknown_benchmark_and_a_missing_set_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match="No benchmark is called 'bach'"):
        benchmark.run_benchmark("bach", tmp_path)
    with pytest.raises(ConfigError, match="at least one seed"):
        benchmark.run_benchmark("jsb", tmp_path, seeds=[])
    with pytest.raises(ConfigError, match="-1 minutes"):
        benchmark.run_benchmark("jsb", tmp_path, minutes=-1)
    monkeypatch.setenv("RITORNELLO_DATA", str(tmp_path))
    with pytest.raises(InputError, match="is not on this machine"):
        benchmark.run_benchmark("jsb", tmp_path)


@pytest.mark.parametrize("content", ["[1]", "{", '{"train": [[[200]]]}'])
@pytest.mark.parametrize("packed", [True, False])
def test_a_damaged_set_is_told(content: str, packed: bool, tmp_path: Path) -> None:
    path = tmp_path / "set.json.gz"
    path.write_bytes(gzip.compress(content.encode()) if packed else content.encode())
    with pytest.raises(InputError, match="no benchmark set"):
        load_frames(path)


def test_every_target_is_beyond_the_best_known() -> None:
    for bench in BENCHMARKS.values():
        assert bench.target < bench.best_known
        assert bench.best_known <= min(
            value for name, value in bench.published.items() if "contested" not in name
        )
