"""How fast ordinary files are read, beside an older copy of the package.

    python -m experiments.speed.reading_before path/to/older/copy

Two processes, one for each copy, read the same files in turn, set by set, so that what else runs on
the machine slows both alike. Of each file the least processor time of all rounds counts.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "experiments" / "results" / "reading_before.json"
SETS = {
    "hymns": ("open_hymnal_midi", "*.mid"),
    "game music": ("freedoom_midi", "*.mid"),
    "free game music": ("free_game_midi", "*.mid"),
    "pop songs": ("pop909", "*.mid"),
    "drums": ("groove_midi", "*.mid"),
    "quartets": ("openscore_quartets_midi", "*.mid"),
    "orchestra": ("openscore_orchestra_midi", "*.mid"),
    "piano and more": ("mutopia_pd_midi", "*.mid"),
}
_FILES, _ROUNDS = 12, 25
# The reader is at one place in the older copy and at another in this one.
_READER = """
import json, sys, time
try:
    from ritornello.music.io import read
except ImportError:
    from ritornello.io import read
for line in sys.stdin:
    times = []
    for path in json.loads(line):
        start = time.process_time()
        read(path)
        times.append(time.process_time() - start)
    print(json.dumps(times), flush=True)
"""


class Reader:
    """A process that reads files with one copy of the package and says how long it took."""

    def __init__(self, source: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _READER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(source)},
        )

    def seconds(self, paths: list[str]) -> list[float]:
        """The processor time of each file."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(paths) + "\n")
        self.process.stdin.flush()
        times: list[float] = json.loads(self.process.stdout.readline())
        return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("before", type=Path, help="an older copy of the repository")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("RITORNELLO_DATA", ROOT.parent / "shared" / "data")),
    )
    options = parser.parse_args()
    found: dict[str, Any] = {}
    for name, (folder, pattern) in SETS.items():
        files = sorted((options.data / folder).rglob(pattern))
        paths = [str(path) for path in files[:: max(1, len(files) // _FILES)][:_FILES]]
        before, now = Reader(options.before / "src"), Reader(ROOT / "src")
        rounds = [(before.seconds(paths), now.seconds(paths)) for _ in range(_ROUNDS)]
        least = [
            sum(map(min, zip(*times, strict=True))) * 1000 / len(paths)
            for times in zip(*rounds, strict=True)
        ]
        found[name] = {
            "files": len(paths),
            "before_ms_a_file": round(least[0], 3),
            "now_ms_a_file": round(least[1], 3),
            "ratio": round(least[1] / least[0], 3),
        }
        print(name, found[name], flush=True)
        for reader in (before, now):
            reader.process.kill()
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
