"""The chain of chorales is a distribution, learns what it is shown, and keeps the soprano."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ritornello.errors import InputError
from ritornello.metrics.chorale_baseline import harmonise, learn, likelihood
from ritornello.metrics.voice_leading_faults import REST, faults, per_100_chords

# Chords of C major in quarter notes, on a grid of sixteenths.
TUNE = np.repeat(
    [(72, 67, 64, 48), (71, 67, 62, 55), (72, 69, 65, 53), (72, 67, 64, 48)], 4, axis=0
)


def test_what_was_learned_is_written_again() -> None:
    chain = learn([TUNE] * 500)
    assert np.array_equal(harmonise(chain, TUNE[:, 0], seed=1), TUNE)
    assert likelihood(chain, [TUNE])["nats_per_note"] < 0.3


def test_a_rising_soprano_takes_its_voices_along() -> None:
    chain = learn([TUNE] * 500)
    assert np.array_equal(harmonise(chain, TUNE[:, 0] + 3), TUNE + 3)
    assert likelihood(chain, [TUNE + 3]) == likelihood(chain, [TUNE])


def test_chances_of_all_that_a_voice_may_do_sum_to_one() -> None:
    tune = TUNE[:, [0, 1, 3]]
    rests = np.where(tune == 67, REST, tune)
    three, two = learn([tune, rests]), learn([tune[:, [0, 2]], rests[:, [0, 2]]])
    chances = [_chance(three, [(72, pitch, 48)]) for pitch in (REST, *range(128))]
    assert sum(chances) == pytest.approx(_chance(two, [(72, 48)]))


def _chance(chain: Any, rows: list[Any]) -> float:
    found = likelihood(chain, [np.array(rows)])
    return float(np.exp(-found["nats_per_cell"] * found["cells"]))


def test_notes_of_the_lower_voices_are_counted_without_repeats_and_rests() -> None:
    chorale = np.array([(72, 60), (74, 60), (74, REST), (72, 60)])
    found = likelihood(learn([TUNE[:, [0, 3]]]), [chorale])
    assert (found["notes"], found["cells"]) == (2, 4)
    assert found["nats_per_note"] * 2 == pytest.approx(found["nats_per_cell"] * 4)


def test_the_seed_decides() -> None:
    chain = learn([TUNE, TUNE[::-1]])
    soprano = np.tile(TUNE[:, 0], 4)
    one, again, other = (harmonise(chain, soprano, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert np.array_equal(one[:, 0], soprano)


def test_wrong_chorales_are_named() -> None:
    with pytest.raises(InputError, match="found 0 chorales"):
        learn([])
    with pytest.raises(InputError, match=r"\[2, 4\] voices"):
        learn([TUNE, TUNE[:, :2]])
    with pytest.raises(InputError, match="knows 4 voices; found 2"):
        likelihood(learn([TUNE]), [TUNE[:, :2]])
    with pytest.raises(InputError, match="no notes"):
        likelihood(learn([TUNE]), [])


@pytest.mark.data
def test_bach_breaks_fewer_rules_than_the_chain(data_dir: Path) -> None:
    path = data_dir / "bench_polyphonic" / "jsb_chorales_16th_satb.json.gz"
    sides = json.loads(gzip.decompress(path.read_bytes()))
    train, valid = ([np.array(rows) for rows in sides[side]] for side in ("train", "valid"))
    chain = learn(train[:60])
    assert likelihood(chain, valid[:10])["nats_per_note"] < 3
    composed = [harmonise(chain, rows[:, 0], seed) for seed, rows in enumerate(valid[:10])]
    real, made = (per_100_chords(map(faults, side)) for side in (valid[:10], composed))
    for name in ("parallel_fifths", "parallel_octaves", "crossings"):
        assert real[name] < made[name]
