"""Note and chord tokens: whatever starts together is one word, and time is left out.

The representation of `lakh-lstm`, common to many published note generators. A note alone is its
pitch name ("C5", "F#3"); notes that start together are the normal order of their pitch classes,
joined by dots ("0.4.7" for C major in any position), or one pitch class ("0") for octaves. All
pitched parts make one row of tokens; drums are left out. A token is played for a fixed step.

Tokens and their order survive: ``encode(decode(tokens)).tokens == tokens``. What a piece loses is
counted in `Losses`: rhythm, rests, lengths, loudness, tempo, parts, drums, octaves of chords.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ritornello.errors import InputError
from ritornello.music.note_tables import note_table
from ritornello.music.piece import Piece, Tempo, Track

STEP_BEATS = 0.5  # as in the published systems of this kind: an eighth note a token
_RESOLUTION = 24
_CHORD_OCTAVE = 60  # pitch classes are sounded from middle C
_VELOCITY = 80
_CLASS_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_NAMES = tuple(f"{_CLASS_NAMES[pitch % 12]}{pitch // 12 - 1}" for pitch in range(128))
_PITCHES = {name: pitch for pitch, name in enumerate(_NAMES)}
_SPELLING = re.compile(r"([A-G])(b{1,2}|-{1,2}|#{0,2})(-?\d+)")
_CHORD = re.compile(r"\d{1,2}(\.\d{1,2})*")
# Onsets move to the nearest sixteenth or triplet eighth, as music21 does with MIDI by default.
_POINTS = np.array([0, 6, 8, 12, 16, 18, 24])
_SNAPPED = np.array([_POINTS[np.abs(_POINTS - tick).argmin()] for tick in range(_RESOLUTION)])


class Losses(NamedTuple):
    """What tokens do not tell of a piece.

    notes, parts: of the piece, drums included. drum_notes: left out.
    doubled: notes that another part strikes at the same time and pitch.
    chord_notes: notes in chords, whose octaves and doublings are lost.
    uneven: tokens that do not last the fixed step until the next.
    rests: tokens followed by silence before the next.
    """

    notes: int
    parts: int
    drum_notes: int
    doubled: int
    chord_notes: int
    uneven: int
    rests: int


@dataclass(frozen=True)
class Encoded:
    """The tokens of a piece in order, and what they leave out."""

    tokens: list[str]
    losses: Losses


def normal_order(pitch_classes: Iterable[int]) -> tuple[int, ...]:
    """Pitch classes in their most compact order (Forte 1973, section 1.2).

    Of all rotations the one with the smallest span; of several, the one whose second note lies
    nearest to the first, then the third, ...; of those alike, the one that starts lowest.
    """
    ordered = sorted({pitch_class % 12 for pitch_class in pitch_classes})
    rotations = [(*ordered[start:], *ordered[:start]) for start in range(len(ordered))]

    def compactness(rotation: tuple[int, ...]) -> tuple[int, ...]:
        above = [(pitch_class - rotation[0]) % 12 for pitch_class in rotation]
        return above[-1], *above, rotation[0]

    return min(rotations, key=compactness, default=())


def token_of(pitches: Iterable[int]) -> str:
    """The token of notes (MIDI pitches) that start together."""
    distinct = set(pitches)
    if len(distinct) == 1:
        return _NAMES[distinct.pop()]
    return ".".join(map(str, normal_order(distinct)))


def pitches_of(token: str) -> tuple[int, ...]:
    """MIDI pitches a token is played as: the note, or a chord from middle C up.

    Names with flats ("Eb4", or "E-4" as music21 writes it) are read too; "E-1" is E of octave -1.

    Raises:
        InputError: if the text is no pitch name and no chord.
    """
    if token in _PITCHES:
        return (_PITCHES[token],)
    if _CHORD.fullmatch(token):
        classes = sorted({int(number) for number in token.split(".")})
        if classes[-1] < 12:
            octave = [_CHORD_OCTAVE + 12 + classes[0]] if len(classes) == 1 else []
            return (*(_CHORD_OCTAVE + number for number in classes), *octave)
    elif spelled := _SPELLING.fullmatch(token):
        letter, accidentals, octave_number = spelled.groups()
        sharpened = len(accidentals) * (1 if "#" in accidentals else -1)
        pitch = 12 * (int(octave_number) + 1) + _CLASS_NAMES.index(letter) + sharpened
        if 0 <= pitch < 128:
            return (pitch,)
    raise InputError(
        f"{token!r} is no token.",
        next_step="Write a note as C5 or F#3 and a chord as pitch classes 0 to 11, as in 0.4.7.",
    )


def encode(piece: Piece, *, step_beats: float = STEP_BEATS) -> Encoded:
    """The tokens of a piece.

    Args:
        piece: any; one without pitched notes has no tokens.
        step_beats: the fixed step, in quarter notes; only `Losses.uneven` depends on it.
    """
    piece = piece.at_resolution(_RESOLUTION)
    pitched = [track.notes for track in piece.tracks if not track.is_drum]
    notes = np.concatenate(pitched) if pitched else note_table([])
    ends = notes["onset"] + notes["duration"]
    onsets = notes["onset"] // _RESOLUTION * _RESOLUTION + _SNAPPED[notes["onset"] % _RESOLUTION]
    order = np.lexsort((notes["pitch"], onsets))
    onsets, pitches, ends = onsets[order], notes["pitch"][order], ends[order]
    starts = np.flatnonzero(np.diff(onsets, prepend=-1))
    groups = [set(group.tolist()) for group in np.split(pitches, starts[1:])] if len(starts) else []
    distances = np.diff(onsets[starts])
    sounding = np.maximum.accumulate(ends)[starts[1:] - 1]
    return Encoded(
        [token_of(group) for group in groups],
        Losses(
            notes=piece.note_count,
            parts=sum(map(bool, map(len, piece.tracks))),
            drum_notes=piece.note_count - len(notes),
            doubled=len(notes) - sum(map(len, groups)),
            chord_notes=sum(len(group) for group in groups if len(group) > 1),
            uneven=int((distances != step_beats * _RESOLUTION).sum()),
            rests=int((sounding < onsets[starts[1:]]).sum()),
        ),
    )


def decode(
    tokens: Sequence[str], *, step_beats: float = STEP_BEATS, bpm: float = 120.0, title: str = ""
) -> Piece:
    """Tokens as a piece for piano, one every ``step_beats`` quarter notes.

    Raises:
        InputError: if a token cannot be read.
    """
    step = max(1, round(step_beats * _RESOLUTION))
    notes = [
        (index * step, step, pitch, _VELOCITY)
        for index, token in enumerate(tokens)
        for pitch in pitches_of(token)
    ]
    return Piece(
        (Track(note_table(notes), name="piano"),),
        _RESOLUTION,
        (Tempo(0, bpm),),
        length_ticks=len(tokens) * step,
        title=title,
    )


@dataclass(frozen=True)
class Vocabulary:
    """The tokens a network knows; their place in the sorted list is their id.

    Attributes:
        counts: of each known token in the training songs, ids in order of the keys.
        dropped: rare tokens that were left out on purpose, with their counts.
    """

    counts: dict[str, int]
    dropped: dict[str, int]

    @classmethod
    def learn(cls, songs: Iterable[Sequence[str]], *, least: int = 1) -> Vocabulary:
        """Every token that the songs hold at least so many times.

        Raises:
            InputError: if there is none.
        """
        found = Counter(token for song in songs for token in song)
        kept = {token: found[token] for token in sorted(found) if found[token] >= least}
        if not kept:
            raise InputError(
                f"No note or chord is found {least} times or more in the songs.",
                next_step="Give more songs, or lower the least count.",
            )
        return cls(kept, {token: count for token, count in found.items() if token not in kept})

    def __len__(self) -> int:
        return len(self.counts)

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        return tuple(self.counts)

    @cached_property
    def ids(self) -> dict[str, int]:
        return {token: index for index, token in enumerate(self.tokens)}

    def spelt(self, ids: Iterable[int]) -> list[str]:
        """The tokens of ids."""
        return [self.tokens[index] for index in ids]

    def thinned(self, tokens: Sequence[str]) -> np.ndarray:
        """Ids of the known tokens, int64 [known]; unknown ones are left out, as in training."""
        return np.array([self.ids[token] for token in tokens if token in self.ids], np.int64)

    def replaced(self, tokens: Sequence[str]) -> tuple[np.ndarray, dict[str, str]]:
        """Ids of tokens, int64 [tokens], each unknown one replaced by the nearest known one.

        Returns:
            The ids, and what was replaced by what; `warning` says it to a person.

        Raises:
            InputError: if a token cannot be read at all.
        """
        by_whom = {token: self.nearest(token) for token in tokens if token not in self.ids}
        ids = [self.ids[by_whom.get(token, token)] for token in tokens]
        return np.array(ids, np.int64), by_whom

    def nearest(self, token: str) -> str:
        """The known token that sounds most alike.

        A note for a note and a chord for a chord, if there are any; then the fewest pitch classes
        added or taken away, then the nearest in pitch, then the most frequent.
        """
        wanted = pitches_of(token)

        def distance(known: str) -> tuple[bool, int, float, int]:
            pitches = pitches_of(known)
            other = {pitch % 12 for pitch in wanted} ^ {pitch % 12 for pitch in pitches}
            gap = abs(sum(wanted) / len(wanted) - sum(pitches) / len(pitches))
            different = (len(wanted) == 1) != (len(pitches) == 1)
            return different, len(other), gap, -self.counts[known]

        return min(self.tokens, key=distance)


def warning(replaced: dict[str, str]) -> str:
    """A sentence that names unknown tokens and what stands for them; empty without any."""
    if not replaced:
        return ""
    pairs = ", ".join(f"{known} for {token}" for token, known in sorted(replaced.items()))
    return f"{len(replaced)} unknown in the training songs, played by the nearest known: {pairs}."
