"""How fast `ritornello.music.io.read` is, beside symusic alone, music21 and pretty_midi.

    python -m experiments.speed.reading

Each reader makes its own complete object from the same files. music21 is slow, so the sets are
small. The fastest of several rounds counts; music21 gets one.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import symusic

from ritornello.music.io import read

SETS = {
    "hymns, four voices": ("open_hymnal_midi", 8),
    "game music, 8 tracks": ("freedoom_midi", 5),
    "orchestra, 17 tracks": ("openscore_orchestra_midi", 2),
}
ROUNDS = {"ritornello": 20, "symusic": 20, "pretty_midi": 3, "music21": 1}


def _readers() -> dict[str, Callable[[str], object]]:
    import music21
    import pretty_midi

    return {
        "ritornello": read,
        "symusic": symusic.Score,
        "pretty_midi": pretty_midi.PrettyMIDI,
        "music21": lambda path: music21.converter.parse(path, forceSource=True),
    }


def seconds(reader: Callable[[str], object], paths: list[str], rounds: int) -> float:
    """Time for all files, the best of the rounds."""
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        for path in paths:
            reader(path)
        best = min(best, time.perf_counter() - start)
    return best


def main() -> None:
    root = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("RITORNELLO_DATA", root.parent / "shared" / "data")),
    )
    parser.add_argument("--quick", action="store_true", help="leave music21 out")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    readers = _readers()
    if options.quick:
        del readers["music21"]
    for name, (folder, count) in SETS.items():
        found = sorted((options.data / folder).rglob("*.mid"))
        paths = [str(path) for path in found[:: max(1, len(found) // count)][:count]]
        notes = sum(read(path).note_count for path in paths)
        print(f"{name}: {len(paths)} files, {notes:,} notes")
        ours = 0.0
        for reader_name, reader in readers.items():
            taken = seconds(reader, paths, ROUNDS[reader_name])
            ours = ours or taken
            print(
                f"    {reader_name:12} {len(paths) / taken:12,.1f} files a second, "
                f"{taken / ours:10,.2f} times our time",
                flush=True,
            )


if __name__ == "__main__":
    main()
