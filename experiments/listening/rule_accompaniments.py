"""Accompaniments by rule, in the styles that players know: strumming, picking, riffs, machines.

Pieces that are written down hold few of the patterns that people play to, above all those whose
chords lie off the beat, so that what learns from them alone hears such offbeats as beats. A piece
here has a progression that everybody knows, and for each part a pattern of sixteenths drawn for its
style, with strokes left out and added and chords that come early. Parts: chords, bass, drums, and
in electronic music arpeggios. `beat_clips` plays them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

import numpy as np

from ritornello.music.note_tables import NOTE_DTYPE
from ritornello.music.piece import Metre, Piece, Tempo, Track
from ritornello.rng import Rng

T = TypeVar("T")
RESOLUTION = 480
_SIXTEENTH = RESOLUTION // 4
_BARS = 40
_LEFT_OUT, _ADDED = 0.06, 0.02
_VARIED_SHARE = 0.25  # bars with another pattern of the style
_KEYS = {"kick": 36, "snare": 38, "hat": 42}
_MAJOR, _MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
# Degrees from 0; a chord a bar, repeated.
_PROGRESSIONS = (
    (0, 4, 5, 3), (0, 5, 3, 4), (5, 3, 0, 4), (0, 3, 4, 3), (0, 3, 0, 4), (0, 0, 3, 4),
    (1, 4, 0, 0), (1, 4, 0, 5), (0, 5, 1, 4), (0, 6, 5, 4), (0, 2, 3, 4), (0, 3), (0, 4),
    (0, 0, 0, 0, 3, 3, 0, 0, 4, 3, 0, 4), (0, 6, 3, 0), (0, 5), (0,), (0, 3, 6, 2, 5, 1, 4, 0),
)  # fmt: skip


class Style(NamedTuple):
    """How a style is accompanied; a pattern has a sign for each sixteenth of a bar.

    Attributes:
        bpm: slowest and fastest felt beat. swing: where the second of two eighths lies.
        comps: the thumb (b: the bass of the chord) and the hand (x: the chord, u: its upper notes,
            a: one note after the other, -: damped). basses: r root, f fifth, o octave, a passing.
        drums: kick, snare and hat. arps: a is the next note of the chord; empty without.
        sevenths: share of chords with one. early: share of chords that come an eighth early.
    """

    metre: tuple[int, int]
    bpm: tuple[float, float]
    swing: float
    comps: tuple[tuple[str, str], ...]
    basses: tuple[str, ...]
    drums: tuple[tuple[str, str, str], ...]
    arps: tuple[str, ...] = ()
    sevenths: float = 0.1
    early: float = 0.0


_NO, _FOUR, _BACK = "." * 16, "x...x...x...x...", "....x.......x..."
_EIGHTHS, _OFF, _HALF = "x.x.x.x.x.x.x.x.", "..x...x...x...x.", "........x......."
_ROCK = ("x.......x.x.....", _BACK, _EIGHTHS), ("x.....x.x.......", _BACK, _EIGHTHS)
STYLES = {
    "folk": Style((4, 4), (80, 150), 0.5,
        ((_NO, "x...x.u...u.x.u."), (_NO, "x...x.u.x...x.u."), (_NO, "x...x...x...x.u.")),
        ("r.......f.......", "r.......r......."), _ROCK),
    "songwriter": Style((4, 4), (70, 130), 0.5,
        ((_NO, "x..x..x.x..x..x."), (_NO, "x.....xux.x.xux."), (_NO, "x..u..x.u.x..ux."),
         ("b.......b.......", "....x..u....x.uu")),
        ("r.....r.r.......", "r......rr......."), _ROCK, early=0.3),
    "rock": Style((4, 4), (95, 165), 0.5,
        ((_NO, _EIGHTHS), (_NO, "x..x..x...x.x..."), (_NO, "x.x.-.x.x.x.-.x."),
         (_NO, "x.......x.x.x...")),
        ("r.r.r.r.r.r.r.r.", "r...r...r...r.r."), _ROCK, sevenths=0.05, early=0.2),
    "funk": Style((4, 4), (88, 120), 0.5,
        ((_NO, "x..x.-u.-x..x.u."), (_NO, "-.x.-.x.-.xu-.x."), (_NO, "..x...x...x...xx"),
         (_NO, "....x..x....x..."), (_NO, "x-.-xu-.-x-.xu-.")),
        ("r..r....r.o..r..", "r.....r.o..r..f."),
        (("x..x......x..x..", _BACK, "xxxxxxxxxxxxxxxx"), ("x.x....x.xx.....", "....x..x.x..x...",
         _EIGHTHS)), sevenths=0.7, early=0.2),
    "reggae": Style((4, 4), (65, 95), 0.54,
        ((_NO, _OFF), (_NO, "..x...xu..x...xu"), (_NO, "..xx..xx..xx..xx")),
        ("r.....r.f.......", "....r.r.o...f..."),
        ((_HALF, _HALF, _EIGHTHS), (_FOUR, _HALF, _EIGHTHS))),
    "ska": Style((4, 4), (115, 170), 0.5, ((_NO, _OFF),), ("r...a...f...a...",),
        (("x.......x.......", _BACK, _OFF),)),
    "bossa": Style((4, 4), (60, 85), 0.5,
        (("b.......b.......", "x..x..x...x..x.."), ("b...b...b...b...", "x.x..x.x..x.x..."),
         ("b.....b.b.....b.", "..x..x....x..x..")),
        ("r.....f.f.....r.", "r......rf......."),
        (("x..xx..xx..xx..x", "x..x..x...x..x..", "xxxxxxxxxxxxxxxx"),), sevenths=0.9, early=0.4),
    "swing": Style((4, 4), (95, 180), 0.65,
        ((_NO, _FOUR), (_NO, "x.....x........."), (_NO, "......x.......x."),
         (_NO, "....x.....x....."), (_NO, "..x.......x...x."), (_NO, "......x.....x...")),
        ("r...a...f...a...", "r...f...o...a..."),
        ((_NO, "..........x.....", "x...x.x.x...x.x."),), sevenths=0.95, early=0.5),
    "country": Style((4, 4), (85, 140), 0.53,
        (("b.......b.......", "....x.......x..."), ("b.......b.......", "....x.u.....x.u.")),
        ("r.......f.......",), (("x.......x.......", _BACK, _EIGHTHS),), sevenths=0.0),
    "picking": Style((4, 4), (70, 125), 0.5,
        (("b...b...b...b...", "......a...a...a."), ("b...b...b...b...", "a.....a...a...a."),
         ("b.......b.......", "..a.a.a...a.a.a."), ("b...............", "..a.a.a.a.a.a.a.")),
        ("r.......r.......",), _ROCK),
    "ballad": Style((4, 4), (56, 85), 0.5,
        (("b.......b.......", "x...x...x...x..."), ("b...............", "..a.a.a.a.a.a.a."),
         (_NO, "x.......x.......")),
        ("r.......r.......", "r.....r.r......."), _ROCK, sevenths=0.3),
    "shuffle": Style((4, 4), (85, 150), 0.66,
        ((_NO, _EIGHTHS), (_NO, "x...x.u.x...x.u."), (_NO, "..x...x...x...x.")),
        ("r...a...f...a...", "r.r.r.r.r.r.r.r."), (("x.......x.......", _BACK, _EIGHTHS),),
        sevenths=0.6),
    "latin": Style((4, 4), (80, 120), 0.5,
        ((_NO, "x..x..x...x.x..."), (_NO, "x.x..x.x.x.x.x.x"), (_NO, "..x.x..x..x.x..x")),
        ("......r.....f...", "r.....f.....r..."),
        (("......x.....x...", "x..x..x...x.x...", _EIGHTHS),), sevenths=0.4, early=0.5),
    "house": Style((4, 4), (116, 134), 0.5,
        ((_NO, "x..x..x...x..x.."), (_NO, "..x...x...x...x."), (_NO, "x..............."),
         (_NO, "...x..x...x..x..")),
        ("..r...r...r...r.", "r.o.r.o.r.o.r.o.", "r..r..r...r..r.."),
        ((_FOUR, _BACK, _OFF), (_FOUR, _NO, _OFF), (_NO, _BACK, "xxxxxxxxxxxxxxxx"),
         (_FOUR, "...x..x....x..x.", _OFF)),
        ("aaaaaaaaaaaaaaaa", "a..a..a.a..a..a.", "a.a.a.a.a.a.a.a."), sevenths=0.5),
    "trance": Style((4, 4), (125, 150), 0.5,
        ((_NO, "x..............."), (_NO, "..x...x...x...x.")),
        ("..r...r...r...r.", ".rrr.rrr.rrr.rrr", "..rr..rr..rr..rr"),
        ((_FOUR, _BACK, _OFF), (_FOUR, _NO, "xxxxxxxxxxxxxxxx"), (_NO, _NO, _OFF)),
        ("aaaaaaaaaaaaaaaa", "a..a..a..a..a.a.")),
    "beats": Style((4, 4), (75, 105), 0.54,
        ((_NO, "x..............."), (_NO, "x.....x...x....."), (_NO, "..x...x...x...x.")),
        ("r..r......r.....", "r.....r...r....."),
        (("x..x..x...x.....", _BACK, _EIGHTHS), ("x......x.xx.....", _BACK, "xxxxxxxxxxxxxxxx"),
         ("x.........x..x..", _BACK, "x.xxx.x.x.xxx.xx")),
        ("a...a.a...a.a...", "a..a..a.a..a..a."), sevenths=0.5),
    "breaks": Style((4, 4), (80, 92), 0.5,  # drum and bass, counted as slowly as it is nodded to
        ((_NO, "x..............."),),
        ("r......r..r.....", "r..............."),
        (("x....x....x.....", "..x...x...x...x.", "xxxxxxxxxxxxxxxx"),
         ("x.........x.....", "..x..x....x...x.", "x.x.x.x.x.x.x.x.")),
        ("aaaaaaaaaaaaaaaa", "a..a..a.a..a..a.")),
    "halftime": Style((4, 4), (65, 80), 0.5,
        ((_NO, "x..............."), (_NO, "x.......x.......")),
        ("r.....r.........", "r..r..r........."),
        (("x.....x...x.....", _BACK, "xxxxxxxxxxxxxxxx"), ("x..x...x........", _BACK, _EIGHTHS)),
        ("a.a.a.a.a.a.a.a.",)),
    "waltz": Style((3, 4), (80, 170), 0.5,
        (("b...........", "....x...x..."), (_NO[:12], "x...x.u.x.u."),
         ("b...........", "..a.a.a.a.a."), (_NO[:12], "x.......x...")),
        ("r...........", "r.......f..."), (("x...........", "....x...x...", "x.x.x.x.x.x."),)),
    "jazz waltz": Style((3, 4), (95, 170), 0.64,
        ((_NO[:12], "x.....x....."), (_NO[:12], "....x...x..."), (_NO[:12], "..x...x.....")),
        ("r...a...f...", "r.......f..."), (("x...........", "......x.....", "x...x.x.x..."),),
        sevenths=0.9),
    "six eight": Style((6, 8), (45, 80), 0.5,
        (("b...........", "..a.a.a.a.a."), (_NO[:12], "x...u.x...u."), (_NO[:12], "x...u.x.u.u."),
         ("b.....b.....", "..x.x...x.x.")),
        ("r.....r.....", "r...........", "r.....f...r."),
        (("x...........", "......x.....", "x.x.x.x.x.x."),)),
    "slow blues": Style((12, 8), (48, 90), 0.5,
        ((_NO + _NO[:8], "x...u.x...u.x...u.x...u."), (_NO + _NO[:8], "x.x.x.x.x.x.x.x.x.x.x.x."),
         (_NO + _NO[:8], "......x.x.........x.x...")),
        ("r.....a.....f.....a.....", "r.....r.....r.....r....."),
        (("x...........x...........", "......x...........x.....", "x.x.x.x.x.x.x.x.x.x.x.x."),),
        sevenths=0.8),
}  # fmt: skip


def piece(rng: Rng) -> Piece:
    """A piece of one of `STYLES`, 40 bars, on instruments drawn for it."""
    style = STYLES[str(rng.choice([*STYLES]))]
    numerator, denominator = style.metre
    steps = 16 * numerator // denominator
    chords = _chords(style, rng)
    quarters = float(np.exp(rng.uniform(*np.log(style.bpm))))
    quarters *= 1.5 if denominator == 8 else 1.0
    early = style.early if rng.random() < 0.7 else 0.0
    program = int(rng.choice([4, 81, 89, 0, 50] if style.arps else [24, 25, 25, 26, 27, 27, 0, 4]))
    parts = [
        Track(_comp(style, chords, steps, early, rng), program),
        Track(_bass(style, chords, steps, rng), int(rng.choice([32, 33, 33, 34, 38]))),
        Track(_drums(style, steps, rng), 0, is_drum=True),
    ]
    if style.arps and rng.random() < 0.7:
        parts.append(Track(_arpeggio(style, chords, steps, rng), int(rng.choice([80, 81, 38, 5]))))
    return Piece(
        tuple(replace(part, notes=_swung(part.notes, style.swing)) for part in parts),
        RESOLUTION,
        (Tempo(0, quarters),),
        (Metre(0, numerator, denominator),),
        length_ticks=_BARS * steps * _SIXTEENTH,
    )


def _chords(style: Style, rng: Rng) -> list[list[int]]:
    """Pitch classes of the chord of each bar, the root first."""
    scale = np.array(_MINOR if rng.random() < 0.4 else _MAJOR)
    progression = _PROGRESSIONS[rng.integers(len(_PROGRESSIONS))]
    bars_a_chord = int(rng.choice([1, 1, 1, 2, 4] if style.arps else [1, 1, 1, 2]))
    has_seventh = rng.random(7) < style.sevenths
    found = []
    for bar in range(_BARS + 1):
        degree = progression[bar // bars_a_chord % len(progression)]
        degrees = degree + np.array([0, 2, 4, 6] if has_seventh[degree] else [0, 2, 4])
        found.append([int(pitch) for pitch in scale[degrees % 7]])
    return found


def _pattern(choices: Sequence[T], rng: Rng) -> list[T]:
    """A pattern for each bar: mostly the first that is drawn, now and then another."""
    usual = choices[int(rng.integers(len(choices)))]
    is_varied = rng.random(_BARS) < _VARIED_SHARE * (rng.random() < 0.6)
    return [choices[int(rng.integers(len(choices)))] if other else usual for other in is_varied]


def _strokes(pattern: str, sign: str, rng: Rng) -> str:
    """A pattern with strokes left out, and some of a sign added."""
    drawn = rng.random(len(pattern))
    return "".join(
        "." if stroke != "." and chance < _LEFT_OUT
        else sign if stroke == "." and chance > 1 - _ADDED and place % 2 == 0
        else stroke
        for place, (stroke, chance) in enumerate(zip(pattern, drawn, strict=True))
    )  # fmt: skip


def _loudness(place: int, rng: Rng) -> int:
    return int(np.clip(82 + 8 * (place % 8 == 0) - 6 * (place % 2) + rng.normal(0, 7), 30, 120))


def _comp(style: Style, chords: list[list[int]], steps: int, early: float, rng: Rng) -> np.ndarray:
    """The notes of who plays chords."""
    lowest, held = int(rng.integers(50, 60)), float(rng.choice([0.4, 0.8, 1.0, 3.0]))
    rows: list[tuple[int, int, int, int]] = []
    last = steps - 2
    for bar, (thumb, hand) in enumerate(_pattern(style.comps, rng)):
        comes_early = rng.random() < early
        hand, step_of_arpeggio = _strokes(hand, "u", rng), 0
        for place in range(steps):
            chord = chords[bar + 1] if comes_early and place >= last else chords[bar]
            upper = _voiced(chord, lowest)
            at, loud = (bar * steps + place) * _SIXTEENTH, _loudness(place, rng)
            following = next((n for n in range(1, steps) if hand[(place + n) % steps] != "."), 4)
            length = max(60, int(_SIXTEENTH * min(following, max(1.0, held * 2))))
            if thumb[place] == "b":
                fifth = place >= steps // 2 and rng.random() < 0.6
                pitch = lowest - 12 + (chord[2 if fifth else 0] - lowest) % 12
                rows.append((at, length, pitch, loud))
            stroke = hand[place]
            if stroke == "a":
                rows.append((at, length, upper[step_of_arpeggio % len(upper)], loud))
                step_of_arpeggio += 1
            elif stroke != ".":
                low = [lowest - 12 + (chord[0] - lowest) % 12] if "b" not in thumb else []
                pitches = upper[-2:] if stroke == "u" else low + upper
                if stroke == "-":
                    loud, length = loud - 25, 50
                rows += [(at, length, pitch, loud) for pitch in pitches]
    return _notes(rows)


def _voiced(chord: list[int], lowest: int) -> list[int]:
    """A chord in close position from a pitch on, ascending."""
    return sorted(lowest + (pitch - lowest) % 12 for pitch in chord)


def _bass(style: Style, chords: list[list[int]], steps: int, rng: Rng) -> np.ndarray:
    rows: list[tuple[int, int, int, int]] = []
    for bar, pattern in enumerate(_pattern(style.basses, rng)):
        chord = chords[bar]
        root = 28 + (chord[0] - 28) % 12
        fifth = root + (chord[2] - chord[0]) % 12
        pitches = {"r": root, "f": fifth, "o": root + 12}
        for place, stroke in enumerate(_strokes(pattern, "r", rng)):
            if stroke == ".":
                continue
            passing = root + (chord[1] - chord[0]) % 12
            at = (bar * steps + place) * _SIXTEENTH
            rows.append((at, 2 * _SIXTEENTH, pitches.get(stroke, passing), _loudness(place, rng)))
    return _notes(rows)


def _drums(style: Style, steps: int, rng: Rng) -> np.ndarray:
    rows: list[tuple[int, int, int, int]] = []
    for bar, patterns in enumerate(_pattern(style.drums, rng)):
        is_fill = bar % 8 == 7 and rng.random() < 0.3
        for (_, key), pattern in zip(_KEYS.items(), patterns, strict=True):
            for place, stroke in enumerate(_strokes(pattern, ".", rng)):
                if stroke != ".":
                    at = (bar * steps + place) * _SIXTEENTH
                    rows.append((at, 60, key, _loudness(place, rng)))
        if is_fill:
            for place in range(steps // 2, steps, int(rng.choice([1, 2]))):
                at = (bar * steps + place) * _SIXTEENTH
                rows.append((at, 60, int(rng.choice([38, 45, 48])), _loudness(place, rng)))
    return _notes(rows)


def _arpeggio(style: Style, chords: list[list[int]], steps: int, rng: Rng) -> np.ndarray:
    lowest, turn = int(rng.integers(60, 74)), int(rng.choice([1, -1, 3]))
    rows: list[tuple[int, int, int, int]] = []
    for bar, pattern in enumerate(_pattern(style.arps, rng)):
        upper = _voiced(chords[bar], lowest)
        upper = [*upper, upper[0] + 12]
        strokes = [place for place, stroke in enumerate(pattern) if stroke == "a"]
        for number, place in enumerate(strokes):
            at = (bar * steps + place) * _SIXTEENTH
            rows.append((at, 100, upper[turn * number % len(upper)], _loudness(place, rng)))
    return _notes(rows)


def _notes(rows: list[tuple[int, int, int, int]]) -> np.ndarray:
    """Rows of onset, duration, pitch and velocity, none twice at once, as a table of notes."""
    once = {(onset, pitch): (onset, length, pitch, loud) for onset, length, pitch, loud in rows}
    return np.array(sorted(once.values()), NOTE_DTYPE)


def _swung(notes: np.ndarray, swing: float) -> np.ndarray:
    """Notes whose half beats lie at ``swing`` of a quarter."""
    moved = notes.copy()
    ends = notes["onset"] + notes["duration"]
    places = np.array([0, RESOLUTION // 2, RESOLUTION])
    swung = np.array([0, swing * RESOLUTION, RESOLUTION])
    for ticks, name in ((notes["onset"], "onset"), (ends, "duration")):
        whole, within = np.divmod(ticks, RESOLUTION)
        moved[name] = whole * RESOLUTION + np.rint(np.interp(within, places, swung)).astype(int)
    moved["duration"] = np.maximum(30, moved["duration"] - moved["onset"])
    return moved
