"""Small made-up tunes, and folders of them, for the tests of the corpus."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ritornello.music import io
from ritornello.music.piece import Piece, Tempo, Track


def _tune(seed: int, *, notes: int = 60, transpose: int = 0, drums: bool = False) -> Piece:
    """A random walk in eighths and quarters at 480 ticks, the same for the same seed."""
    dice = np.random.default_rng(seed)
    onset = np.cumsum(dice.choice([240, 480], notes)) - 240
    pitch = 60 + np.clip(np.cumsum(dice.integers(-4, 5, notes)), -20, 20) + transpose
    tracks = [Track(list(zip(onset, [200] * notes, pitch, [80] * notes, strict=True)), name="tune")]
    if drums:
        tracks.append(Track([(t, 60, 38, 90) for t in onset], is_drum=True, name="drums"))
    return Piece(tuple(tracks), tempos=(Tempo(0, 100.0),), title=f"Tune {seed}")


@pytest.fixture
def tune() -> Callable[..., Piece]:
    return _tune


@pytest.fixture
def write_tunes(tmp_path: Path) -> Callable[[dict[str, Piece]], Path]:
    """A function that writes pieces below ``music/`` and gives that folder."""

    def write(pieces: dict[str, Piece]) -> Path:
        for name, piece in pieces.items():
            path = tmp_path / "music" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            io.write(piece, path)
        return tmp_path / "music"

    return write
