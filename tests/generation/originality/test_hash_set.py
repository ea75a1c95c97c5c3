"""Members are always found, others as rarely as stated, and the bits are few and give all back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ritornello.generation.originality.hash_set import HashSet

HASHES = st.lists(st.integers(0, 2**64 - 1), max_size=60)
RATES = st.sampled_from([1 / 2, 1 / 37, 1 / 1024])


def numbers(values: list[int]) -> np.ndarray:
    return np.array(values, np.uint64)


@given(HASHES, RATES)
def test_every_member_is_found_also_after_packing(values: list[int], rate: float) -> None:
    hashes = numbers(values)
    kept = HashSet.of(hashes, false_rate=rate)
    again = HashSet.from_bits(kept.to_bits(), members=len(kept), span=kept.span)
    assert kept.has(hashes).all()
    assert again.has(hashes).all()
    assert np.array_equal(again.members, kept.members)


def test_others_are_found_as_rarely_as_stated_in_few_bits() -> None:
    rng = np.random.default_rng(0)
    members, others = rng.integers(0, 2**64, (2, 200_000), dtype=np.uint64)
    kept = HashSet.of(members, false_rate=1 / 256)
    assert kept.has(others).mean() == pytest.approx(1 / 256, rel=0.1)
    assert kept.false_rate == pytest.approx(1 / 256, rel=0.01)
    bits = 8 * sum(half.nbytes for half in kept.to_bits().values())
    assert bits / len(kept) < np.log2(256) + 1.6


@given(HASHES.filter(lambda values: len(set(values)) > 1))
def test_bits_that_are_cut_are_refused(values: list[int]) -> None:
    kept = HashSet.of(numbers(values), false_rate=1 / 64)
    with pytest.raises(ValueError, match=r".+"):
        HashSet.from_bits(kept.to_bits(), members=len(kept) + 9, span=kept.span)
