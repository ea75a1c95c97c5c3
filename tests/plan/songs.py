"""Songs whose form is known: phrases of random notes, put one after the other."""

from __future__ import annotations

import numpy as np

from ritornello.music.piece import Metre, Piece, Tempo, Track

BAR = 96
Notes = list[tuple[int, int, int, int]]


def phrase(seed: int, bars: int = 8, *, per_bar: int = 6) -> dict[str, Notes]:
    """A melody, chords, a bass and drums that repeat nothing; ticks from the phrase's beginning."""
    rng = np.random.default_rng(seed)
    parts: dict[str, Notes] = {"melody": [], "chords": [], "bass": [], "drums": []}
    for bar in range(bars):
        start, root = bar * BAR, int(rng.integers(12))
        for tick in np.sort(rng.choice(16, per_bar, replace=False)) * 6:
            parts["melody"].append((start + int(tick), 6, int(rng.integers(67, 88)), 90))
        parts["chords"] += [(start, BAR, 48 + (root + step) % 12, 70) for step in (0, 4, 7)]
        parts["bass"] += [(start + beat * 24, 20, 36 + root, 80) for beat in range(4)]
        for tick in rng.choice(90, 5, replace=False):
            parts["drums"].append((start + int(tick), 6, int(rng.integers(36, 52)), 90))
    return parts


def song(*phrases: dict[str, Notes], silent: dict[int, tuple[str, ...]] | None = None) -> Piece:
    """Phrases one after the other, each as many whole bars as its chords fill.

    Args:
        silent: by number of the phrase the parts that do not play in it.
    """
    joined: dict[str, Notes] = {"melody": [], "chords": [], "bass": [], "drums": []}
    start = 0
    for number, parts in enumerate(phrases):
        for name, notes in parts.items():
            if name not in (silent or {}).get(number, ()):
                joined[name] += [(start + note[0], *note[1:]) for note in notes]
        start += max(tick for tick, *_ in parts["chords"]) // BAR * BAR + BAR
    tracks = (
        Track(joined["melody"], 73, name="melody"),
        Track(joined["chords"], 0, name="chords"),
        Track(joined["bass"], 33, name="bass"),
        Track(joined["drums"], is_drum=True, name="drums"),
    )
    return Piece(tracks, 24, (Tempo(0, 100.0),), (Metre(0, 4, 4),), length_ticks=start)


def varied(parts: dict[str, Notes], seed: int, share: float = 0.3) -> dict[str, Notes]:
    """A phrase in which a share of the melody's notes is another."""
    rng = np.random.default_rng(seed)
    melody = [
        (tick, length, pitch + 2 if rng.random() < share else pitch, loud)
        for tick, length, pitch, loud in parts["melody"]
    ]
    return {**parts, "melody": melody}


def transposed(parts: dict[str, Notes], semitones: int) -> dict[str, Notes]:
    """A phrase in another key; the drums stay."""
    return {
        name: notes if name == "drums" else [(t, n, p + semitones, v) for t, n, p, v in notes]
        for name, notes in parts.items()
    }
