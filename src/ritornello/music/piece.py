"""A piece of music: tracks of notes on an integer tick grid, with tempo, metre and key maps.

Everything else in ritornello reads or makes a `Piece`. It is frozen: each change is a new value.
Time is in ticks; ``resolution`` ticks make a quarter note.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ritornello.errors import InputError
from ritornello.hooks import lent
from ritornello.music.instruments import INSTRUMENTS, instrument_index
from ritornello.music.keys import KeyName

NOTE_DTYPE = np.dtype(
    [("onset", np.int64), ("duration", np.int64), ("pitch", np.int16), ("velocity", np.int16)]
)
_MAX_TICKS = 2**40
_NOTE_LIMITS = (
    ("onset", 0, _MAX_TICKS),
    ("duration", 1, _MAX_TICKS),
    ("pitch", 0, 127),
    ("velocity", 1, 127),
)
DEFAULT_RESOLUTION = 480
DEFAULT_TEMPO_BPM = 120.0


class Note(NamedTuple):
    """One note. ``pitch`` is a MIDI number (60 = middle C), ``velocity`` is 1-127."""

    onset_ticks: int
    duration_ticks: int
    pitch: int
    velocity: int


class Tempo(NamedTuple):
    """From ``tick`` on, ``bpm`` quarter notes a minute."""

    tick: int
    bpm: float


class Metre(NamedTuple):
    """From ``tick`` on, bars of ``numerator`` notes of value 1/``denominator``."""

    tick: int
    numerator: int
    denominator: int

    def bar_ticks(self, resolution: int) -> int:
        return max(1, resolution * 4 * self.numerator // self.denominator)

    def beat_ticks(self, resolution: int) -> int:
        """One felt beat: a dotted value in compound metres (6/8, 12/8), else the denominator."""
        compound = self.denominator >= 8 and self.numerator > 3 and self.numerator % 3 == 0
        return max(1, resolution * 4 * (3 if compound else 1) // self.denominator)


class KeyChange(NamedTuple):
    """From ``tick`` on, the key."""

    tick: int
    key: KeyName


def note_table(notes: Iterable[tuple[int, int, int, int]] | np.ndarray) -> np.ndarray:
    """Rows of (onset, duration, pitch, velocity) as a sorted, read-only `NOTE_DTYPE` array."""
    if isinstance(notes, np.ndarray) and notes.dtype == NOTE_DTYPE:
        table = notes.copy()
    else:
        table = np.array([tuple(note) for note in notes], dtype=NOTE_DTYPE)
    table = table[note_order(table)]
    table.flags.writeable = False
    return table


def note_order(table: np.ndarray) -> np.ndarray:
    """Indices that sort a `NOTE_DTYPE` table by (onset, pitch, duration, velocity), stably."""
    return np.lexsort([table[key] for key in ("velocity", "duration", "pitch", "onset")])


@dataclass(frozen=True, eq=False)
class Track:
    """The notes of one player.

    Attributes:
        notes: `NOTE_DTYPE` [notes], sorted by (onset, pitch, duration, velocity); any iterable
            of (onset, duration, pitch, velocity) is accepted.
        program: General MIDI program, 0-127; ignored by drums.
        is_drum: pitches are General MIDI percussion keys.
        name: what a player would call the part; may be empty.

    Raises:
        InputError: if a note or the program is out of range.
    """

    notes: np.ndarray
    program: int = 0
    is_drum: bool = False
    name: str = ""

    def __post_init__(self) -> None:
        table = note_table(self.notes)
        object.__setattr__(self, "notes", table)
        where = self.name or "track"
        if not 0 <= self.program <= 127:
            raise InputError(f"Programs are 0 to 127; found {self.program}.", where=where)
        for name, low, high in _NOTE_LIMITS:
            wrong = (table[name] < low) | (table[name] > high)
            if wrong.any():
                found = int(table[name][wrong][0])
                raise InputError(f"A note's {name} is {low} to {high}; found {found}.", where=where)

    @classmethod
    def of_table(
        cls, table: np.ndarray, program: int = 0, is_drum: bool = False, name: str = ""
    ) -> Track:
        """A track of a table that is sorted, read-only and within limits already.

        For readers that made sure of it for all tracks at once: nothing is checked or copied.
        """
        track = cls.__new__(cls)
        track.__dict__.update(notes=table, program=program, is_drum=is_drum, name=name)
        return track

    def __len__(self) -> int:
        return len(self.notes)

    def __iter__(self) -> Iterator[Note]:
        return (Note(*map(int, row)) for row in self.notes)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Track)
            and (self.name, self.is_drum) == (other.name, other.is_drum)
            and (self.is_drum or self.program == other.program)
            and np.array_equal(self.notes, other.notes)
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def instrument(self) -> int:
        """Index into `ritornello.music.instruments.INSTRUMENTS`."""
        return instrument_index(self.program, self.is_drum)

    @property
    def label(self) -> str:
        return self.name or INSTRUMENTS[self.instrument].name

    @property
    def end_ticks(self) -> int:
        return int((self.notes["onset"] + self.notes["duration"]).max()) if len(self) else 0


@dataclass(frozen=True)
class Piece:
    """A piece of music.

    Attributes:
        tracks: the parts, in score order.
        resolution: ticks a quarter note.
        tempos, metres: sorted, one at tick 0 each (120 bpm and 4/4 are put there if absent).
        keys: sorted; may be empty.
        length_ticks: where the piece ends; at least the end of the last note.
        title: may be empty.

    Raises:
        InputError: if a map or a number is out of range.
    """

    tracks: tuple[Track, ...]
    resolution: int = DEFAULT_RESOLUTION
    tempos: tuple[Tempo, ...] = ()
    metres: tuple[Metre, ...] = ()
    keys: tuple[KeyChange, ...] = ()
    length_ticks: int = field(default=0)
    title: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.resolution <= 32767:
            raise InputError(f"Resolution is 1 to 32767 ticks a quarter; found {self.resolution}.")
        for tempo in self.tempos:
            if not 1 <= tempo.bpm <= 10_000:
                raise InputError(f"Tempo is 1 to 10000 bpm; found {tempo.bpm:g}.")
        for metre in self.metres:
            power = metre.denominator > 0 and metre.denominator & (metre.denominator - 1) == 0
            if not (1 <= metre.numerator <= 255 and power and metre.denominator <= 64):
                raise InputError(f"{metre.numerator}/{metre.denominator} is not a metre.")
        for changes in (self.tempos, self.metres, self.keys):
            if any(tick < 0 for tick, *_ in changes):
                raise InputError("Tempo, metre or key changes before the piece begins.")
        set_field = object.__setattr__
        set_field(self, "tracks", tuple(self.tracks))
        set_field(self, "tempos", _from_zero(self.tempos, Tempo(0, DEFAULT_TEMPO_BPM)))
        set_field(self, "metres", _from_zero(self.metres, Metre(0, 4, 4)))
        set_field(self, "keys", tuple(sorted(self.keys, key=lambda change: change.tick)))
        end = max((track.end_ticks for track in self.tracks), default=0)
        set_field(self, "length_ticks", max(end, self.length_ticks))

    __hash__ = None  # type: ignore[assignment]

    # --- sizes -----------------------------------------------------------------------------

    @property
    def note_count(self) -> int:
        return sum(len(track) for track in self.tracks)

    @property
    def length_beats(self) -> float:
        """Length in quarter notes."""
        return self.length_ticks / self.resolution

    @property
    def duration_seconds(self) -> float:
        return float(self.ticks_to_seconds(np.array([self.length_ticks]))[0])

    @property
    def bar_count(self) -> int:
        return len(self.bar_starts_ticks())

    def bar_starts_ticks(self) -> np.ndarray:
        """Tick of each bar line before the end, int64 [bars]; a new metre starts a new bar."""
        starts: list[np.ndarray] = []
        ends = [metre.tick for metre in self.metres[1:]] + [self.length_ticks]
        for metre, end in zip(self.metres, ends, strict=True):
            starts.append(
                np.arange(metre.tick, min(end, self.length_ticks), metre.bar_ticks(self.resolution))
            )
        return np.concatenate(starts) if starts else np.zeros(0, np.int64)

    def ticks_to_seconds(self, ticks: np.ndarray) -> np.ndarray:
        """Seconds from the start at each tick, through the tempo map; float64, same shape."""
        at = np.array([tempo.tick for tempo in self.tempos], float)
        seconds_per_tick = np.array([60 / (tempo.bpm * self.resolution) for tempo in self.tempos])
        start_seconds = np.concatenate([[0.0], np.cumsum(np.diff(at) * seconds_per_tick[:-1])])
        index = np.searchsorted(at, ticks, side="right") - 1
        return start_seconds[index] + (np.asarray(ticks) - at[index]) * seconds_per_tick[index]

    # --- changes ---------------------------------------------------------------------------

    def at_resolution(self, resolution: int) -> Piece:
        """The same piece on another grid; onsets and ends are rounded, no note becomes empty."""
        if resolution == self.resolution:
            return self

        def moved(ticks: Any) -> Any:
            return (np.asarray(ticks) * resolution * 2 + self.resolution) // (2 * self.resolution)

        def regrid(track: Track) -> Track:
            notes = track.notes.copy()
            ends = moved(notes["onset"] + notes["duration"])
            notes["onset"] = moved(notes["onset"])
            notes["duration"] = np.maximum(1, ends - notes["onset"])
            return replace(track, notes=notes)

        return replace(
            self,
            resolution=resolution,
            tracks=tuple(regrid(track) for track in self.tracks),
            tempos=tuple(tempo._replace(tick=int(moved(tempo.tick))) for tempo in self.tempos),
            metres=tuple(metre._replace(tick=int(moved(metre.tick))) for metre in self.metres),
            keys=tuple(change._replace(tick=int(moved(change.tick))) for change in self.keys),
            length_ticks=int(moved(self.length_ticks)),
        )

    def transposed(self, semitones: int) -> Piece:
        """Every pitched track moved; drums stay.

        Raises:
            InputError: if a note would leave 0-127.
        """

        def move(track: Track) -> Track:
            if track.is_drum:
                return track
            notes = track.notes.copy()
            notes["pitch"] += semitones
            return replace(track, notes=notes)

        keys = tuple(
            KeyChange(tick, replace(key, tonic=(key.tonic + semitones) % 12))
            for tick, key in self.keys
        )
        return replace(self, tracks=tuple(move(track) for track in self.tracks), keys=keys)

    # --- verbs of upper rooms, see `ritornello.hooks` ------------------------------------------

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the piece; the file's ending chooses the format (mid, musicxml, wav, png, ...)."""
        return Path(lent("save")(self, path, overwrite=overwrite))

    def to(self, library: str) -> Any:
        """This piece as an object of symusic, pretty_midi, music21 or pypianoroll."""
        return lent("to_library")(self, library)

    def _repr_html_(self) -> str:
        return str(lent("notebook_html")(self))


def _from_zero(changes: Iterable[Any], default: Any) -> tuple[Any, ...]:
    """Sorted by tick, the last change at a tick wins, and one stands at tick 0."""
    at: dict[int, Any] = {}
    for change in sorted(changes, key=lambda change: change.tick):
        at[change.tick] = change
    if 0 not in at:
        first = next(iter(at.values()), default)
        at[0] = first._replace(tick=0) if isinstance(first, Tempo) else default
    return tuple(at[tick] for tick in sorted(at))
