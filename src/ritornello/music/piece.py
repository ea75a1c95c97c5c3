"""A piece of music: tracks of notes on an integer tick grid, with tempo, metre and key maps.

Everything else in ritornello reads or makes a `Piece`. It is frozen: each change is a new value.
Time is in ticks; ``resolution`` ticks make a quarter note.

Beside its notes a track holds how they are played (controllers, bends, pressure) and what a score
prints at them (lyrics, marks); a piece holds chord symbols, markers, cue points, texts and who
made it. All of that is empty where nothing is said, and every change of a piece carries it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from operator import itemgetter
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ritornello.errors import InputError
from ritornello.hooks import lent
from ritornello.music.changes import from_zero, retimed
from ritornello.music.chords import transposed_symbol
from ritornello.music.events import (
    ChordSymbol,
    KeyChange,
    Lyric,
    Mark,
    Metre,
    Note,
    Tempo,
    Text,
)
from ritornello.music.instruments import INSTRUMENTS, instrument_index
from ritornello.music.note_tables import (
    ALL_PITCHES,
    NO_BENDS,
    NO_CONTROLS,
    NO_PRESSURES,
    NOTE_LIMITS,
    PLAYING,
    Rows,
    check_limits,
    event_table,
    note_table,
)

__all__ = [
    "DEFAULT_RESOLUTION",
    "DEFAULT_TEMPO_BPM",
    "ChordSymbol",
    "KeyChange",
    "Lyric",
    "Mark",
    "Metre",
    "Note",
    "Piece",
    "Tempo",
    "Text",
    "Track",
]

DEFAULT_RESOLUTION = 480
DEFAULT_TEMPO_BPM = 120.0
_tick_of = itemgetter(0)


_USUAL_TEMPO, _USUAL_METRE = Tempo(0, DEFAULT_TEMPO_BPM), Metre(0, 4, 4)


@dataclass(frozen=True, eq=False)
class Track:
    """The notes of one player, how they are played, and what a score prints at them.

    Attributes:
        notes: `NOTE_DTYPE` [notes], sorted by (onset, pitch, duration, velocity); any iterable
            of (onset, duration, pitch, velocity) is accepted.
        program: General MIDI program, 0-127; of drums the kit, which their equality ignores.
        is_drum: pitches are General MIDI percussion keys.
        name: what a player would call the part; may be empty.
        controls: `CONTROL_DTYPE` [changes], controllers as MIDI numbers them, in order of time,
            see `ritornello.music.controls`; any iterable of (tick, number, value).
        bends: `BEND_DTYPE` [changes], pitch bends from -8192 to 8191; the range in semitones is
            set by controllers, 2 where nothing is said.
        pressures: `PRESSURE_DTYPE` [changes], aftertouch of a pitch or of `ALL_PITCHES`.
        lyrics: sorted by (tick, verse).
        marks: sorted.
        player: tracks of the same number above 0 are one part whose instrument changes: MIDI
            writes them as one track on one channel. 0 is a part of its own.

    Raises:
        InputError: if a note, the program or another number is out of range.
    """

    notes: np.ndarray
    program: int = 0
    is_drum: bool = False
    name: str = ""
    controls: np.ndarray = field(default_factory=lambda: NO_CONTROLS)
    bends: np.ndarray = field(default_factory=lambda: NO_BENDS)
    pressures: np.ndarray = field(default_factory=lambda: NO_PRESSURES)
    lyrics: tuple[Lyric, ...] = ()
    marks: tuple[Mark, ...] = ()
    player: int = 0

    if TYPE_CHECKING:  # what is accepted; what is kept stands above

        def __init__(
            self,
            notes: Rows,
            program: int = 0,
            is_drum: bool = False,
            name: str = "",
            controls: Rows = NO_CONTROLS,
            bends: Rows = NO_BENDS,
            pressures: Rows = NO_PRESSURES,
            lyrics: tuple[Lyric, ...] = (),
            marks: tuple[Mark, ...] = (),
            player: int = 0,
        ) -> None: ...

    def __post_init__(self) -> None:
        set_field = object.__setattr__
        table = note_table(self.notes)
        set_field(self, "notes", table)
        where = self.name or "track"
        if not 0 <= self.program <= 127:
            raise InputError(f"Programs are 0 to 127; found {self.program}.", where=where)
        check_limits(table, NOTE_LIMITS, "A note's", where)
        for name, (dtype, limits) in PLAYING.items():
            events = event_table(getattr(self, name), dtype)
            if len(events):
                check_limits(events, limits, f"Of {name} a", where)
            set_field(self, name, events)
        if self.lyrics:
            by_place = sorted(self.lyrics, key=lambda lyric: (lyric.tick, lyric.verse))
            set_field(self, "lyrics", tuple(by_place))
        if self.marks:
            set_field(self, "marks", tuple(sorted(self.marks)))
        first = (*(lyric.tick for lyric in self.lyrics[:1]), *(m.tick for m in self.marks[:1]))
        if min(first, default=0) < 0:
            raise InputError("A lyric or a mark stands before the piece begins.", where=where)

    @classmethod
    def of_table(
        cls,
        table: np.ndarray,
        program: int = 0,
        is_drum: bool = False,
        name: str = "",
        **playing: Any,
    ) -> Track:
        """A track of tables that are sorted, read-only and within limits already.

        For readers that made sure of it for all tracks at once: nothing is checked or copied.

        Args:
            playing: more fields, and ``end_ticks`` where it is known.
        """
        track = cls.__new__(cls)
        fields = track.__dict__
        fields["notes"], fields["program"] = table, program
        fields["is_drum"], fields["name"] = is_drum, name
        fields["controls"], fields["bends"] = NO_CONTROLS, NO_BENDS
        fields["pressures"] = NO_PRESSURES
        if playing:
            fields.update(playing)
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
            and all(np.array_equal(getattr(self, n), getattr(other, n)) for n in PLAYING)
            and (self.lyrics, self.marks) == (other.lyrics, other.marks)
            and self.player == other.player
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def instrument(self) -> int:
        """Index into `ritornello.music.instruments.INSTRUMENTS`."""
        return instrument_index(self.program, self.is_drum)

    @property
    def label(self) -> str:
        return self.name or INSTRUMENTS[self.instrument].name

    @cached_property
    def end_ticks(self) -> int:
        """Where the last note ends; what has no length may stand behind it."""
        return int((self.notes["onset"] + self.notes["duration"]).max()) if len(self) else 0

    @property
    def last_tick(self) -> int:
        """Where the last of all it holds ends or stands."""
        tables = (getattr(self, name)["tick"][-1:].tolist() for name in PLAYING)
        places = (tick for tick, *_ in (*self.lyrics[-1:], *self.marks[-1:]))
        result: int = max((self.end_ticks, *(tick for table in tables for tick in table), *places))
        return result

    def retimed(self, moved: Callable[[Any], Any]) -> Track:
        """The track with every tick moved; no note becomes empty.

        Args:
            moved: of ticks, a number or an array, the new ones; later ones stay later.
        """
        notes = self.notes.copy()
        ends = moved(notes["onset"] + notes["duration"])
        notes["onset"] = moved(notes["onset"])
        notes["duration"] = np.maximum(1, ends - notes["onset"])
        tables: dict[str, Any] = {}
        for name in PLAYING:
            if len(events := getattr(self, name)):
                tables[name] = events.copy()
                tables[name]["tick"] = moved(events["tick"])
        return replace(
            self,
            notes=notes,
            lyrics=retimed(self.lyrics, moved),
            marks=retimed(self.marks, moved),
            **tables,
        )

    def transposed(self, semitones: int) -> Track:
        """The track with all pitches moved; drums stay.

        Raises:
            InputError: if a note would leave 0-127.
        """
        if self.is_drum:
            return self
        notes = self.notes.copy()
        notes["pitch"] += semitones
        pressures = self.pressures
        if len(pressures):
            moved = np.where(pressures["pitch"] < 0, ALL_PITCHES, pressures["pitch"] + semitones)
            # A pressed key that would leave the keyboard has no note there.
            kept = (pressures["pitch"] < 0) | ((moved >= 0) & (moved < 128))
            pressures = pressures.copy()
            pressures["pitch"] = moved
            pressures = pressures[kept]
        marks = tuple(
            mark if mark.pitch < 0 else mark._replace(pitch=mark.pitch + semitones)
            for mark in self.marks
        )
        return replace(self, notes=notes, pressures=pressures, marks=marks)


@dataclass(frozen=True)
class Piece:
    """A piece of music.

    >>> piece = Piece((Track([(0, 480, 60, 80), (480, 480, 64, 80)], program=40),))
    >>> piece.note_count, piece.bar_count, piece.duration_seconds
    (2, 1, 1.0)
    >>> [note.pitch for note in piece.transposed(12).tracks[0]]
    [72, 76]

    Attributes:
        tracks: the parts, in score order.
        resolution: ticks a quarter note.
        tempos, metres: sorted, one at tick 0 each (120 bpm and 4/4 are put there if absent).
        keys: sorted; may be empty.
        length_ticks: where the piece ends; at least the end of the last note.
        title, composer, copyright: may be empty.
        chords: chord symbols above the whole piece, sorted.
        markers, cues, texts: words at places, sorted, none twice: names of sections, what happens
            on a stage, and anything else.

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
    composer: str = ""
    copyright: str = ""
    chords: tuple[ChordSymbol, ...] = ()
    markers: tuple[Text, ...] = ()
    cues: tuple[Text, ...] = ()
    texts: tuple[Text, ...] = ()

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
        set_field = object.__setattr__
        for name in PLACES:
            places = getattr(self, name)
            if places:
                places = tuple(sorted(set(places)))
                if places[0].tick < 0:
                    raise InputError(f"One of its {name} stands before the piece begins.")
                set_field(self, name, places)
        set_field(self, "tracks", tuple(self.tracks))
        tempos = from_zero(self.tempos, _USUAL_TEMPO, moves_first=True)
        metres = from_zero(self.metres, _USUAL_METRE)
        keys = tuple(sorted(self.keys, key=_tick_of))
        if any(changes[0].tick < 0 for changes in (tempos, metres, keys) if changes):
            raise InputError("Tempo, metre or key changes before the piece begins.")
        set_field(self, "tempos", tempos)
        set_field(self, "metres", metres)
        set_field(self, "keys", keys)
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
        return float(self.ticks_to_seconds(np.array(self.length_ticks)))

    @property
    def bar_count(self) -> int:
        return len(self.bar_starts_ticks())

    def metre_spans(self) -> Iterator[tuple[Metre, int]]:
        """Each metre and the tick where it ends: at the next, or where the piece does."""
        ends = [metre.tick for metre in self.metres[1:]] + [self.length_ticks]
        return zip(self.metres, ends, strict=True)

    def bar_starts_ticks(self) -> np.ndarray:
        """Tick of each bar line before the end, int64 [bars]; a new metre starts a new bar."""
        starts: list[np.ndarray] = []
        for metre, end in self.metre_spans():
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
        result: np.ndarray = (
            start_seconds[index] + (np.asarray(ticks) - at[index]) * seconds_per_tick[index]
        )
        return result

    # --- changes ---------------------------------------------------------------------------

    def at_resolution(self, resolution: int) -> Piece:
        """The same piece on another grid; onsets and ends are rounded, no note becomes empty."""
        if resolution == self.resolution:
            return self

        def moved(ticks: Any) -> Any:
            return (np.asarray(ticks) * resolution * 2 + self.resolution) // (2 * self.resolution)

        places: dict[str, Any] = {n: retimed(getattr(self, n), moved) for n in PLACES}
        return replace(
            self,
            resolution=resolution,
            tracks=tuple(track.retimed(moved) for track in self.tracks),
            tempos=retimed(self.tempos, moved),
            metres=retimed(self.metres, moved),
            keys=retimed(self.keys, moved),
            length_ticks=int(moved(self.length_ticks)),
            **places,
        )

    def transposed(self, semitones: int) -> Piece:
        """Every pitched track, the keys and the chord symbols moved; drums stay.

        Raises:
            InputError: if a note would leave 0-127.
        """
        keys = tuple(
            KeyChange(tick, replace(key, tonic=(key.tonic + semitones) % 12))
            for tick, key in self.keys
        )
        chords = tuple(
            ChordSymbol(tick, transposed_symbol(text, semitones)) for tick, text in self.chords
        )
        tracks = tuple(track.transposed(semitones) for track in self.tracks)
        return replace(self, tracks=tracks, keys=keys, chords=chords)

    # --- verbs of upper rooms, see `ritornello.hooks` ------------------------------------------

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the piece; the file's ending chooses the format (mid, musicxml, wav, png, ...)."""
        return Path(lent("save")(self, path, overwrite=overwrite))

    def to(self, library: str) -> Any:
        """This piece as an object of symusic, pretty_midi or music21."""
        return lent("to_library")(self, library)

    def to_audio(
        self, *, rate_hz: int = 44_100, soundfont: str | PathLike[str] | None = None
    ) -> Any:
        """This piece as stereo sound, a `Waveform`: a notebook plays it, and it can be saved.

        Args:
            rate_hz: samples per second, 8,000 to 192,000.
            soundfont: the path of an .sf2 or .sf3 file; None for the font of the package.

        Raises:
            ConfigError: if the rate is out of range.
            InputError: if the piece is over 10 hours long or the font cannot be used.
        """
        return lent("to_audio")(self, rate_hz=rate_hz, soundfont=soundfont)

    def _repr_html_(self) -> str:
        return str(lent("notebook_html")(self))


PLACES = ("chords", "markers", "cues", "texts")
