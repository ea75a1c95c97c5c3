"""How long four bars of a song take: filled into it, and composed from nothing."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from experiments.music_sets import MusicSets, open_music_sets
from experiments.partner.units import Units
from ritornello.api import Composer
from ritornello.music.piece import Piece
from ritornello.music.slicing import slice_bars

BARS, PARTS, LONGEST_BARS = 4, 5, 64
PROTOCOL = (
    "the first validation piece of band_arranged_synth without a near copy that has five parts and "
    "at least 64 bars; its four middle bars are written anew in all parts; beside them as many "
    "bars from nothing for the same parts; one thread; median of the repeats, each with another "
    "seed; loading: the model is read from disk and the bars are filled"
)


def measure(options: argparse.Namespace, units: Units) -> dict[str, Any]:
    """Wall and CPU seconds of each, and the size of what was filled."""
    result: dict[str, Any] = units.take("all", lambda: speeds(options))
    return result


def speeds(options: argparse.Namespace) -> dict[str, Any]:
    song = five_parts(open_music_sets(options.store, options.data))
    composer = Composer.load(options.model)
    names = [track.label for track in song.tracks]
    first = song.bar_count // 2
    gap = first, first + BARS - 1
    metre = song.metres[0].numerator, song.metres[0].denominator
    filled = composer.fill(song, gap, seed=options.seed).piece
    new = composer.compose(bars=BARS, metre=metre, parts=tuple(names), seed=options.seed, best_of=1)
    return {
        "song": {"bars": song.bar_count, "parts": names, "notes": song.note_count},
        "notes filled in": _notes_in(filled, gap),
        "notes that were there": _notes_in(song, gap),
        "notes from nothing": new.note_count,
        "fill": timed(lambda seed: composer.fill(song, gap, seed=seed), options),
        "load and fill": timed(
            lambda seed: Composer.load(options.model).fill(song, gap, seed=seed), options
        ),
        "compose from nothing": timed(
            lambda seed: composer.compose(
                bars=BARS, metre=metre, parts=tuple(names), seed=seed, best_of=1
            ),
            options,
        ),
    }


def five_parts(music: MusicSets) -> Piece:
    """The song of the protocol."""
    songs = (piece for _, piece in music.only("band_arranged_synth").pieces("unseen"))
    return next(
        song for song in songs if len(song.tracks) == PARTS and song.bar_count >= LONGEST_BARS
    )


def timed(act: Callable[[int], Any], options: argparse.Namespace) -> dict[str, float]:
    """Median wall and CPU seconds."""
    found = []
    for repeat in range(options.repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        act(options.seed + repeat)
        found.append((time.perf_counter() - wall, time.process_time() - cpu))
    wall, cpu = np.median(found, axis=0).tolist()
    return {"wall_seconds": wall, "cpu_seconds": cpu}


def _notes_in(song: Piece, bars: tuple[int, int]) -> int:
    """Notes that begin from the first to the last of two bars."""
    return slice_bars(song, bars[0] - 1, bars[1]).note_count


def markdown(figures: dict[str, Any]) -> str:
    song = figures["song"]
    lines = [
        f"| {BARS} bars of {len(song['parts'])} parts; a song of {song['bars']} bars, "
        f"{song['notes']:,} notes | wall s | CPU s |",
        "|---|---|---|",
    ]
    for name in ("fill", "load and fill", "compose from nothing"):
        found = figures[name]
        lines.append(f"| {name} | {found['wall_seconds']:.2f} | {found['cpu_seconds']:.2f} |")
    return "\n".join(lines)
