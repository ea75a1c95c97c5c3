"""How alike two sets of pieces are: features of each piece, and the overlap of their distributions.

The features are those of Yang & Lerch, "On the evaluation of generative models in music" (2020),
that need no bar-wise tables, with the groove of Wu & Yang (2020) and, for bands, drums and the
polyphony of each part. MusPy's definitions are used where it has one.

Yang & Lerch compare how far the pieces of a set are from each other and from those of the other
set; here, as is usual since, the features themselves are compared, through the densities of a
feature in both sets. These are estimated with Gaussian kernels of one width and read off on ONE
grid that spans both sets: densities that are each sampled over their own support, as in a
well-known toolbox, seem to overlap wherever their shapes are alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ritornello.music.instruments import INSTRUMENTS
from ritornello.music.keys import SCALES, pitch_class_weights
from ritornello.music.piece import Piece, Track

_GRID_POINTS = 2048
_REACH = 4.0  # how many kernel widths the grid goes beyond the outermost values
_NARROWEST = 1 / 256  # least width of the kernels, as a share of the range of both sets together
_LEAST_DENSITY = 1e-12
_LEAST_VALUES = 2
_MAJOR = np.array([pitch_class in SCALES["major"] for pitch_class in range(12)])


# --- features of one piece ------------------------------------------------------------------------


def features(piece: Piece) -> dict[str, float]:
    """Measure a piece, at 24 ticks a quarter.

    Returns:
        By name; nan where a piece lacks what is measured:

        - ``pitches``: different pitches; ``pitch_range_semitones``: highest less lowest;
        - ``pitch_class_entropy_bits``: of the histogram of notes over the 12 pitch classes;
        - ``scale_consistency``: share of the notes in the best of the 12 major scales;
        - ``stepwise_motion``: share of one or two semitones among the moves of each part's highest
          note from onset to onset;
        - ``groove_consistency``: share of a bar's ticks that begin a note, or do not, like the same
          tick of the next bar; neighbours of unequal length are not compared;
        - ``notes_per_beat``: of all parts, drums too, a quarter note;
        - ``drum_keys``, ``drum_notes_per_beat``: different drums, and how often they are struck;
        - ``polyphony``: mean notes that sound, of the pitched parts together, where any does;
        - ``polyphony of NAME``: the same of each instrument that plays.

        All but groove and density leave the drums out.
    """
    piece = piece.at_resolution(24)
    pitched = [track for track in piece.tracks if len(track) and not track.is_drum]
    drums = [track for track in piece.tracks if len(track) and track.is_drum]
    pitches = _joined(pitched, "pitch")
    keys = _joined(drums, "pitch")
    beats = piece.length_beats or np.nan
    weights = pitch_class_weights(pitches)
    by_instrument: dict[int, list[Track]] = {}
    for track in pitched:
        by_instrument.setdefault(track.instrument, []).append(track)
    return {
        "pitches": float(len(np.unique(pitches))) if len(pitches) else np.nan,
        "pitch_range_semitones": float(np.ptp(pitches)) if len(pitches) else np.nan,
        "pitch_class_entropy_bits": _entropy_bits(weights),
        "scale_consistency": _scale_consistency(weights),
        "stepwise_motion": _stepwise_motion(pitched),
        "groove_consistency": _groove_consistency(piece),
        "notes_per_beat": piece.note_count / beats,
        "drum_keys": float(len(np.unique(keys))) if drums else np.nan,
        "drum_notes_per_beat": len(keys) / beats if drums else np.nan,
        "polyphony": _polyphony(pitched),
        **{
            f"polyphony of {INSTRUMENTS[index].name}": _polyphony(tracks)
            for index, tracks in sorted(by_instrument.items())
        },
    }


def _joined(tracks: Sequence[Track], field: str) -> np.ndarray:
    columns = [track.notes[field].astype(np.int64) for track in tracks]
    return np.concatenate(columns) if columns else np.zeros(0, np.int64)


def _entropy_bits(weights: np.ndarray) -> float:
    if not weights.any():
        return np.nan
    shares = weights[weights > 0] / weights.sum()
    return float(np.abs((shares * np.log2(shares)).sum()))


def _scale_consistency(weights: np.ndarray) -> float:
    # Natural minor scales hold the notes of major ones, so twelve scales are all there are.
    if not weights.any():
        return np.nan
    return float(max(weights[np.roll(_MAJOR, tonic)].sum() for tonic in range(12)) / weights.sum())


def _stepwise_motion(tracks: Sequence[Track]) -> float:
    moves = []
    for track in tracks:
        onsets, pitches = track.notes["onset"], track.notes["pitch"].astype(np.int64)
        highest = np.append(np.diff(onsets) > 0, True)  # sorted by onset, then pitch
        moves.append(np.abs(np.diff(pitches[highest])))
    steps = np.concatenate(moves) if moves else np.zeros(0)
    return float(np.isin(steps, (1, 2)).mean()) if len(steps) else np.nan


def _groove_consistency(piece: Piece) -> float:
    starts = piece.bar_starts_ticks()
    lengths = np.diff(starts)  # the last bar ends with the piece, its line is not in `starts`
    onsets = np.unique(_joined([track for track in piece.tracks if len(track)], "onset"))
    if not len(onsets) or len(starts) < 2:
        return np.nan
    bars = np.searchsorted(starts, onsets, side="right") - 1
    patterns: list[set[int]] = [set() for _ in starts]
    for bar, into in zip(bars.tolist(), (onsets - starts[bars]).tolist(), strict=True):
        patterns[bar].add(into)
    bar_lengths = [*lengths.tolist(), _last_bar_ticks(piece)]
    alike = [
        1 - len(patterns[bar] ^ patterns[bar + 1]) / bar_lengths[bar]
        for bar in range(len(starts) - 1)
        if bar_lengths[bar] == bar_lengths[bar + 1]
    ]
    return float(np.mean(alike)) if alike else np.nan


def _last_bar_ticks(piece: Piece) -> int:
    before_end = [metre for metre in piece.metres if metre.tick < piece.length_ticks]
    return before_end[-1].bar_ticks(piece.resolution)


def _polyphony(tracks: Sequence[Track]) -> float:
    """Mean notes that sound at once, over the time in which any does."""
    starts = _joined(tracks, "onset")
    if not len(starts):
        return np.nan
    ends = starts + _joined(tracks, "duration")
    ticks, index = np.unique(np.concatenate([starts, ends]), return_inverse=True)
    change = np.zeros(len(ticks))
    np.add.at(change, index, np.repeat([1, -1], len(starts)))
    sounding = np.cumsum(change)[:-1] > 0
    return float((ends - starts).sum() / np.diff(ticks)[sounding].sum())


# --- two sets -------------------------------------------------------------------------------------


def overlap(first: Sequence[float] | np.ndarray, second: Sequence[float] | np.ndarray) -> float:
    """Area under both densities of a feature: 1 for equal sets, 0 for sets far apart.

    Args:
        first, second: the feature in the pieces of each set; nan is left out.

    Returns:
        0 to 1; nan if a set has fewer than two values.
    """
    densities = _densities(first, second)
    return np.nan if densities is None else float(np.minimum(*densities).sum())


def divergence_nats(
    first: Sequence[float] | np.ndarray, second: Sequence[float] | np.ndarray
) -> float:
    """Kullback-Leibler divergence of the second density from the first, KL(first || second).

    The second density counts as at least 1e-12 at each of the points of the grid, so that sets far
    apart have a large but finite divergence. Arguments are those of `overlap`.
    """
    densities = _densities(first, second)
    if densities is None:
        return np.nan
    p, q = densities
    here = p > _LEAST_DENSITY
    ratio = np.log(p[here] / np.maximum(q[here], _LEAST_DENSITY))
    return max(0.0, float((p[here] * ratio).sum()))


def _densities(
    first: Sequence[float] | np.ndarray, second: Sequence[float] | np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Probabilities of both sets at the points of one grid; each sums to 1."""
    sets = [np.asarray(values, float) for values in (first, second)]
    sets = [np.sort(values[np.isfinite(values)]) for values in sets]
    if min(map(len, sets)) < _LEAST_VALUES:
        return None
    low, high = min(values[0] for values in sets), max(values[-1] for values in sets)
    # One width for both: where most pieces of both sets have the very same value, as in the number
    # of voices of chorales, two widths would make two densities of one and the same spike.
    width = float(np.sqrt(np.mean([_scott_width(values) ** 2 for values in sets])))
    # Sets of one and the same value: any width will do, and they overlap wholly.
    width = max(width, (high - low) * _NARROWEST) or 1.0
    grid = np.linspace(low - _REACH * width, high + _REACH * width, _GRID_POINTS)
    return _density(sets[0], width, grid), _density(sets[1], width, grid)


