"""Many short examples of a mix and its stems, on disk: read at random without reading the rest.

A folder of two files, written in this order so that the last one proves the first whole:

- ``stems.npy``: int16 [examples, samples, parts], full scale 32767, parts in the order of `PARTS`;
- ``about.json``: samples per second, parts, and for each example what it was made of.

The mix of an example is the sum of its stems and stays within full scale.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from os import PathLike
from pathlib import Path

import numpy as np

from ritornello.atomic import atomic_write
from ritornello.errors import InputError
from ritornello.separate.stem_folders import PARTS

_FULL_SCALE = 32767
_STEMS, _ABOUT = "stems.npy", "about.json"


class StemExamples:
    """Examples on disk, opened.

    Attributes:
        stems: int16 [examples, samples, parts], a memory map.
        rate_hz: samples per second.
        sources: for each example the names of the songs in it.
    """

    def __init__(self, stems: np.ndarray, rate_hz: int, sources: list[list[str]]) -> None:
        self.stems, self.rate_hz, self.sources = stems, rate_hz, sources

    @classmethod
    def open(cls, folder: str | PathLike[str]) -> StemExamples:
        """Open what `write_examples` wrote.

        Raises:
            InputError: if there are no whole examples.
        """
        folder = Path(folder)
        step = "Render the examples again."
        if not (folder / _ABOUT).is_file():
            raise InputError("There are no stem examples here.", where=str(folder), next_step=step)
        try:
            about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
            stems = np.load(folder / _STEMS, mmap_mode="r")
            if stems.shape != (len(about["sources"]), about["samples"], len(PARTS)):
                raise ValueError("its files do not belong together")
            return cls(stems, about["rate_hz"], about["sources"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"The stem examples are damaged ({error}).", where=str(folder), next_step=step
            ) from error

    def __len__(self) -> int:
        return len(self.stems)

    def read(self, index: int, start: int = 0, samples: int | None = None) -> np.ndarray:
        """Stems of one example from a sample on, float32 [samples, parts]; all by default."""
        end = None if samples is None else start + samples
        return as_float(self.stems[index, start:end])


def as_float(stored: np.ndarray) -> np.ndarray:
    """Samples stored as int16 as float32 within -1..1."""
    return stored.astype(np.float32) / np.float32(_FULL_SCALE)


def write_examples(
    folder: str | PathLike[str],
    examples: Iterable[tuple[np.ndarray, Iterable[str]]],
    *,
    count: int,
    samples: int,
    rate_hz: int,
) -> StemExamples:
    """Write examples as they come, one in memory at a time; older ones there are replaced.

    Args:
        examples: ``count`` times the stems, float32 [samples, parts] within -1..1, and the names
            of the songs in them.

    Raises:
        OutputError: if the folder cannot be written.
    """
    folder = Path(folder)
    (folder / _ABOUT).unlink(missing_ok=True)
    sources = []
    with atomic_write(folder / _STEMS, overwrite=True) as partial:
        shape = (count, samples, len(PARTS))
        stored = np.lib.format.open_memmap(partial, "w+", np.int16, shape)
        for index, (stems, names) in zip(range(count), examples, strict=True):
            stored[index] = np.rint(stems * _FULL_SCALE)
            sources.append(list(names))
        stored.flush()
    about = {"rate_hz": rate_hz, "samples": samples, "parts": PARTS, "sources": sources}
    with atomic_write(folder / _ABOUT, overwrite=True) as partial:
        partial.write_text(json.dumps(about), encoding="utf-8")
    return StemExamples.open(folder)
