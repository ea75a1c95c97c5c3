"""Composed pieces beside the real excerpts that they are made to match: overlap, copies, endings.

`python -m experiments.scorecard generated` runs it.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from experiments.music_sets import MusicSets
from ritornello.api import Composer
from ritornello.generation.originality.copying import Copying, Passages, copying
from ritornello.metrics import overlap
from ritornello.metrics.endings import closing_key, endings
from ritornello.music.piece import Metre, Piece
from ritornello.music.slicing import slice_ticks
from ritornello.note_model.encoding import notes
from ritornello.rng import Rng

PROTOCOL = (
    "each sample is composed with the bars (8, 12 or 16), metre and instruments of one random "
    "excerpt of a validation piece, nothing else given but the name of the set, and once more with "
    "the excerpt's estimated key; default boldness; none is left out; as many random excerpts of "
    "training pieces give the ceiling; copying: windows of 4 and 8 quarter notes in any "
    "transposition in the training split of all sets, texture = all pitched parts together, parts "
    "= each alone; endings: of whole real pieces"
)
CORE = (  # of the features, those that every piece with pitches has
    "pitches", "pitch_range_semitones", "pitch_class_entropy_bits", "scale_consistency",
    "stepwise_motion", "groove_consistency", "notes_per_beat",
)  # fmt: skip


def compare_generated(
    composer: Composer,
    music: MusicSets,
    training: Mapping[str, Passages],
    samples: int,
    seed: int,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """The figures of one set of music.

    Args:
        music: of one collection. training: where copies are looked for, by what they are copies of.
        samples: pieces to compose, and excerpts of each side of the split.
    """
    (collection,) = music.collections
    rng = np.random.default_rng(seed)
    test = [*excerpts(music, "valid", samples, rng)]
    train = [*excerpts(music, "train", samples, rng)]
    began = time.process_time()
    composed = {
        name: compose_like(composer, test, collection, seed, keyed=keyed)
        for name, keyed in (("composed", False), ("composed, key given", True))
    }
    composing_cpu_seconds = time.process_time() - began
    say(f"{collection}: composed; comparing ...")
    unseen = [piece for _, piece in music.pieces("unseen")]
    suspects = {
        **composed,
        "real test excerpts": test,
        f"the {len(unseen)} real test pieces without a near copy": unseen,
    }
    real_features = [overlap.features(piece) for piece in test]
    return {
        "samples": samples,
        "notes": {name: sum(piece.note_count for piece in made) for name, made in composed.items()},
        "composing_cpu_seconds": composing_cpu_seconds,
        "overlap with real test excerpts": {
            name: summary(overlap.compare(map(overlap.features, pieces), real_features))
            for name, pieces in {"real train excerpts": train, **composed}.items()
        },
        "copying": {
            kind: {name: shares(copying(pieces, passages)) for name, pieces in suspects.items()}
            for kind, passages in training.items()
        },
        "endings": {
            **{name: endings(made) for name, made in composed.items()},
            "real test pieces": endings(piece for _, piece in music.pieces("valid")),
            "real train pieces": endings(piece for _, piece in music.pieces("train")),
        },
    }


def excerpts(
    music: MusicSets,
    split: str,
    count: int,
    rng: Rng,
    lengths_bars: Sequence[int] = (8, 12, 16),
) -> Iterator[Piece]:
    """Random stretches of so many bars in one metre, of pieces that are long enough."""
    indices = music.indices(split)
    while count:
        piece, bars = music.piece(int(rng.choice(indices))), int(rng.choice(lengths_bars))
        starts = piece.bar_starts_ticks()
        if len(starts) < bars:
            continue
        first = int(rng.integers(len(starts) - bars + 1))
        metre = [metre for metre in piece.metres if metre.tick <= starts[first]][-1]
        end = int(starts[first]) + bars * metre.bar_ticks(piece.resolution)
        cut = excerpt(piece, int(starts[first]), end, metre)
        changes = any(starts[first] < other.tick < end for other in piece.metres)
        if not changes and cut.note_count:
            count -= 1
            yield cut


def excerpt(piece: Piece, start: int, end: int, metre: Metre) -> Piece:
    """The ticks [start, end) in the tempo of their first; parts without notes are left out."""
    cut = slice_ticks(piece, start, end)
    tracks = tuple(track for track in cut.tracks if len(track))
    metres = (metre._replace(tick=0),)
    return replace(cut, tracks=tracks, tempos=cut.tempos[:1], metres=metres, keys=(), title="")


def compose_like(
    composer: Composer, models: Sequence[Piece], collection: str, seed: int, *, keyed: bool
) -> list[Piece]:
    """A piece with the bars, metre and instruments of each, if wanted also its key.

    Those that are asked for alike are composed side by side.
    """
    groups: defaultdict[tuple[Any, ...], int] = defaultdict(int)
    for piece in models:
        metre = (piece.metres[0].numerator, piece.metres[0].denominator)
        key = str(closing_key(piece) or "") if keyed else ""
        groups[piece.bar_count, metre, notes.instrumentation_of(notes.encode(piece)), key] += 1
    made: list[Piece] = []
    for (bars, metre, parts, key), count in sorted(groups.items()):
        made += composer.compose_many(
            count, bars=bars, metre=metre, parts=parts, key=key or None, collection=collection,
            seed=seed * 1_000_000 + len(made), best_of=1,
        )  # fmt: skip
    return made


def summary(compared: dict[str, dict[str, float]]) -> dict[str, Any]:
    """Each feature, and the mean overlap of the core features and of all."""
    areas = {name: entry["overlap"] for name, entry in compared.items()}
    return {
        "mean_of_core_features": np.mean([areas[name] for name in CORE if name in areas]),
        "mean_of_all_features": np.mean([*areas.values()]),
        "features": compared,
    }


def shares(found: Copying) -> dict[str, Any]:
    return {
        **{f"share of {quarters} quarters": found.shares[quarters] for quarters in found.shares},
        "windows": [*found.windows.values()],
        "longest_quarters": found.longest_quarters,
    }
