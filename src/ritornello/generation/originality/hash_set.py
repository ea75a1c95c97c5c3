"""A set of hashes that answers "is it in?" in few bits, and nothing else.

Hashes are reduced to a range of ``1 / false_rate`` numbers for each member, sorted, and the gaps
between them are written in Rice codes (Rice and Plaunt 1971): about ``log2(1 / false_rate) + 1.5``
bits a member, within a tenth of a bit of what any list of such numbers needs. A member is always
found; what is no member is taken for one with probability `false_rate`. A binary fuse filter (Graf
and Lemire 2022) takes as much room at these rates, and is longer to build and to explain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class HashSet:
    """Hashes, reduced to a range.

    Attributes:
        members: uint64 [members], ascending, each once, below ``span``.
        span: how many numbers a hash is reduced to, at least 1.
    """

    members: np.ndarray
    span: int

    @classmethod
    def of(cls, hashes: np.ndarray, *, false_rate: float) -> HashSet:
        """The set of well-mixed hashes, uint64 of any number and order."""
        hashes = np.unique(hashes)
        span = max(1, round(len(hashes) / false_rate))
        return cls(np.unique(hashes % np.uint64(span)), span)

    def __len__(self) -> int:
        return len(self.members)

    def has(self, hashes: np.ndarray) -> np.ndarray:
        """Whether each hash is in the set, bool [hashes]."""
        return among(hashes % np.uint64(self.span), self.members)

    @property
    def false_rate(self) -> float:
        """Probability that a hash that is no member is taken for one."""
        return len(self) / self.span

    def to_bits(self) -> dict[str, np.ndarray]:
        """As bits, uint8: ``unary`` holds the high part of each gap, ``binary`` its low bits."""
        gaps: np.ndarray = np.diff(self.members.astype(np.int64), prepend=-1) - 1
        low_bits = self._low_bits(len(self), self.span)
        ones = np.cumsum((gaps >> low_bits) + 1) - 1
        unary = np.zeros(int(ones[-1]) + 1 if len(ones) else 0, bool)
        unary[ones] = True
        binary = gaps[:, None] >> np.arange(low_bits) & 1
        return {
            "unary": np.packbits(unary),
            "binary": np.packbits(binary.astype(bool)),
        }

    @classmethod
    def from_bits(cls, bits: Mapping[str, np.ndarray], *, members: int, span: int) -> HashSet:
        """The set that `to_bits` wrote.

        Raises:
            ValueError: if the bits do not hold so many members below ``span``.
        """
        low_bits = cls._low_bits(members, span)
        if len(bits["binary"]) != -(-members * low_bits // 8):  # before they are spread out
            raise ValueError(f"the low bits of {members} members are not there")
        unary = np.unpackbits(bits["unary"])
        if (count := np.count_nonzero(unary)) != members:
            raise ValueError(f"{count} members were found where {members} are stated")
        ones = np.flatnonzero(unary)
        gaps = (np.diff(ones, prepend=-1) - 1) << low_bits
        binary = np.unpackbits(bits["binary"], count=members * low_bits).reshape(members, low_bits)
        for bit, column in enumerate(binary.T):
            gaps += column.astype(np.int64) << bit
        found = np.cumsum(gaps + 1) - 1
        if members and not 0 <= found[-1] < span:
            raise ValueError(f"a member of {found[-1]} was found where all are below {span}")
        return cls(found.astype(np.uint64), span)

    @staticmethod
    def _low_bits(members: int, span: int) -> int:
        """Bits of a gap that are written plainly: the best choice for gaps of a random set."""
        return max(0, int(np.log2(max(1.0, np.log(2) * span / max(1, members)))))


def among(values: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    """Whether each value is among those of a sorted array, bool [values]."""
    if not len(ordered):
        return np.zeros(len(values), bool)
    at = np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)
    result: np.ndarray = ordered[at] == values
    return result
