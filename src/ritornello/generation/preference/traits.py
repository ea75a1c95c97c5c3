"""What can be heard of a piece, as numbers with names: how busy, how high, what returns, who plays.

A trait that a piece lacks, such as the pitch of the bass where there is none, is nan.
"""

from __future__ import annotations

import numpy as np

from ritornello.music.instruments import INSTRUMENTS
from ritornello.music.keys import SCALES, estimate_key
from ritornello.music.piece import Piece
from ritornello.plan.bar_strokes import RESOLUTION, Shared, Strokes

# How each is said of what somebody likes: more of it, and less of it.
TRAITS: dict[str, tuple[str, str]] = {
    "notes_per_beat": ("more notes a beat", "fewer notes a beat"),
    "pitched_notes_per_beat": ("busier melodies and chords", "calmer melodies and chords"),
    "drum_notes_per_beat": ("busier drums", "calmer drums"),
    "in_scale": ("more notes of one scale", "more notes outside of one scale"),
    "pitch_classes": ("more colourful harmony", "plainer harmony"),
    "mean_pitch": ("a higher register", "a lower register"),
    "highest_pitch": ("higher tops", "lower tops"),
    "lowest_pitch": ("a higher bass", "a deeper bass"),
    "pitch_range": ("a wider range", "a narrower range"),
    "melody_step": ("larger leaps in the melody", "smaller steps in the melody"),
    "duration": ("longer notes", "shorter notes"),
    "loudness": ("louder playing", "softer playing"),
    "loudness_spread": ("more contrast in loudness", "more even loudness"),
    "off_beat": ("more off the beat", "more on the beat"),
    "chord_size": ("fuller chords", "thinner chords"),
    "next_bar_same": ("bars that repeat at once", "bars that differ from the one before"),
    "returns_near": ("bars that return after two or four", "fewer returns after two or four bars"),
    "returns_far": ("sections that return", "sections that are always new"),
    "looped": ("loops", "fewer loops"),
    "silent_beats": ("more silence", "less silence"),
    "playing": ("more players at a time", "fewer players at a time"),
    "playing_change": ("players who come and go", "players who play throughout"),
    "parts": ("larger bands", "smaller bands"),
    "tempo": ("faster tempi", "slower tempi"),
    "minor": ("minor", "major"),
    **{
        f"share_of_{name}": (f"more {name}", f"less {name}")
        for name in ("drums", "bass", "keys", "guitars", "strings", "winds", "voices_and_leads")
    },
}
_FAMILIES = {
    "drums": ("drums", "timpani"),
    "bass": ("bass", "double bass"),
    "keys": ("piano", "harpsichord", "organ", "accordion", "mallets"),
    "guitars": ("guitar", "electric guitar", "distortion guitar", "plucked", "harp"),
    "strings": ("strings", "violin", "viola", "cello"),
    "winds": (
        *("tuba", "bassoon", "trombone", "horn", "brass", "trumpet", "saxophone"),
        *("clarinet", "oboe", "flute"),
    ),
    "voices_and_leads": ("voice", "lead", "pad", "effects"),
}
_FAMILY_OF = np.array(
    [
        next(n for n, (_, names) in enumerate(_FAMILIES.items()) if one.name in names)
        for one in INSTRUMENTS
    ]
)
_ALIKE = 0.8  # as bars are called the same in `ritornello.metrics`
_NEAR, _FAR = (2, 4), 8
_MAJOR = np.array([number in SCALES["major"] for number in range(12)], float)
_LEAST_PER_BEAT = 1 / 64
_DRUM_PITCH = 128


