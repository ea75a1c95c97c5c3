"""Memory that a corpus of many notes takes: to store it, to open it, and to learn from it.

    python -m experiments.speed.large_corpus DATA --million-notes 100

DATA has a folder for each set; its pieces are stored again and again until there are so many notes.
Each row is a process of its own. "Own" memory is what it holds beside mapped files, which the
system may drop at any moment; the peak of both is told.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

import numpy as np

from experiments.scorecard import say
from ritornello.corpus.scan import scan
from ritornello.corpus.store import Corpus, Entry, build_store, write_packed

_TRAIN_STEPS = 20
_SETS = ("open_hymnal_midi", "openewld_pd", "freedoom_midi", "openscore_quartets_midi")


def store(folder: Path, seed: Path, notes: int) -> None:
    """Store the pieces of a corpus again and again."""
    corpus = Corpus.open(seed)

    def pieces() -> Iterator[tuple[np.ndarray, bytes, Entry]]:
        written = 0
        for number, index in enumerate(cycle(range(len(corpus)))):
            if written >= notes:
                return
            table, line = corpus.packed(index)
            written += len(table)
            side = "valid" if number % 50 == 0 else "train"
            yield table, line, Entry(str(number), corpus.collection_of(index), side)

    write_packed(pieces(), folder)


def learn(folder: Path, steps: int) -> None:
    """Take steps of a network of the bundled size."""
    import torch

    from ritornello.training.config import TrainConfig
    from ritornello.training.loop import train

    torch.set_num_threads(1)
    config = TrainConfig(steps=steps, batch=16, chunk=128, validation_events=5_000, threads=1)
    with tempfile.TemporaryDirectory() as out:
        train(Corpus.open(folder), Path(out), config)


def _measured(name: str, work: Callable[..., None], *arguments: object) -> None:
    """Say what a piece of work took in a process of its own."""
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_run, args=(name, work, arguments))
    process.start()
    process.join()


def _run(name: str, work: Callable[..., None], arguments: tuple[object, ...]) -> None:
    began = time.process_time()
    work(*arguments)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    own = next(
        int(line.split()[1]) // 1024
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("RssAnon")
    )
    seconds = round(time.process_time() - began, 1)
    say(json.dumps({name: {"cpu_seconds": seconds, "peak_mb": peak, "own_mb_at_the_end": own}}))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--million-notes", type=float, default=100.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        seed, folder = Path(scratch) / "seed", Path(scratch) / "large"
        build_store(scan(options.data, collections=_SETS), seed)
        _measured("store", store, folder, seed, int(options.million_notes * 1e6))
        corpus = Corpus.open(folder)
        say(json.dumps({"pieces": len(corpus), "notes": int(corpus.note_counts.sum())}))
        _measured("learn from the small corpus", learn, seed, _TRAIN_STEPS)
        _measured("learn from the large corpus", learn, folder, _TRAIN_STEPS)


if __name__ == "__main__":
    main()
