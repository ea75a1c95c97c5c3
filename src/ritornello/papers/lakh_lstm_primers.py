"""Primers that our model goes on from: the openings of the test songs of `lakh-lstm`.

Each continuation is set beside how the song really goes on, and beside how another song does: what
goes on from a primer is nearer to the first than to the second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ritornello.io.spelling import pitch_class_weights
from ritornello.keys import estimate_key
from ritornello.papers.ours import some_bars
from ritornello.papers.outcome import Table
from ritornello.papers.partner import continued
from ritornello.piece import Piece

_PRIMER_BARS = 8
_BARS = 8
_OURS, _REAL, _OTHER = "ours", "how the song goes on", "how another song goes on"


@dataclass(frozen=True)
class Likeness:
    """How continuations fit their primers; means over primers, nan where nothing can be judged.

    Attributes:
        same_key: share whose likeliest key is that of the primer, or its relative.
        in_scale: share of their notes in the scale of the primer's likeliest key.
        pitch_overlap: of pitch-class histograms with the real continuation, 0 to 1.
        density_ratio: of their notes a beat and the real ones', the smaller by the larger, 0 to 1.
    """

    same_key: float
    in_scale: float
    pitch_overlap: float
    density_ratio: float


@dataclass(frozen=True)
class Primers:
    """What came of the primers.

    Attributes:
        primers: how many. refused: of them. warned: those heard otherwise than written.
        rows: by who goes on. example: a primer and what is ours after it.
    """

    primers: int
    refused: int
    warned: int
    rows: dict[str, Likeness]
    example: Piece | None


def continue_primers(model: Path, songs: Sequence[Piece], seed: int) -> Primers:
    """Let a model go on from the first eight bars of songs, for eight more.

    Args:
        model: of ours. songs: those with fewer than sixteen bars are left out.
        seed: of the first continuation; each song has the next.
    """
    songs = [song for song in songs if song.bar_count >= _PRIMER_BARS + _BARS]
    primers = [some_bars(song, 0, _PRIMER_BARS) for song in songs]
    real = [some_bars(song, _PRIMER_BARS, _PRIMER_BARS + _BARS) for song in songs]
    answers = continued(model, primers, _BARS, seed=seed)
    written = [some_bars(piece, _PRIMER_BARS, _PRIMER_BARS + _BARS) for piece in answers.pieces]
    makers = {_OURS: written, _REAL: real, _OTHER: [*real[1:], *real[:1]]}
    return Primers(
        len(primers),
        answers.refused,
        sum(map(bool, answers.warnings)),
        {name: likeness(primers, pieces, real) for name, pieces in makers.items()},
        answers.pieces[0] if answers.pieces else None,
    )


def likeness(primers: Sequence[Piece], pieces: Sequence[Piece], real: Sequence[Piece]) -> Likeness:
    """Judge continuations; of each primer there is one, and a real one."""
    rows = [_alike(*each) for each in zip(primers, pieces, real, strict=True)]
    table = np.array(rows, float).reshape(-1, 4)
    means = [
        float(column[~np.isnan(column)].mean()) if (~np.isnan(column)).any() else np.nan
        for column in table.T
    ]
    return Likeness(*means)


def _alike(primer: Piece, piece: Piece, real: Piece) -> tuple[float, float, float, float]:
    key = estimate_key(pitch_class_weights(primer))
    weights, real_weights = (pitch_class_weights(each).astype(float) for each in (piece, real))
    own = estimate_key(weights)
    same = in_scale = overlap = np.nan
    if key is not None and weights.any():
        in_scale = weights[[*key.pitch_classes]].sum() / weights.sum()
        same = float(own is not None and own.sharps == key.sharps)
    if weights.any() and real_weights.any():
        shares = weights / weights.sum(), real_weights / real_weights.sum()
        overlap = float(np.minimum(*shares).sum())
    densities = sorted(each.note_count / each.length_beats for each in (piece, real))
    return same, in_scale, overlap, densities[0] / densities[1] if densities[1] else np.nan


def table(found: Primers) -> Table:
    """Continuations beside the real ones and those of other songs."""
    return Table(
        "Primers of test songs, continued by our model",
        ["continued by", "in the primer's key %", "notes in its scale %",
         "pitch classes like the real ones %", "notes a beat like the real ones %"],
        [
            [name, *(100 * value for value in
                     (row.same_key, row.in_scale, row.pitch_overlap, row.density_ratio))]
            for name, row in found.rows.items()
        ],
        f"{found.primers} primers of {_PRIMER_BARS} bars and {_BARS} bars more of each, all parts; "
        "means. A relative key counts as the same. Of notes a beat the smaller number by the "
        f"larger. {found.refused} primers were refused, {found.warned} were heard otherwise than "
        "written, with a warning.",
    )  # fmt: skip


def sentence(found: Primers) -> str:
    """The answer to what the authors asked for."""
    if not found.primers:
        return f"No test song has {_PRIMER_BARS + _BARS} bars, so none was continued."
    ours, other = found.rows[_OURS], found.rows[_OTHER]
    return (
        f"Our model went on from {found.primers - found.refused} of {found.primers} primers of "
        f"test songs, {found.warned} with a warning: {_percent(ours.same_key)} stay in the "
        f"primer's key (other songs {_percent(other.same_key)}), and {_percent(ours.pitch_overlap)}"
        f" of their pitch classes are those of the real continuation (other songs "
        f"{_percent(other.pitch_overlap)})."
    )


def _percent(share: float) -> str:
    return "none" if np.isnan(share) else f"{share:.0%}"