def _scott_width(values: np.ndarray) -> float:
    """Scott's rule for the width of a Gaussian kernel, as in `scipy.stats.gaussian_kde`."""
    result: float = float(values.std(ddof=1)) * len(values) ** -0.2
    return result


def _density(values: np.ndarray, width: float, grid: np.ndarray) -> np.ndarray:
    density = np.zeros(len(grid))
    for part in np.array_split(values, -(-len(values) // 512)):  # a few MB at a time
        density += np.exp(-0.5 * ((grid[:, None] - part) / width) ** 2).sum(axis=1)
    result: np.ndarray = density / density.sum()
    return result


def compare(
    first: Iterable[Mapping[str, float]], second: Iterable[Mapping[str, float]]
) -> dict[str, dict[str, float]]:
    """Overlap and divergence of each feature that both sets have.

    Args:
        first, second: `features` of the pieces of each set.

    Returns:
        By feature ``overlap``, ``divergence_nats`` and the means ``first_mean`` and
        ``second_mean``; features that fewer than two pieces of a set have are left out.
    """
    both = [*first], [*second]
    names = dict.fromkeys(name for pieces in both for piece in pieces for name in piece)
    found = {}
    for name in names:
        sets = [[piece.get(name, np.nan) for piece in pieces] for pieces in both]
        area = overlap(*sets)
        if np.isfinite(area):
            found[name] = {
                "overlap": area,
                "divergence_nats": divergence_nats(*sets),
                "first_mean": float(np.nanmean(sets[0])),
                "second_mean": float(np.nanmean(sets[1])),
            }
    return found
