"""Primers that our model goes on from: the openings of the test songs of `lakh-lstm`.

Each continuation is set beside how the song really goes on, and beside how another song does: what
goes on from a primer is nearer to the first than to the second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np

from ritornello.music.keys import estimate_key
from ritornello.music.piece import Piece
from ritornello.music.slicing import slice_bars
from ritornello.music.spelling import sounding_pitch_classes
from ritornello.papers.shared.outcome import Table, or_none
from ritornello.papers.shared.partner import continue_songs

_PRIMER_BARS = 8
_BARS = 8
_REAL, _OTHER = "the song itself", "another song"


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
        primers: how many. refused: of them.
        warned: primers heard otherwise than written, by model.
        rows: by who goes on, our models first. example: a primer and what the first model wrote.
    """

    primers: int
    refused: int
    warned: dict[str, int]
    rows: dict[str, Likeness]
    example: Piece | None


def continue_primers(models: Mapping[str, Path], songs: Sequence[Piece], seed: int) -> Primers:
    """Let models go on from the first eight bars of songs, for eight more.

    Args:
        models: of ours, by name. songs: those with fewer than sixteen bars are left out.
        seed: of the first continuation; each song has the next.
    """
    songs = [song for song in songs if song.bar_count >= _PRIMER_BARS + _BARS]
    primers = [slice_bars(song, 0, _PRIMER_BARS) for song in songs]
    real = [_after(song) for song in songs]
    other = [*real[1:], *real[:1]]
    answers = {
        name: continue_songs(model, primers, _BARS, seed=seed) for name, model in models.items()
    }
    first = next(iter(answers.values()))  # what can be continued depends on the primer alone
    primers, real, other = (
        [group[index] for index in first.answered] for group in (primers, real, other)
    )
    written = {name: [*map(_after, answer.pieces)] for name, answer in answers.items()}
    makers = written | {_REAL: real, _OTHER: other}
    return Primers(
        len(songs),
        first.refused,
        {name: sum(map(bool, answer.warnings)) for name, answer in answers.items()},
        {name: likeness(primers, pieces, real) for name, pieces in makers.items()},
        first.pieces[0] if first.pieces else None,
    )


def _after(piece: Piece) -> Piece:
    """The bars that follow a primer."""
    return slice_bars(piece, _PRIMER_BARS, _PRIMER_BARS + _BARS)


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
    key = estimate_key(sounding_pitch_classes(primer))
    weights, real_weights = (sounding_pitch_classes(each).astype(float) for each in (piece, real))
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
            [name, *(or_none(100 * value) for value in astuple(row))]
            for name, row in found.rows.items()
        ],
        f"{found.primers} primers of {_PRIMER_BARS} bars and {_BARS} bars more of each, all parts; "
        "means. A relative key counts as the same. Of notes a beat the smaller number by the "
        f"larger. {found.refused} primers were refused. Heard otherwise than written, with a "
        f"warning: {', '.join(f'{count} by {name}' for name, count in found.warned.items())}.",
    )  # fmt: skip


def sentence(found: Primers) -> str:
    """The answer to what the authors asked for."""
    if not found.primers:
        return f"No test song has {_PRIMER_BARS + _BARS} bars, so none was continued."
    said = "; ".join(
        f"by {name} {_percent(found.rows[name].same_key)} of them stay in the primer's key, "
        f"{_percent(found.rows[name].pitch_overlap)} of the pitch classes are those of the real "
        f"continuation, {warned} had a warning"
        for name, warned in found.warned.items()
    )
    other = found.rows[_OTHER]
    return (
        f"{found.primers - found.refused} of {found.primers} primers of test songs were continued: "
        f"{said}; another song in their place: {_percent(other.same_key)} and "
        f"{_percent(other.pitch_overlap)}."
    )


def _percent(share: float) -> str:
    return "none" if np.isnan(share) else f"{share:.0%}"
