"""Sound on its way to a file: kept on the disk, so that hours of it need no memory."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ritornello.dsp.mastering import Levels, Meter
from ritornello.dsp.sound_files import BLOCK
from ritornello.errors import OutputError

_BYTES_PER_SAMPLE = 8  # of two channels


class Scratch:
    """Sound being written to a hidden file of float32 samples, so that hours of it need no memory.

    However a run ends, the file goes with it.

    Attributes:
        peak: the highest sample, either way.
    """

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (it lasts as long as this)
        self.peak = 0.0

    def write(self, block: np.ndarray) -> None:
        """Keep the next samples, float32 [2, samples].

        Raises:
            OSError: if the disk is full.
        """
        self._file.write(np.ascontiguousarray(block.T).data)
        self.peak = max(self.peak, float(block.max(initial=0)), -float(block.min(initial=0)))

    def record(self, blocks: Iterator[np.ndarray], meter: Meter) -> Levels:
        """Keep blocks of float32 [2, samples], and say what they measure.

        Raises:
            OSError: if the disk is full.
        """
        for block in blocks:
            self.write(block)
            meter.add(block)
        return meter.levels()

    def read(self, start: int, count: int) -> np.ndarray:
        """Samples, float32 [2, count]."""
        self._file.seek(8 * start)
        return np.frombuffer(self._file.read(8 * count), np.float32).reshape(-1, 2).T

    def close(self) -> None:
        """Delete the hidden file."""
        self._file.close()


def refuse_full_disk(folder: Path, total: int, scratches: int) -> None:
    """Refuse work whose hidden files a disk cannot hold, before it begins.

    Args:
        total: samples of each of so many `Scratch`.

    Raises:
        OutputError: if there is less room.
    """
    needed = scratches * total * _BYTES_PER_SAMPLE
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OutputError(
            f"While it is made, the sound needs {needed / 1e9:.1f} GB; {free / 1e9:.1f} are free.",
            where=str(folder),
            next_step="Free some space, choose another folder, or ask for less.",
        )


def stretches(total: int) -> Iterator[tuple[int, int]]:
    """Starts and lengths of blocks that make up so many samples."""
    for start in range(0, total, BLOCK):
        yield start, min(BLOCK, total - start)
