"""How fast a folder of music becomes a corpus: files and notes a second, step by step.

    python -m experiments.speed.scanning [FOLDER] [--workers N] [--collections a,b]

Without a folder: RITORNELLO_DATA, or ../shared/data beside the repository.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

from ritornello.corpus.pool import default_workers
from ritornello.corpus.scan import scan
from ritornello.corpus.store import Corpus, build_store


def main() -> None:
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", default=os.environ.get("RITORNELLO_DATA", beside))
    parser.add_argument("--workers", type=int, default=default_workers())
    parser.add_argument("--collections", type=lambda text: text.split(","), default=None)
    options = parser.parse_args()

    seconds: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as scratch:
        store = Path(scratch) / "store"
        start = time.perf_counter()
        found = scan(options.folder, collections=options.collections, workers=options.workers)
        seconds["scan"] = time.perf_counter() - start
        start = time.perf_counter()
        build_store(found, store, workers=options.workers)
        seconds["store"] = time.perf_counter() - start
        start = time.perf_counter()
        build_store(found, store, workers=options.workers)
        seconds["store, unchanged"] = time.perf_counter() - start
        start = time.perf_counter()
        corpus = Corpus.open(store)
        seconds["open"] = time.perf_counter() - start
        start = time.perf_counter()
        notes = sum(corpus.piece(index).note_count for index in range(len(corpus)))
        seconds["read every piece"] = time.perf_counter() - start
    total = seconds["scan"] + seconds["store"]
    figures = {
        "workers": options.workers,
        "files": len(found.files),
        "pieces": len(corpus),
        "notes": notes,
        "seconds": {step: round(value, 3) for step, value in seconds.items()},
        "files_per_second": round(len(found.files) / total),
        "notes_per_second": round(notes / total),
    }
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
