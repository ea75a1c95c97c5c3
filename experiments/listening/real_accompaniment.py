"""Whether a band keeps to the chords that are heard in a solo as real accompaniment does.

    python -m experiments.listening.real_accompaniment --store STORE --work FOLDER [--of 2]

The solos are those of `experiments.remix`: parts of validation pieces, rendered, whose other parts
are known. Chords are those of the notes that are heard in the sound, as in `real_remixes`; what
accompanies them in the piece is set to the player's own time, and the band is that of `remix`, told
nothing but that it lasts 24 s.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from experiments.music_sets import ROOT, data_folder
from experiments.remix.accompaniment import of_another
from experiments.remix.solos import Solo, known_solos
from experiments.scorecard import say
from ritornello.accompany.remix import remix
from ritornello.accompany.result import Remix
from ritornello.metrics.consonance import agreement
from ritornello.music.piece import Piece

_NO_FONT = Path("none")
_SECONDS = 24.0
WAYS = "real", "another piece's", "ours"


def in_chord(solo: Solo, other: Solo, seed: int) -> dict[str, float]:
    """The share of notes in the chord of the heard notes, by each of `WAYS`."""
    with tempfile.TemporaryDirectory() as folder:
        made = remix(solo.path, Path(folder), duration_seconds=_SECONDS, seed=seed)
    given = replace(made.piece, tracks=made.piece.tracks[:1])
    band = replace(made.piece, tracks=made.piece.tracks[1:])
    others = solo.accompaniment, of_another(solo, other)
    written = [in_time_of(piece, solo.begins_seconds, made) for piece in others]
    return {
        way: agreement(given, piece).notes_in_chord
        for way, piece in zip(WAYS, (*written, band), strict=True)
    }


def in_time_of(piece: Piece, begins_seconds: float, made: Remix) -> Piece:
    """A piece as it sounds from a moment on, on the beats that a remix follows."""
    tracks, heard = [], made.transcription.timeline
    for track in piece.tracks:
        table = track.notes.copy()
        onsets, ends = (
            heard.ticks(piece.ticks_to_seconds(ticks) + begins_seconds)
            for ticks in (table["onset"], table["onset"] + table["duration"])
        )
        table["onset"], table["duration"] = onsets, np.maximum(1, ends - onsets)
        tracks.append(replace(track, notes=table[onsets < made.piece.length_ticks]))
    return replace(made.piece, tracks=tuple(tracks))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=data_folder())
    parser.add_argument("--store", type=Path, default=ROOT / ".cache" / "music_sets")
    parser.add_argument("--work", type=Path, default=ROOT / ".cache" / "remix", help="keeps solos")
    parser.add_argument("--solos", type=int, default=10, help="of each instrument")
    parser.add_argument("--of", type=int, default=2, help="so many of them are measured")
    parser.add_argument("--font", type=Path, default=_NO_FONT, help="plays half of the solos")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    solos = known_solos(options)
    rows = []
    for kind in dict.fromkeys(solo.kind for solo in solos):
        alike = [solo for solo in solos if solo.kind == kind]
        for number, solo in enumerate(alike[: options.of]):
            rows.append(in_chord(solo, alike[(number + 1) % len(alike)], options.seed))
            say(f"{solo.name:12} " + "  ".join(f"{way} {x:.3f}" for way, x in rows[-1].items()))
    means = {way: float(np.nanmean([row[way] for row in rows])) for way in WAYS}
    say(f"{len(rows):12} " + "  ".join(f"{way} {x:.3f}" for way, x in means.items()))


if __name__ == "__main__":
    main()
