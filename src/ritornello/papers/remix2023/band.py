"""What the authors of `remix2023` asked for, in notes: bass and drums under a given line.

The highest part of a held-out band piece is given, for as many bars as are asked; the bundled model
hears it and writes the other two. Nothing is cut into chunks, so there are no borders to hear:
notes sound on through the times of the published chunks' borders as they do halfway between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ritornello.metrics.consonance import agreement_table
from ritornello.music.piece import Piece
from ritornello.music.selection import highest_track
from ritornello.music.slicing import slice_bars
from ritornello.papers.shared.partner import arrange_songs

ADDED = ("bass", "drums")
_BARS_ASKED = (4, 7, 8, 12, 13, 16)


@dataclass(frozen=True)
class Band:
    """What was measured; shares are 0 to 1.

    Attributes:
        pieces: written. exact: of them, those of just the bars asked for, with both parts in them.
        bars: that were asked for, each of them about as often.
        through_borders, between_borders: bass notes that sound on, a border and a moment halfway
            between two.
        dissonance: share of dissonant pairs of bass and line on the beat: of "ours", of ours under
            "other bars" and in "other keys", and of the "real" bass.
    """

    pieces: int
    exact: int
    bars: tuple[int, ...]
    through_borders: float
    between_borders: float
    dissonance: dict[str, float]


def band_under(model: Path, pieces: Sequence[Piece], *, chunk_seconds: float, seed: int) -> Band:
    """Let a model write bass and drums under the highest parts of pieces.

    Args:
        model: ours. pieces: held out; shorter ones are asked for as many bars as they have.
        chunk_seconds: of the published system. seed: of the first piece; each has the next.

    Raises:
        InputError: if there is no piece, or one has no pitched part.
    """
    bars = [
        min(piece.bar_count, _BARS_ASKED[number % len(_BARS_ASKED)])
        for number, piece in enumerate(pieces)
    ]
    cut = [slice_bars(piece, 0, count) for piece, count in zip(pieces, bars, strict=True)]
    lines = [_only(piece, highest_track(piece)) for piece in cut]
    made = arrange_songs(model, lines, [ADDED] * len(lines), seed=seed).pieces
    written = [replace(piece, tracks=piece.tracks[1:]) for piece in made]
    ours = agreement_table(zip(lines, map(_bass, written), strict=True), seed)
    real = agreement_table(zip(lines, map(_bass, cut), strict=True), seed)
    through, between = (
        float(np.mean([_sounding_through(_bass(piece), chunk_seconds, at) for piece in written]))
        for at in (0.0, 0.5)
    )
    return Band(
        len(made),
        sum(_is_exact(*each) for each in zip(written, bars, strict=True)),
        tuple(sorted(set(bars))),
        through,
        between,
        {
            "ours": ours["as written"]["dissonance"],
            "other bars": ours["other bars"]["dissonance"],
            "other keys": ours["other keys"]["dissonance"],
            "real": real["as written"]["dissonance"],
        },
    )


def _only(piece: Piece, index: int) -> Piece:
    return replace(piece, tracks=piece.tracks[index : index + 1])


def _bass(piece: Piece) -> Piece:
    """The basses of a piece."""
    basses = [track for track in piece.tracks if not track.is_drum and 32 <= track.program < 40]
    return replace(piece, tracks=tuple(basses))


def _is_exact(piece: Piece, bars: int) -> bool:
    """Whether both parts play, and all notes begin and end within just so many bars."""
    ends = [track.end_ticks for track in piece.tracks if len(track)]
    within = max(ends, default=0) <= piece.length_ticks
    return piece.bar_count == bars and within and len(ends) == len(ADDED)


def _sounding_through(piece: Piece, chunk_seconds: float, at: float) -> float:
    """Mean notes that sound on at times ``at`` chunks after the borders."""
    times = np.arange(1, piece.duration_seconds / chunk_seconds) * chunk_seconds
    times = times - at * chunk_seconds
    notes = np.concatenate([track.notes for track in piece.tracks])
    begins = piece.ticks_to_seconds(notes["onset"])
    ends = piece.ticks_to_seconds(notes["onset"] + notes["duration"])
    sounding = (begins[:, None] < times) & (times < ends[:, None])
    return float(sounding.sum(axis=0).mean()) if len(times) else 0.0


def any_duration(found: Band) -> str:
    """The answer to a remix of any duration."""
    return (
        f"For notes: {found.exact} of {found.pieces} bands of {' and '.join(ADDED)} under a given "
        f"line have exactly the bars asked for ({', '.join(map(str, found.bars))}). Of the pairs "
        f"of bass and line on a beat {_percent(found.dissonance['ours'])} are dissonant "
        f"({_percent(found.dissonance['other bars'])} under other bars of the line, "
        f"{_percent(found.dissonance['other keys'])} transposed, real basses "
        f"{_percent(found.dissonance['real'])})."
    )


def no_borders(found: Band) -> str:
    """The answer to no borders between chunks."""
    return (
        "For notes: none, since nothing is cut: "
        f"{found.through_borders:.2f} notes of the bass sound on through a moment where the "
        f"published system has a border, {found.between_borders:.2f} halfway between two."
    )


def _percent(share: float) -> str:
    return "none" if np.isnan(share) else f"{100 * share:.1f}%"
