"""How well our bundled model foresees the pitches of piano music, beside counts of pitches.

The tutorial that `hybrid-gru2023` descends from was made for piano music, where counts of single
pitches cost 3.97 nats and of pairs 3.71. Here: Mutopia's validation pieces for piano alone that
have no near copy among its training pieces; none of them was trained on.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np

from ritornello.corpus.duplicates import near_groups, signature
from ritornello.corpus.pool import map_in_processes
from ritornello.corpus.splits import read_splits
from ritornello.errors import RitornelloError
from ritornello.music.grid import on_grid
from ritornello.music.instruments import INSTRUMENTS
from ritornello.music.io import read
from ritornello.music.piece import Piece
from ritornello.note_model import checkpoint
from ritornello.note_model.encoding import ngrams, notes
from ritornello.note_model.encoding.notes import PART, PITCH
from ritornello.note_model.encoding.sequences import sequences
from ritornello.note_model.engine.reference import Engine
from ritornello.note_model.likelihood import score
from ritornello.papers.shared.outcome import Figure
from ritornello.papers.shared.study import Study, music_sets

_SET = "mutopia_pd_midi"
_TARGET_NATS = 2.6
_LONGEST_EVENTS = 1024
_NOT_HERE = "Mutopia's music is not on this machine"


def piano_figure(study: Study) -> Figure:
    """Nats a pitch of the bundled model on held-out piano pieces; empty where they are absent."""
    name = "pitch loss on held-out piano music, our bundled model"
    root = music_sets()
    if root is None or not (root / "splits.json").is_file():
        return Figure(name, None, "nats", "lower", protocol=f"{_NOT_HERE}.")
    train, held_out = _piano_pieces(root, study.threads)
    held_out = held_out[: study.settings["piano_pieces"]]
    model = checkpoint.load(
        checkpoint.find(Path(str(files("ritornello") / "assets" / "models" / "default")))
    )
    counts = ngrams.count(notes.encode(piece).fields for piece in train)
    rows = [
        sequences(piece, None, len(model.collections), open_probability=1.0).part(
            0, _LONGEST_EVENTS
        )
        for piece in held_out
    ]
    nats = score(Engine(model), rows)[:, PITCH].sum()
    trivial = np.sum([[part[PITCH] for part in ngrams.nats(counts, r.fields)] for r in rows], 0)
    played = sum(int(notes.is_note(row.fields[:, PART]).sum()) for row in rows)
    return Figure(
        name,
        None,
        "nats",
        "lower",
        ours=float(nats / played),
        baselines={
            "unigram": float(trivial[0] / played),
            "bigram": float(trivial[1] / played),
            "target": _TARGET_NATS,
        },
        protocol=f"{len(rows)} pieces of Mutopia's validation side for piano alone, none with a "
        f"near copy on the training side, first {_LONGEST_EVENTS} events of each ({played:,} "
        f"notes); ours knows the note's own step, its state is new for each piece; counts are of "
        f"{len(train)} training pieces for piano",
    )


def _piano_pieces(root: Path, workers: int) -> tuple[list[Piece], list[Piece]]:
    sides = {p: s for p, s in read_splits(root / "splits.json").items() if p.startswith(_SET)}
    found: dict[str, list[Piece]] = {"train": [], "valid": []}
    paths = [root / path for path in sides]
    results = map_in_processes(read_piano, paths, workers=workers)
    for side, piece in zip(sides.values(), results, strict=True):
        if isinstance(piece, Piece):
            found[side].append(piece)
    pieces = [*found["valid"], *found["train"]]
    copied = {
        index
        for group in near_groups([signature(piece) for piece in pieces])
        if max(group) >= len(found["valid"])
        for index in group
    }
    held_out = [piece for index, piece in enumerate(found["valid"]) if index not in copied]
    return found["train"], held_out


def read_piano(path: Path) -> Piece | None:
    """A piece on the corpus grid if it can be read and is for piano alone."""
    try:
        piece = on_grid(read(path))[0]
    except RitornelloError:
        return None
    alone = all(INSTRUMENTS[track.instrument].name == "piano" for track in piece.tracks)
    return piece if piece.tracks and alone else None
