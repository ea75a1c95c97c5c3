"""The comparison of separators: equal time, runs that go on, and songs that no side shares."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pytest

from experiments.separation.separators import SYSTEMS
from tests.examples import band

torch = pytest.importorskip("torch", reason="networks need the extra train")

import experiments.separation.separation as benchmark  # noqa: E402
from experiments.separation.separators import (  # noqa: E402
    PUBLISHED,
    PublishedRun,
    gained_db,
    published_runs,
    published_stems,
    teach_published,
)
from ritornello.corpus.store import Corpus, Entry, write_store  # noqa: E402
from ritornello.separate.rendered_stems import SongBook, save_examples  # noqa: E402
from ritornello.separate.stem_examples import StemExamples  # noqa: E402
from ritornello.separate.stem_player import RenderConfig  # noqa: E402

RATE = 8000


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> StemExamples:
    config = RenderConfig(rate_hz=RATE, seconds=1.5, mixed=0)
    songs = SongBook.of_pieces([band(seed) for seed in range(2)])
    return save_examples(songs, config, tmp_path_factory.mktemp("stems"), count=2, workers=0)


def test_a_run_goes_on_as_if_it_had_not_been_stopped(
    examples: StemExamples, tmp_path: Path
) -> None:
    (whole,) = published_runs("one2one", examples, [], tmp_path / "whole")
    for _ in range(2):
        whole.step()
    tmp_path.joinpath("parts").mkdir()
    stopped = PublishedRun("one2one", None, examples, [], tmp_path / "parts")
    stopped.step()
    stopped.save()
    again = PublishedRun("one2one", None, examples, [], tmp_path / "parts")
    assert again.cpu_seconds == stopped.cpu_seconds
    again.step()
    for one, other in zip(again.network.parameters(), whole.network.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("architecture", PUBLISHED)
def test_time_is_shared_by_the_networks_and_the_curve_ends_with_it(
    architecture: str, examples: StemExamples, tmp_path: Path
) -> None:
    valid = [examples.read(0)]
    runs = published_runs(architecture, examples, valid, tmp_path)
    curve = teach_published(runs, 0.006, validations=1, say=lambda sentence: None)
    assert curve.minutes >= 0.006
    assert all(60 * curve.minutes / len(runs) <= 2 * run.cpu_seconds + 0.3 for run in runs)
    assert len(curve.points[-1].gained_db) == 4
    assert curve.points[-1].minutes == pytest.approx(curve.minutes)
    mix = valid[0].sum(axis=1)
    assert published_stems(runs, mix, RATE).shape == valid[0].shape
    longer = teach_published(runs, 0.012, validations=1, say=lambda sentence: None)
    assert longer.minutes >= 0.012
    assert longer.steps > curve.steps


def test_the_mix_gains_nothing_and_parts_that_rest_are_left_out() -> None:
    stems = np.random.default_rng(0).standard_normal((800, 4)).astype(np.float32)
    stems[:, 2] = 0
    mix = np.repeat(stems.sum(axis=1)[:, None], 4, axis=1)
    gains = gained_db([mix], [stems])
    assert gains[2] is None
    assert [gains[part] for part in (0, 1, 3)] == pytest.approx([0, 0, 0])


def test_no_song_of_a_test_is_in_training_or_validation(tmp_path: Path) -> None:
    names = [f"set/x__song{number}__{version}.mid" for number in range(12) for version in "ab"]
    sides = ["train" if index < 12 else "valid" for index in range(len(names))]
    pieces = (
        (band(index), Entry(name, "set", side))
        for index, (name, side) in enumerate(zip(names, sides, strict=True))
    )
    write_store(pieces, tmp_path / "store")
    (tmp_path / benchmark.LOOPS).mkdir()
    manifest = [{"file": "y__song3__c.mid"}]
    (tmp_path / benchmark.LOOPS / "manifest.json").write_text(json.dumps(manifest))
    corpus = Corpus.open(tmp_path / "store")
    found = {
        side: {benchmark.title(name) for name in benchmark.songs(corpus, side, tmp_path).names}
        for side in ("train", "valid", "test")
    }
    assert found["train"] == {f"song{number}" for number in range(6)} - {"song3"}
    assert found["valid"] | found["test"] == {f"song{number}" for number in range(6, 12)}
    assert found["valid"].isdisjoint(found["test"])


def test_more_minutes_begin_ours_anew_and_are_asked_of_all(tmp_path: Path) -> None:
    options = argparse.Namespace(work=tmp_path, minutes=2.0)
    longer = argparse.Namespace(work=tmp_path, minutes=4.0)
    assert benchmark.place(options, "ours") != benchmark.place(longer, "ours")
    assert benchmark.place(options, "split") == benchmark.place(longer, "split")
    assert not benchmark.is_trained(options, "split")
    (tmp_path / "split").mkdir()
    (tmp_path / "split" / "curve.json").write_text(json.dumps({"minutes": 2.01}))
    assert benchmark.is_trained(options, "split")
    assert not benchmark.is_trained(longer, "split")


def test_the_table_and_the_page_tell_every_system_and_test() -> None:
    row = {"si_sdr_db": [1.0] * 5, "gained_db": [1.0, None, -2.0, 0.5, -0.2], "snr_db": [0.0] * 5}
    curve = {
        "points": [{"minutes": 1.0, "gained_db": [1.0, None, 0.0, 2.0]}],
        "minutes": 1.0, "steps": 3, "parameters": 1000, "seams_db": 20.0,
    }  # fmt: skip
    figures = {
        "systems": dict.fromkeys(SYSTEMS, curve),
        "tests": {
            "test": {name: {**row, "cpu_seconds_a_minute": 2.0} for name in SYSTEMS}
            | {"silence": row}
        },
    }
    results = {"figures": figures, "protocol": "as told"}
    table = benchmark.markdown(results)
    assert "| One2Four split | +1.0 |  | -2.0 | +0.5 | -0.2 | +0.0 |" in table
    assert "| ours | 1,000 | 3 | 1.0 | +20.00 | 2.0 |" in table
    shown = benchmark.picture(results)
    assert "silence" in shown
    assert "as told" in shown
