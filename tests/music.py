"""Music that tests can count on: small pieces made by rule, and a corpus in memory."""

from __future__ import annotations

import numpy as np

from ritornello.piece import Metre, Piece, Tempo, Track


def band(seed: int = 0, bars: int = 8, metre: tuple[int, int] = (4, 4)) -> Piece:
    """Bass, piano chords and drums over a four-bar pattern, at 24 ticks a quarter."""
    rng = np.random.default_rng(seed)
    bar = Metre(0, *metre).bar_ticks(24)
    root = int(rng.integers(36, 48))
    bass, piano, drums = [], [], []
    for number in range(bars):
        chord = root + (0, 5, 7, 0)[number % 4]
        start = number * bar
        for step in range(0, bar, 24):
            bass.append((start + step, 20, chord, int(rng.integers(70, 100))))
            drums.append((start + step, 6, 36 if step % 48 == 0 else 38, 100))
        for pitch in (12, 16, 19):
            piano.append((start, bar, chord + pitch, 80))
    tracks = (
        Track(piano, 0, name="piano"),
        Track(bass, 33, name="bass"),
        Track(drums, is_drum=True, name="drums"),
    )
    tempo = float(rng.integers(80, 140))
    return Piece(tracks, 24, (Tempo(0, tempo),), (Metre(0, *metre),), length_ticks=bars * bar)


class MemoryCorpus:
    """What `ritornello.training.batches.Music` asks for, from pieces in memory."""

    def __init__(self, pieces: list[Piece], valid: int = 2) -> None:
        self.pieces, self.valid = pieces, valid
        self.collections = ("band",)

    @property
    def note_counts(self) -> np.ndarray:
        return np.array([piece.note_count for piece in self.pieces])

    def piece(self, index: int) -> Piece:
        return self.pieces[index]

    def collection_of(self, index: int) -> str:
        return self.collections[0]

    def indices(self, split: str) -> np.ndarray:
        first = len(self.pieces) - self.valid
        return np.arange(first) if split == "train" else np.arange(first, len(self.pieces))
