"""Music that tests can count on: small pieces made by rule, and a corpus in memory."""

from __future__ import annotations

import numpy as np

from ritornello.music.piece import Metre, Piece, Tempo, Track


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


def solo(bars: int = 8, tempo_bpm: float = 100.0) -> Piece:
    """A piano that plays chords on the beat and a tune above them, at 24 ticks a quarter."""
    notes = []
    for number in range(bars):
        root = 48 + (0, 9, 5, 7)[number % 4] - 12 * (number % 4 == 1)
        third = 3 if number % 4 == 1 else 4
        for beat in range(4):
            start, loud = 96 * number + 24 * beat, 100 if beat == 0 else 75
            for pitch in (root, root + 12 + third, root + 19)[: 3 if beat % 2 == 0 else 1]:
                notes.append((start, 20, pitch, loud))
            notes.append((start + 12 * (beat == 3), 11, root + 24 + (0, 7, 12, third)[beat], 85))
    return Piece((Track(notes, 0, name="piano"),), 24, (Tempo(0, tempo_bpm),))


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
