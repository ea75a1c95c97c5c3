"""Nats on the validation split, with the weights of a run in progress."""

from __future__ import annotations

import numpy as np
import torch

from ritornello.json_values import JsonObject
from ritornello.note_model.encoding.batch import stack
from ritornello.note_model.encoding.notes import FIELDS
from ritornello.note_model.encoding.sequences import Sequences, sequences
from ritornello.note_model.fused import fused_network
from ritornello.note_model.network import NoteModel, to_tensors
from ritornello.training.batches import CHORDS_GIVEN, Music
from ritornello.training.ranks import Ranks

_CHUNK = 256
_BATCH = 32


@torch.no_grad()
def validate(
    model: NoteModel,
    music: Music,
    events: int,
    task: str | None = "compose",
    ranks: Ranks | None = None,
) -> JsonObject:
    """Score the first events of each validation piece, with all controls given.

    Args:
        model: its dropout is switched off for the time.
        music: its "valid" split is used, evenly spread over the collections.
        events: about how many events to score.
        task: what is given, see `sequences`; drawn for each piece where None.
        ranks: the processes that share the work; the figures are the same on all.

    Returns:
        ``nats_per_note`` (of composed notes), ``fields`` (nats per note of each field) and
        ``collections`` (nats per note of each); empty if there is nothing to validate on.
    """
    rows = choose(music, events, task)
    if not rows:
        return {}
    model.eval()
    ranks = ranks or Ranks()
    totals: dict[str, np.ndarray] = {}
    rows.sort(key=lambda row: len(row[1]))
    rows = rows[ranks.rank :: ranks.count]
    for start in range(0, len(rows), _BATCH):
        part = rows[start : start + _BATCH]
        nats, notes = score(model, [sequence for _, sequence in part])
        for (name, _), row_nats, row_notes in zip(part, nats, notes, strict=True):
            totals.setdefault(name, np.zeros(len(FIELDS) + 1))
            totals[name] += [*row_nats, row_notes]
    totals = _merged(ranks.all(totals))
    total = sum(totals.values(), np.zeros(len(FIELDS) + 1))
    fields = total[:-1] / total[-1]
    return {
        "nats_per_note": float(fields.sum()),
        "fields": dict(zip(FIELDS, fields.round(4).tolist(), strict=True)),
        "collections": {
            name: round(float(sums[:-1].sum() / sums[-1]), 4) for name, sums in totals.items()
        },
        "notes": int(total[-1]),
    }


def _merged(shares: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The sums of several processes, of what has notes."""
    merged: dict[str, np.ndarray] = {}
    for totals in shares:
        for name, sums in totals.items():
            merged[name] = merged.get(name, 0) + sums
    return {name: sums for name, sums in merged.items() if sums[-1]}


@torch.no_grad()
def score(model: NoteModel, rows: list[Sequences]) -> tuple[np.ndarray, np.ndarray]:
    """Nats of each field summed over each row [rows, 5], and notes a row [rows]."""
    state = model.initial_state(len(rows))
    device = next(model.parameters()).device
    nats = np.zeros((len(rows), len(FIELDS)))
    notes = np.zeros(len(rows))
    for start in range(0, max(map(len, rows)), _CHUNK):
        batch = stack([row.chunk(start, _CHUNK) for row in rows])
        losses, state = fused_network.nats(model, to_tensors(batch, device), state)
        nats += losses.double().sum(0).cpu().numpy()
        notes += batch.composed_notes()
    return nats, notes


def choose(
    music: Music, events: int, task: str | None, *, split: str = "valid"
) -> list[tuple[str, Sequences]]:
    """The first 1,024 events of pieces spread evenly over the split of each collection."""
    longest = 4 * _CHUNK
    by_name: dict[str, list[int]] = {}
    for index in music.indices(split):
        by_name.setdefault(music.collection_of(index), []).append(int(index))
    chosen = []
    for name, indices in by_name.items():
        budget = events / len(by_name)
        counts = np.minimum(music.note_counts[indices], longest)
        wanted = max(1, min(len(indices), round(budget / max(1, counts.mean()))))
        picked = np.linspace(0, len(indices) - 1, wanted).round().astype(int)
        for index in np.unique(picked):
            names = music.collections
            whole = sequences(
                music.piece(indices[index]),
                names.index(name),
                len(names),
                rng=np.random.default_rng(indices[index]),
                task=task,
                chord_probability=CHORDS_GIVEN if task is None else 0.0,
            )
            chosen.append((name, whole.part(0, longest)))
    return chosen
