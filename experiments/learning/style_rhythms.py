"""How those accompany who play beside a drummer, or alone with a singer: registers and rhythms.

A rhythm is a bar that a player holds (four times or more), on 16ths, beside a singer on triplets
too, with what its strokes mostly are: how long they sound, how many notes they have, whether they
are the chord before, and whether they double no pitch class.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping

import numpy as np

from ritornello.music.instruments import INSTRUMENTS
from ritornello.music.piece import Piece, Track
from ritornello.note_model.encoding import notes
from ritornello.plan.held_rhythms import HeldRhythm, HeldStroke
from ritornello.plan.players import BAND, SONG, ensemble_of, melody_of, owners

_SIXTEENTH, _THIRD, BEAT = 6, 8, 24
_SONG_PLAYERS = 2
_SWUNG = {8: None, 16: 12}  # triplets, as straight time has them
_LEAST_PLAYERS = 5  # whose pitches are counted
_HELD_RHYTHM = 4  # bars
_RHYTHMS_OF_PIECE, _MOST_RHYTHMS = 2, 24  # of a player, a style
_MOSTLY, _DISTINCT, _LARGEST = 0.5, 0.9, 4  # of the bars; notes of a stroke
_SIZES = 20, 80  # percentiles of its bars

Stroke = tuple[int, frozenset[int]]  # how long the longest of its notes sounds, and pitches


def on_grid(tick: int) -> int | None:
    """A tick on straight 16ths, None for what has no place there."""
    beat, within = divmod(tick, BEAT)
    if within in _SWUNG:
        swung = _SWUNG[within]
        return None if swung is None else beat * BEAT + swung
    return tick if within % _SIXTEENTH == 0 else None


def _on_written_grid(tick: int) -> int | None:
    """A tick on 16ths or triplets, None for what has no place there."""
    return tick if tick % _SIXTEENTH == 0 or tick % _THIRD == 0 else None


def _accompanists(piece: Piece, ensemble: int) -> list[tuple[Track, str]]:
    """The tracks of who accompanies in a band, or in a song for two, each with the name of its
    instrument.

    Args:
        ensemble: see `players.ensemble_of`; of other pieces there are none.
    """
    own = owners(piece)
    playing = [player for player in own if player is not None]
    if ensemble_of(playing) != ensemble or (ensemble == SONG and len(playing) != _SONG_PLAYERS):
        return []
    melody = melody_of(playing)
    tune = None if melody is None else playing[melody]
    return [
        (track, INSTRUMENTS[player.instrument].name)
        for track, player in zip(piece.tracks, own, strict=True)
        if player is not None and not player.is_drum and player != tune
    ]


def registers(pieces: list[Piece]) -> dict[str, dict[str, list[int]]]:
    """From which pitch to which nine of ten notes of each instrument are that accompanies."""
    found: dict[str, list[np.ndarray]] = defaultdict(list)
    for piece in pieces:
        for track, name in _accompanists(piece, BAND):
            found[name].append(track.notes["pitch"])
    usual = {
        name: np.percentile(np.concatenate(pitches), (5, 95)).astype(int).tolist()
        for name, pitches in sorted(found.items())
        if len(pitches) >= _LEAST_PLAYERS
    }
    return {"registers": usual} if usual else {}


def rhythms(pieces: list[Piece]) -> dict[str, dict[str, dict[str, list[list[object]]]]]:
    """In which rhythms of a bar each instrument accompanies, by metre, of bands and songs."""
    weights: dict[str, dict[str, dict[HeldRhythm, float]]] = {}
    for piece in pieces:
        if not piece.metres:
            continue
        metre = piece.metres[0]
        length = metre.bar_ticks(BEAT)
        of_metre = weights.setdefault(f"{metre.numerator}/{metre.denominator}", {})
        scale = BEAT / piece.resolution
        for ensemble, grid in ((BAND, on_grid), (SONG, _on_written_grid)):
            for track, name in _accompanists(piece, ensemble):
                of_player = of_metre.setdefault(name, defaultdict(float))
                for held, share in _held_by(track, scale, length, grid):
                    of_player[held] += share
    found = {
        metre: {name: usual for name, of in by_name.items() if (usual := _usual_rhythms(of))}
        for metre, by_name in weights.items()
    }
    there = {metre: by_name for metre, by_name in found.items() if by_name}
    return {"rhythms": there} if there else {}


def _held_by(
    track: Track, scale: float, bar_ticks: int, grid: Callable[[int], int | None]
) -> list[tuple[HeldRhythm, float]]:
    """The bars that a player holds, at most two, and the share of each.

    Args:
        scale: ticks of `BEAT` a tick of the track. grid: of the ticks of a bar.
    """
    bars: dict[int, dict[int | None, Stroke]] = defaultdict(dict)
    onsets, durations = (
        (track.notes[name] * scale).round().astype(int).tolist() for name in ("onset", "duration")
    )
    pitches_played = track.notes["pitch"].tolist()
    for onset, duration, pitch in zip(onsets, durations, pitches_played, strict=True):
        bar, within = divmod(onset, bar_ticks)
        tick = grid(within - (within % _SIXTEENTH == 1))  # strummed
        longest, pitches = bars[bar].get(tick, (0, frozenset()))
        bars[bar][tick] = max(longest, duration), pitches | {pitch}
    alike: dict[tuple[int, ...], list[list[Stroke]]] = defaultdict(list)
    for bar in bars.values():
        if None not in bar:
            ticks = sorted(tick for tick in bar if tick is not None)
            alike[tuple(ticks)].append([bar[tick] for tick in ticks])
    common = sorted(alike.items(), key=lambda item: -len(item[1]))[:_RHYTHMS_OF_PIECE]
    held = [(ticks, found) for ticks, found in common if len(found) >= _HELD_RHYTHM]
    total = sum(len(found) for _, found in held)
    return [(_usual_bar(ticks, found), len(found) / total) for ticks, found in held]


def _usual_bar(ticks: tuple[int, ...], bars: list[list[Stroke]]) -> HeldRhythm:
    """A rhythm with what its strokes are in most of its bars, with durations of the encoding."""
    before: list[Stroke | None] = [None] * len(bars)
    found = []
    for tick, strokes in zip(ticks, zip(*bars, strict=True), strict=True):
        classes = notes.duration_class(np.array([duration for duration, _ in strokes]))
        sizes = [min(len(pitches), _LARGEST) for _, pitches in strokes]
        again = [
            len(stroke[1]) > 1 and last is not None and last[1] == stroke[1]
            for last, stroke in zip(before, strokes, strict=True)
        ]
        distinct = [
            len({pitch % 12 for pitch in stroke[1]}) == len(stroke[1]) for stroke in strokes
        ]
        duration = int(notes.DURATIONS[_commonest(classes.tolist())])
        least, most = np.percentile(sizes, _SIZES).round().astype(int).tolist()
        found.append(
            HeldStroke(
                tick,
                duration,
                least,
                most,
                float(np.mean(again)) > _MOSTLY,
                float(np.mean(distinct)) > _DISTINCT,
            )
        )
        before = [*strokes]
    return tuple(found)


def _commonest(values: list[int]) -> int:
    return Counter(values).most_common(1)[0][0]


def _usual_rhythms(weights: Mapping[HeldRhythm, float]) -> list[list[object]]:
    """So many of the rhythms, from those of the fewest notes to those of the most; each stands for
    an equal share of their weight, some for several."""
    if not weights:
        return []
    ordered = sorted(weights, key=lambda held: (sum(s.least + s.most for s in held), held))
    ends = np.cumsum([weights[held] for held in ordered])
    count = min(_MOST_RHYTHMS, len(ordered))
    places = np.searchsorted(ends, (np.arange(count) + 0.5) / count * ends[-1])
    return [
        [shares, [[*map(int, stroke)] for stroke in ordered[place]]]
        for place, shares in Counter(places.tolist()).items()
    ]
