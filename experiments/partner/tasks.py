"""Nats a composed note by what is given, beside the same notes with nothing heard.

Where whole parts are given, the composed ones are also scored as a piece of their own, told the
same way: what a model pays that hears nothing of the others.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from experiments.music_sets import open_music_sets
from experiments.partner.units import Units
from experiments.scorecard import spread
from ritornello.api import find_model
from ritornello.music.piece import Piece
from ritornello.note_model import checkpoint, likelihood
from ritornello.note_model.encoding import notes
from ritornello.note_model.encoding.notes import PART, SHIFT, TEMPO, is_note
from ritornello.note_model.encoding.sequences import Sequences, sequences
from ritornello.note_model.encoding.tasks import GIVEN, TASKS
from ritornello.note_model.engine.reference import Engine

PROTOCOL = (
    "validation pieces without a near copy in training, spread evenly over each set, of two or "
    "more parts, their first events; teacher forced, exact nats of what is composed, the rest "
    "given, by composed notes; told collection, key, density, instruments and length; chords: told "
    "those detected in the whole piece, or none; unigram and bigram, counted on the training "
    "music, score the same fields without masks; hearing nothing: the same composed notes as a "
    "piece of their own, with its controls, tempi not scored; tasks with gaps have no such figure, "
    "since a model cannot be told of a gap and not hear what is around it"
)
_BATCH = 32
_WHOLE_PARTS = ("arrange", "harmonise", "vary")
Named = tuple[str, Piece]


def measure(options: argparse.Namespace, units: Units) -> dict[str, Any]:
    """Of each task, with and without chords, and hearing nothing: figures of all sets and each."""
    music = open_music_sets(options.store, options.data)
    model = checkpoint.load(find_model(options.model))
    held_out = [
        (name, piece)
        for collection in music.collections
        for name, piece in spread(music, collection, options.pieces)
        if len(notes.instrumentation_of(notes.encode(piece))) > 1
    ]
    figures: dict[str, Any] = {}
    for task in TASKS:
        figures[task] = {}
        for told in ("no chords", "chords"):
            score: Callable[[], Any] = partial(
                likelihood.evaluate, model, held_out, controls="given", task=task,
                chords=told == "chords", longest=options.longest,
            )  # fmt: skip
            figures[task][told] = units.take(f"{task}, {told}", score)
        if task in _WHOLE_PARTS:
            score = partial(unheard_nats, model, held_out, task, options.longest)
            figures[task]["hearing nothing"] = units.take(f"{task}, hearing nothing", score)
    return figures


def unheard_nats(
    model: checkpoint.Checkpoint, pieces: Sequence[Named], task: str, longest: int
) -> dict[str, Any]:
    """Nats a note of what `likelihood.evaluate` has composed, by a model that hears nothing else.

    Returns:
        ``nats_per_note``, ``notes`` and the same for each of ``collections``.
    """
    engine, known = Engine(model), model.collections
    alone: list[tuple[str, int, Sequences]] = []
    for number, (name, piece) in enumerate(pieces):
        collection = known.index(name) if name in known else None
        rng = np.random.default_rng(number)
        whole = sequences(piece, collection, len(known), rng=rng, task=task)
        if count := whole.part(0, longest).composed_notes:
            rows = unheard(whole, piece, collection, len(known), longest)
            alone.append((name, count, rows))
    alone.sort(key=lambda item: len(item[2]))
    sums: defaultdict[str, np.ndarray] = defaultdict(lambda: np.zeros(2))
    for first in range(0, len(alone), _BATCH):
        batch = alone[first : first + _BATCH]
        nats = likelihood.score(engine, [rows for _, _, rows in batch]).sum(axis=1)
        for (name, count, _), total in zip(batch, nats, strict=True):
            sums[name] += total, count
    return {
        **_per_note(np.sum([*sums.values()], axis=0)),
        "collections": {name: _per_note(total) for name, total in sorted(sums.items())},
    }


def unheard(
    whole: Sequences, piece: Piece, collection: int | None, collections: int, longest: int
) -> Sequences:
    """What is composed in the first so many events of a piece, on its own.

    Args:
        whole: the piece with a task that gives whole parts. piece: the same.
    """
    encoded = notes.encode(piece)
    parts = encoded.fields[:, PART]
    kept = ~(is_note(parts) & whole.closed[parts])
    fields = encoded.fields[kept]
    fields[:, SHIFT] = np.diff(encoded.onsets_ticks[kept], prepend=0)
    alone = sequences(notes.decode(fields, encoded.metres), collection, collections)
    # Tempi are given where parts are, and nothing else is composed where they stand.
    tempi = alone.fields[:, PART] == TEMPO
    alone.counts[tempi] = GIVEN
    alone.closed[TEMPO] = True
    if len(whole) <= longest:
        return alone
    count = whole.part(0, longest).composed_notes
    ends = np.flatnonzero(is_note(alone.fields[:, PART])) + 1
    return alone.part(0, int(ends[count - 1]) if count else 0)


def _per_note(total: np.ndarray) -> dict[str, Any]:
    nats, count = total.tolist()
    return {"nats_per_note": nats / count, "notes": int(count)}


def markdown(figures: dict[str, Any]) -> str:
    """All sets together, and each set with nothing else told but what is given."""
    ways = ("no chords", "chords", "hearing nothing")
    lines = [
        "| task | given | and chords | hearing nothing | bigram | unigram | composed notes |",
        "|---|---|---|---|---|---|---|",
    ]
    for task, found in figures.items():
        plain = found["no chords"]
        cells = [f"{found[way]['nats_per_note']:.2f}" if way in found else "" for way in ways]
        cells += [f"{plain[f'{name}_nats_per_note']:.2f}" for name in ("bigram", "unigram")]
        lines.append(f"| {task} | {' | '.join(cells)} | {plain['notes']:,} |")
    sets = [*next(iter(figures.values()))["no chords"]["collections"]]
    lines += [
        "",
        f"| nats a composed note | {' | '.join(figures)} |",
        "|---" * (1 + len(figures)) + "|",
    ]
    for name in sets:
        cells = [
            f"{found['no chords']['collections'][name]['nats_per_note']:.2f}"
            for found in figures.values()
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)
