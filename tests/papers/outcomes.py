"""An outcome that holds one of everything."""

from __future__ import annotations

import math
from pathlib import Path

from ritornello.papers.shared.ours import write_sample
from ritornello.papers.shared.outcome import Chart, Figure, Histogram, Outcome, Sample, Table
from tests.examples import band

HOSTILE = "<script>alert('\"&</script>"


def rich_outcome(system: str, folder: Path, word: str = "plain") -> Outcome:
    """An outcome with samples in a folder; ``word`` stands wherever there is free text."""
    folder.mkdir(parents=True, exist_ok=True)
    samples = [
        write_sample(band(bars=2), folder, "a", f"a {word}", "published", seconds=1),
        Sample("silence", "ours"),
        Sample("gone", "real", midi="gone.mid", sound="gone.mp3"),
    ]
    return Outcome(
        system,
        "tiny",
        3,
        seconds=61.5,
        machine=word,
        command=word,
        data=word,
        departures=[word],
        figures=[
            Figure(word, None),
            Figure("alone", 0.25, word),
            Figure("pitch loss", 3.5, "nats", "lower", 4.2135, 2.5, {word: 3.97}, word),
        ],
        tables=[Table(word, [word, "loss"], [[word, 1.23456], ["ours", None]], word)],
        charts=[
            Chart(word, word, word, {word: ([1, 2, 3], [3.0, math.nan, 1.0])}),
            Chart("nothing", "x", "y", {}),
        ],
        histograms=[
            Histogram(word, [word, "E4"], [3, 1]),
            Histogram("edges", [f"{edge}" for edge in range(41)], [1.5] * 40),
            Histogram("empty", [], []),
        ],
        samples=samples,
        weaknesses=[word],
        compared=word,
        wishes={word: word, "a Turing test": "not yet"},
    )
