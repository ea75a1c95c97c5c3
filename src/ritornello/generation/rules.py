"""What a person asks of a piece, checked before any work starts.

Every rule is exact: it becomes a mask on one head of the network, so the music cannot break it.
Soft constraints condition the network, which has learned what they mean but may stray from them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from ritornello.errors import ConfigError, shortened
from ritornello.music.chords import Chart, parse_chart, parse_chord
from ritornello.music.dynamics import velocity_of
from ritornello.music.instruments import INSTRUMENTS, parse_instrument
from ritornello.music.keys import KeyName, parse_key
from ritornello.music.piece import Metre
from ritornello.note_model.encoding.notes import FASTEST_BPM, PARTS_PER_INSTRUMENT, SLOWEST_BPM
from ritornello.option_names import check_numbers, check_whole_numbers, named_options
from ritornello.plan.swing import LEAST_RATIO, MOST_RATIO

MAX_BARS = 4000
MAX_PIECES = 10_000  # side by side
MAX_PARTS = 16  # as many as a MIDI file has channels; each needs a tick to play in
DENSITIES = {"low": 0.5, "medium": 1.5, "high": 4.0}  # notes per quarter note of one part
_DENOMINATORS = (2, 4, 8, 16)
_NOTE_NAME = re.compile("[A-G][#b♯♭]?")


@named_options("Rules")
@dataclass(frozen=True)
class Rules:
    """Rules for one piece; what is None is left to the model.

    Attributes:
        bars: exact length.
        metre: numerator and denominator, or text such as "3/4". Left open, one that is usual in the
            training music, 4/4 where the model does not say.
        tempo_bpm: quarter notes a minute, exact; no tempo changes then.
        key: every pitched note is in its scale; a `KeyName` or text such as "D minor".
        parts: names of instruments; all of them play, and no others. A name given twice means
            two players; text such as "piano, bass" does as well. Left open, an instrumentation of
            the training music is sampled.
        polyphony: most notes a part holds at a time, by instrument name; "all" sets the rest. By
            default what the instrument is usually asked for: a flute plays one note at a time.
        ranges: lowest and highest MIDI pitch by instrument name; by default the usual range.
        density: notes per quarter note of all parts, kept within what is played in two beats.
        densities: the same for single instruments, by name: a number, or one of `DENSITIES`.
        chords: a chart such as "Am F C G" or "Am7 | D7 G7 | %", repeated to the end. Each pitched
            note that begins on a beat is of the chord (and of the key, where they share a note);
            a bass, or else a cello, bassoon or trombone, plays the bass of C/E there; between the
            beats chords are a soft constraint.
        ending: whether the last bar of a whole piece must be an ending: nothing begins after its
            first beat, where at least one pitched part strikes the tonic's chord and holds it.
        collection: name of the training collection to write like; a soft constraint.
        scale: pitch classes, C being 0, that pitched notes are of, in place of those of the key, as
            in (0, 2, 3, 7, 8), "0 2 3 7 8" or "C D Eb G Ab".
        loudness: mean velocity of what is written, 1 to 127, or text such as "soft" or "mf", see
            `ritornello.music.dynamics`; left open, the model's, or that of what is given.
        swing: how long the first half of a beat is, the second being 1: 1 is straight, 2 a
            triplet, 3 a dotted eighth. In a metre in quarters or halves every off-beat then comes
            so late. Left open, new music is straight, and swings where what is given does.

    Raises:
        ConfigError: if a rule has no meaning or contradicts another.
    """

    bars: int = 16
    metre: tuple[int, int] | str | None = None
    tempo_bpm: float | None = None
    key: KeyName | str | None = None
    parts: tuple[str, ...] | None = None
    polyphony: Mapping[str, int] = field(default_factory=dict)
    ranges: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    density: float | None = None
    densities: Mapping[str, float | str] = field(default_factory=dict)
    chords: str | Chart | None = None
    ending: bool = True
    collection: str | None = None
    swing: float | None = None
    scale: tuple[int, ...] | str | None = None
    loudness: float | str | None = None

    def __post_init__(self) -> None:
        set_field = object.__setattr__
        if self.metre is not None:
            set_field(self, "metre", self.counts)
        if isinstance(self.key, str):
            set_field(self, "key", parse_key(self.key))
        if isinstance(self.parts, str):
            names = [name.strip() for name in self.parts.split(",")]
            set_field(self, "parts", tuple(name for name in names if name))
        elif self.parts is not None:
            set_field(self, "parts", tuple(self.parts))
        if isinstance(self.chords, str):
            set_field(self, "chords", parse_chart(self.chords))
        if isinstance(self.loudness, str):
            set_field(self, "loudness", velocity_of(self.loudness))
        if self.scale is not None:
            set_field(self, "scale", _scale(self.scale))
        self._check_numbers()
        self._check_densities()
        self._check_parts()

    def _check_numbers(self) -> None:
        check_whole_numbers({"bars": self.bars})
        check_whole_numbers({f"polyphony of {name}": n for name, n in self.polyphony.items()})
        names = ("tempo_bpm", "density", "loudness", "swing")
        check_numbers({name: getattr(self, name) for name in names})
        if not 1 <= self.bars <= MAX_BARS:
            raise ConfigError(f"A piece has 1 to {MAX_BARS} bars; asked for {self.bars}.")
        numerator, denominator = self.counts
        is_short = denominator <= numerator * 4 <= 8 * denominator  # in integers of any size
        if denominator not in _DENOMINATORS or not is_short:
            raise ConfigError(
                f"{shortened(f'{numerator}/{denominator}')} is not a metre this model can count.",
                next_step="A bar lasts 1 to 8 quarter notes, in halves, quarters, 8ths or 16ths.",
            )
        if self.tempo_bpm is not None and not SLOWEST_BPM <= self.tempo_bpm <= FASTEST_BPM:
            raise ConfigError(
                f"Tempo is {SLOWEST_BPM:g} to {FASTEST_BPM:g} bpm; asked for {self.tempo_bpm:g}."
            )
        if self.density is not None and not 0 < self.density <= 100:
            raise ConfigError(f"Density is 0 to 100 notes a beat; asked for {self.density:g}.")
        if self.loudness is not None and not 1 <= float(self.loudness) <= 127:
            raise ConfigError(
                f"Loudness is a velocity of 1 to 127; asked for {float(self.loudness):g}."
            )
        if self.swing is not None and not LEAST_RATIO <= self.swing <= MOST_RATIO:
            raise ConfigError(
                f"A swing is {LEAST_RATIO:g}, straight, to {MOST_RATIO:g}, dotted; "
                f"asked for {self.swing:g}."
            )
        if (self.swing or 1) > 1 and self.metre is not None and self.counts[1] > 4:
            raise ConfigError(
                f"Beats of {self.counts[0]}/{self.counts[1]} are not halved, so they do not swing.",
                next_step="Ask for a metre in quarters, such as 4/4 or 3/4, or for no swing.",
            )
        for name, notes in self.polyphony.items():
            if notes < 1:
                raise ConfigError(f"Polyphony of {name} is at least 1; asked for {notes}.")
        for name, (low, high) in self.ranges.items():
            if not 0 <= low <= high <= 127:
                raise ConfigError(f"The range of {name}, {low} to {high}, is not within 0 to 127.")

    def _check_densities(self) -> None:
        for name, density in self.densities.items():
            if isinstance(density, str) and density not in DENSITIES:
                raise ConfigError(
                    f"The density of {name} is {density!r}, which is no density.",
                    next_step=f"Give notes a beat, or one of {', '.join(DENSITIES)}.",
                )
            if not isinstance(density, str) and not 0 < density <= 100:
                raise ConfigError(f"Density is 0 to 100 notes a beat; {name} has {density:g}.")

    def _check_parts(self) -> None:
        for name in [*self.polyphony, *self.ranges, *self.densities]:
            if name != "all" or name in self.densities:  # `density` is that of all
                parse_instrument(name)
        if self.parts is None:
            return
        if not 1 <= len(self.parts) <= MAX_PARTS:
            raise ConfigError(f"A piece has 1 to {MAX_PARTS} parts; asked for {len(self.parts)}.")
        for instrument, count in Counter(map(parse_instrument, self.parts)).items():
            most = 1 if INSTRUMENTS[instrument].is_drum else PARTS_PER_INSTRUMENT
            if count > most:
                name = INSTRUMENTS[instrument].name
                raise ConfigError(
                    f"At most {most} part{'s' * (most > 1)} can play {name}; asked for {count}."
                )
        for index in set(map(parse_instrument, self.parts)):
            if not INSTRUMENTS[index].is_drum and not self.allowed_pitches(index):
                low, high = self.range_of(index)
                raise ConfigError(
                    f"{INSTRUMENTS[index].name} has no note of {self.scale_name} "
                    f"from {low} to {high}.",
                    next_step="Widen the range or change the key.",
                )

    @property
    def counts(self) -> tuple[int, int]:
        """Numerator and denominator of the metre."""
        if self.metre is None:
            return 4, 4
        return parse_metre(self.metre) if isinstance(self.metre, str) else self.metre

    @property
    def scale_name(self) -> str:
        """What pitched notes are of, for messages."""
        return str(self.key) if self.scale is None else f"the scale {self.scale}"

    def instruments(self) -> list[int] | None:
        """Indices into `INSTRUMENTS`, one for each part asked for; None when left open."""
        return None if self.parts is None else [parse_instrument(name) for name in self.parts]

    def range_of(self, instrument: int) -> tuple[int, int]:
        """Lowest and highest pitch of an instrument."""
        for name, limits in self.ranges.items():
            if parse_instrument(name) == instrument:
                return limits
        return INSTRUMENTS[instrument].low, INSTRUMENTS[instrument].high

    def polyphony_of(self, instrument: int) -> int:
        """Most notes held at a time."""
        for name, notes in self.polyphony.items():
            if name != "all" and parse_instrument(name) == instrument:
                return notes
        return self.polyphony.get("all", INSTRUMENTS[instrument].voices)

    @property
    def pitch_classes(self) -> frozenset[int]:
        """Pitch classes that pitched notes may have, by the scale or the key."""
        if self.scale is not None:
            return frozenset(_scale(self.scale))
        return self.key.pitch_classes if isinstance(self.key, KeyName) else frozenset(range(12))

    def allowed_pitches(self, instrument: int, limits: tuple[int, int] | None = None) -> list[int]:
        """MIDI pitches (or drum keys) the instrument may play, ascending.

        ``limits`` stand in for its range.
        """
        low, high = limits or self.range_of(instrument)
        classes = range(12) if INSTRUMENTS[instrument].is_drum else self.pitch_classes
        return [pitch for pitch in range(low, high + 1) if pitch % 12 in classes]

    def tell_chords_left(self, bars: int) -> tuple[str, ...]:
        """A sentence on chords that stand beyond the last of the bars to write, if any do."""
        left = len(self.chart or ()) - bars
        if left <= 0:
            return ()
        return (
            f"the chords have {bars + left} bars; the last {left} are beyond the {bars} written.",
        )

    @property
    def limits_notes(self) -> bool:
        """Whether density, range or number of voices is asked of anybody."""
        return bool(self.density is not None or self.densities or self.polyphony or self.ranges)

    @property
    def chart(self) -> Chart | None:
        """The chords, bar by bar."""
        return None if self.chords is None or isinstance(self.chords, str) else self.chords

    def busy(self) -> dict[int, float]:
        """Notes per quarter note by index of the instrument, where they are stated."""
        return {
            parse_instrument(name): DENSITIES[density] if isinstance(density, str) else density
            for name, density in self.densities.items()
        }

    def metre_map(self) -> tuple[Metre, ...]:
        return (Metre(0, *self.counts),)


def _scale(asked: tuple[int, ...] | str) -> tuple[int, ...]:
    """Pitch classes of a scale, ascending, each once; from text with blanks or commas too."""
    words = asked.replace(",", " ").split() if isinstance(asked, str) else [*map(str, asked)]
    named = (parse_chord(word) if _NOTE_NAME.fullmatch(word) else None for word in words)
    words = [str(n.root) if n else word for n, word in zip(named, words, strict=True)]
    if not words or not all(word.isdigit() and int(word) < 12 for word in words):
        raise ConfigError(
            f"{asked!r} is no scale.",
            next_step="Give pitch classes from 0, which is C, to 11, as in 0 2 3 7 8, or names of "
            "notes, as in C D Eb G Ab.",
        )
    return tuple(sorted({*map(int, words)}))


def check_seed(seed: int) -> int:
    """A seed, checked.

    Raises:
        ConfigError: if it is no whole number from 0 up.
    """
    check_whole_numbers({"seed": seed})
    if seed < 0:
        raise ConfigError(f"A seed is a whole number from 0 up; found {seed}.")
    return seed


def check_count(pieces: int) -> None:
    """Refuse numbers of pieces below 1 or above the most.

    Raises:
        ConfigError: if it is not 1 to `MAX_PIECES`.
    """
    check_whole_numbers({"n": pieces})
    if not 1 <= pieces <= MAX_PIECES:
        raise ConfigError(f"1 to {MAX_PIECES:,} pieces can be asked for; found {pieces}.")


def parse_metre(text: str) -> tuple[int, int]:
    """Read "3/4".

    >>> parse_metre("6/8")
    (6, 8)

    Raises:
        ConfigError: if it is not two whole numbers with a slash.
    """
    numerator, slash, denominator = text.partition("/")
    if not (slash and numerator.strip().isdigit() and denominator.strip().isdigit()):
        raise ConfigError(f"{text!r} is not a metre.", next_step="Write it as in 3/4 or 6/8.")
    return int(numerator), int(denominator)
