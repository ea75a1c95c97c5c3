"""How one chord follows another in each style and in all music, counted in the training music.

    python -m experiments.learning.chord_chains --run runs/edition --model default

Chords are those that sound at bar lines, as steps above the tonic of the piece: those that make up
a hundredth of the bars of a style and more; of rarer sevenths and the like the triad counts. The
table goes to `ritornello/plan/chord_chains.json`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise

from experiments.edition_sets import EditionSets
from experiments.learning.style_usages import count_and_write, known_styles
from experiments.music_sets import ROOT
from ritornello.generation.composer import Composer
from ritornello.metrics.keeping.measures import MeasuredBars, bar_chords
from ritornello.music.chords import chord_of_class
from ritornello.music.piece import Piece
from ritornello.plan.analysis import analyse

TABLE = ROOT / "src" / "ritornello" / "plan" / "chord_chains.json"
_MOST_PIECES = 80  # of a style
_LEAST_STEPS, _LEAST_SHARE = 300, 0.01
_TRIADS = {"7": "maj", "maj7": "maj", "min7": "min", "m7b5": "dim", "dim7": "dim"}

Name = tuple[int, str]  # semitones above the tonic, quality
Rows = dict[str, list[list[Name | None]]]  # chords of the bars of each piece, by major and minor
Chain = dict[str, list[int]]


def rows_of(pieces: Sequence[Piece]) -> Rows:
    """The chords of the bars of pieces that have a key."""
    found: Rows = defaultdict(list)
    for piece in pieces:
        key = analyse(piece).key
        if key is not None:
            chords = map(chord_of_class, bar_chords(MeasuredBars.of(piece)).tolist())
            found[key.scale].append(
                [None if c is None else ((c.root - key.tonic) % 12, c.quality) for c in chords]
            )
    return found


def chain_of(rows: Sequence[Sequence[Name | None]]) -> Chain | None:
    """How often a chord is followed by each of the same chords; None of too little music."""
    counts = Counter(name for row in rows for name in row if name is not None)
    common = {name for name, n in counts.items() if n >= _LEAST_SHARE * counts.total()}
    steps: Counter[tuple[Name, Name]] = Counter()
    for row in rows:
        usual = [_usual(name, common) for name in row]
        steps.update((a, b) for a, b in pairwise(usual) if a is not None and b is not None)
    if steps.total() < _LEAST_STEPS:
        return None
    names = sorted(common, key=lambda name: (-counts[name], name))
    return {f"{a[0]} {a[1]}": [steps[a, b] for b in names] for a in names}


def _usual(name: Name | None, common: set[Name]) -> Name | None:
    if name is None or name in common:
        return name
    triad = name[0], _TRIADS.get(name[1], name[1])
    return triad if triad in common else None


def count_chains(music: EditionSets, composer: Composer) -> dict[str, dict[str, Chain]]:
    """The table, by style; "" is all of them together."""
    of_all: Rows = defaultdict(list)
    table: dict[str, dict[str, Chain]] = {"": {}}
    for style in known_styles(composer):
        rows = rows_of(music.drawn(style, "train", _MOST_PIECES, seed=1))
        for scale, found in rows.items():
            of_all[scale] += found
            if chain := chain_of(found):
                table.setdefault(style, {})[scale] = chain
    for scale, found in of_all.items():
        if chain := chain_of(found):
            table[""][scale] = chain
    return table


if __name__ == "__main__":
    count_and_write(__doc__, TABLE, count_chains)