def traits_of(piece: Piece) -> np.ndarray:
    """The traits of a piece, float64 [len(TRAITS)], in their order."""
    strokes = Strokes.of(piece)
    if not len(strokes.bar):
        return np.full(len(TRAITS), np.nan)
    beats = float(strokes.bar_lengths.sum()) / RESOLUTION
    is_drum = strokes.pitch >= _DRUM_PITCH
    pitched = ~is_drum
    pitch = strokes.pitch[pitched].astype(float)
    counts = strokes.counts
    plays = counts > 0
    found = {
        "notes_per_beat": _rate(len(strokes.bar), beats),
        "pitched_notes_per_beat": _rate(int(pitched.sum()), beats),
        "drum_notes_per_beat": _rate(int(is_drum.sum()), beats) if is_drum.any() else np.nan,
        **_pitches(pitch),
        "melody_step": _melody_step(strokes),
        "duration": float(np.log2(strokes.duration[pitched]).mean()) if len(pitch) else np.nan,
        "loudness": float(strokes.velocity.mean()),
        "loudness_spread": float(strokes.velocity.std()),
        "off_beat": float((strokes.tick % RESOLUTION != 0).mean()),
        "chord_size": _chord_size(strokes, pitched),
        **_returns(strokes),
        "silent_beats": _silent_beats(strokes),
        "playing": float(plays.sum(axis=1).mean()),
        "playing_change": float(np.abs(np.diff(plays.astype(float), axis=0)).mean())
        if strokes.bars > 1
        else np.nan,
        "parts": float(len(strokes.players)),
        "tempo": float(np.log2(np.mean([tempo.bpm for tempo in piece.tempos]))),
        "minor": _is_minor(piece, pitch),
    }
    by_player = np.array([player.instrument for player in strokes.players])
    family = _FAMILY_OF[by_player[strokes.player]]
    shares = np.bincount(family, minlength=len(_FAMILIES)) / len(family)
    found |= {f"share_of_{name}": float(s) for name, s in zip(_FAMILIES, shares, strict=True)}
    return np.array([found[name] for name in TRAITS])


def _rate(notes: int, beats: float) -> float:
    """Notes a beat, as a logarithm: twice as many are as far from as many as half."""
    return float(np.log2(max(notes / beats, _LEAST_PER_BEAT)))


def _pitches(pitch: np.ndarray) -> dict[str, float]:
    names = ("mean_pitch", "highest_pitch", "lowest_pitch", "pitch_range")
    if not len(pitch):
        return dict.fromkeys((*names, "in_scale", "pitch_classes"), np.nan)
    low, high = np.percentile(pitch, (5, 95))
    weights = np.bincount(pitch.astype(int) % 12, minlength=12) / len(pitch)
    scales = np.stack([np.roll(_MAJOR, tonic) for tonic in range(12)])
    present = weights[weights > 0]
    values = (pitch.mean(), high, low, high - low)
    return {
        **{name: float(value) for name, value in zip(names, values, strict=True)},
        "in_scale": float((scales @ weights).max()),
        "pitch_classes": float(-(present * np.log2(present)).sum()),
    }


def _melody_step(strokes: Strokes) -> float:
    """Mean distance in semitones from note to note of the highest part."""
    is_pitched = strokes.pitch < _DRUM_PITCH
    means = [
        float(strokes.pitch[is_pitched & (strokes.player == number)].mean())
        if (is_pitched & (strokes.player == number)).any()
        else -1.0
        for number in range(len(strokes.players))
    ]
    melody = strokes.pitch[is_pitched & (strokes.player == int(np.argmax(means)))]
    return float(np.abs(np.diff(melody)).mean()) if len(melody) > 1 else np.nan


def _chord_size(strokes: Strokes, pitched: np.ndarray) -> float:
    """Mean notes that begin together in the pitched parts."""
    if not pitched.any():
        return np.nan
    onsets = strokes.bar_starts[strokes.bar[pitched]] + strokes.tick[pitched]
    return float(pitched.sum() / len(np.unique(onsets)))


def _returns(strokes: Strokes) -> dict[str, float]:
    shared = Shared.of(strokes)
    same = shared.alike >= _ALIKE
    played = strokes.counts.sum(axis=1) > 0

    def share(distances: tuple[int, ...] | slice, first: int) -> float:
        bars = played[first:]
        again: np.ndarray = np.asarray(same[first:, distances].any(axis=1))
        return float(again[bars].mean()) if bars.any() else np.nan

    twice = same[:, 1] & np.append(False, same[:-1, 1])
    return {
        "next_bar_same": share((1,), 1),
        "returns_near": share(_NEAR, _NEAR[0]),
        "returns_far": share(slice(_FAR, None), _FAR),
        "looped": float(twice.mean()),
    }


def _silent_beats(strokes: Strokes) -> float:
    """Share of the beats in which nothing begins."""
    beats = int(strokes.bar_lengths.sum()) // RESOLUTION
    at = (strokes.bar_starts[strokes.bar] + strokes.tick) // RESOLUTION
    return 1 - len(np.unique(at)) / max(beats, 1)


def _is_minor(piece: Piece, pitch: np.ndarray) -> float:
    if piece.keys:
        return float(piece.keys[0].key.is_minor)
    key = estimate_key(np.bincount(pitch.astype(int) % 12, minlength=12).astype(float))
    return np.nan if key is None else float(key.is_minor)
