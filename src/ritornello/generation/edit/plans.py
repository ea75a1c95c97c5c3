"""Plans: a song, a job to write into it, and how the result becomes a part of the song again.

A song may be anything; the model reads what `primer.fit` makes of it. Nothing is rounded on the way
back: notes to be written begin and end within the exact bars of the song, and `finish` leaves every
kept note as it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ritornello.errors import ConfigError, InputError
from ritornello.generation.edit.join import Joined, join
from ritornello.generation.edit.kit_tracks import key_owners
from ritornello.generation.edit.loudness import as_loud, at_loudness
from ritornello.generation.edit.melody_chords import Harmonisation
from ritornello.generation.edit.primer import Fitted, fit, quantise_to_notation
from ritornello.generation.instrumentation import Instrumentations, collection_to_join
from ritornello.generation.job import (
    ENDLESS,
    Job,
    Opening,
    changes_as_steps,
    chord_symbols,
    given_events,
    stated_chords,
)
from ritornello.generation.rules import Rules
from ritornello.generation.writer import Writer
from ritornello.music.chords import CHORD_OPEN, ChordChange, symbol_changes
from ritornello.music.instruments import DRUMS, INSTRUMENTS, parse_instrument
from ritornello.music.io.loss_messages import tell_gone
from ritornello.music.keys import KeyName, estimate_key, pitch_class_weights
from ritornello.music.piece import ChordSymbol, Metre, Piece, Track
from ritornello.note_model.encoding import notes
from ritornello.note_model.encoding.notes import (
    DRUM_PITCH,
    PART,
    PARTS_PER_INSTRUMENT,
    PITCH,
    RESOLUTION,
    REST,
    SHIFT,
    TEMPO,
)
from ritornello.plan.swing import Swing, even_swing, read_swing

_KEY_TICKS = 64 * RESOLUTION  # so far around an opening the song tells its key
_TOUCH_TICKS = 3  # notes that overlap by no more are played one after the other


@dataclass(frozen=True)
class EditPlan:
    """One edit of one song: the job for the model, and the tracks its notes belong in.

    Attributes:
        job: what to write.
        kept: the song without the notes that are to be written anew, up to its last bar line.
        homes: part class -> index of the track of ``kept`` that its notes are added to.
        new: part class -> program and name of the track to be added, as a track without notes;
            those of the part class where None.
        warnings: how the model reads the song otherwise than it is written.
        kit: drum key -> index of the track of ``kept`` that its hits are added to, of a kit that
            lies in several; see `kit_tracks`.
        anew: part classes of which every note from one tick to before another is new, also where
            it comes back and is given while it is written.
        anew_from_ticks, anew_until_ticks: those ticks, at 24 a quarter note.
        accompanies: whether its parts accompany the others all through, as those do who join.
    """

    job: Job
    kept: Piece
    homes: Mapping[int, int]
    new: Mapping[int, Track | None]
    warnings: tuple[str, ...]
    kit: Mapping[int, int] = field(default_factory=dict)
    anew: frozenset[int] = frozenset()
    anew_from_ticks: int = 0
    anew_until_ticks: int = ENDLESS
    accompanies: bool = False


def finish(plan: EditPlan, writer: Writer) -> Joined:
    """The song with the composed notes in their tracks; every kept note is as it was."""
    events = writer.fields
    onsets = np.cumsum(events[:, SHIFT])
    is_anew = np.isin(events[:, PART], [*plan.anew])
    is_anew &= (onsets >= plan.anew_from_ticks) & (onsets < plan.anew_until_ticks)
    is_new = np.array(writer.composed, bool) | is_anew
    composed = is_new & notes.is_note(events[:, PART])
    rows = events[composed]
    rows[:, SHIFT] = np.diff(onsets[composed], prepend=0)
    tracks = as_loud(notes.decode_by_part(rows), plan.kept, plan.homes)
    if (asked := plan.job.rules.loudness) is not None:
        tracks = dict(zip(tracks, at_loudness([*tracks.values()], float(asked)), strict=True))
    for part, track in plan.new.items():
        if track is not None and part in tracks:
            tracks[part] = replace(track, notes=tracks[part].notes)
    homes = dict(plan.homes)
    for part in [part for part in tracks if plan.kit and notes.instrument_of(part) == DRUMS]:
        hits = tracks.pop(part)
        owners = np.array([plan.kit.get(note.pitch, homes[part]) for note in hits])
        for index in sorted({*owners.tolist()}):
            own = -1 - index  # no part class: a share of one
            tracks[own], homes[own] = replace(hits, notes=hits.notes[owners == index]), index
    swing = plan.job.swing
    if swing is None:
        return join(plan.kept, tracks, homes)
    return join(plan.kept, tracks, homes, play=swing.play)


def with_collection(plan: EditPlan, instrumentations: Instrumentations) -> EditPlan:
    """Where the rules name none, the collection in which the players of the song are at home."""
    job = plan.job
    if job.rules.collection is not None:
        return plan
    parts = job.given.fields[:, PART]
    playing = {*parts[notes.is_note(parts)].tolist(), *job.composed_parts}
    players = [INSTRUMENTS[notes.instrument_of(part)].name for part in playing]
    joining = plan.homes if plan.accompanies else plan.new
    new = [INSTRUMENTS[notes.instrument_of(part)].name for part in joining]
    counts = job.metres[0].numerator, job.metres[0].denominator
    collection = collection_to_join(players, new, counts, instrumentations)
    return replace(plan, job=replace(job, rules=replace(job.rules, collection=collection)))


@dataclass(frozen=True)
class FittedSong:
    """A song beside what the model reads in place of it.

    Attributes:
        song: it lasts until a bar line.
        fitted: all of it as the model reads it.
        quantised: whether that has the notes where a score would have them, see
            `primer.quantise_to_notation`.
        swing: how the song is played; ``fitted`` is in straight time.
    """

    song: Piece
    fitted: Fitted
    swing: Swing
    quantised: bool = False

    @classmethod
    def of(
        cls,
        song: Piece,
        known: frozenset[int] | None,
        instruments: Mapping[int, int] | None = None,
        *,
        quantised: bool = False,
    ) -> FittedSong:
        """Fit a song.

        Args:
            song: it lasts until a bar line.
            known: instruments the model has learned, see `primer.fit`.
            instruments: by index of a track the instrument, an index into `INSTRUMENTS`, that it
                is read as; the others are read as their own or its substitute.
            quantised: read the notes where a score would have them.
        """
        tracks = list(song.tracks)
        for index, instrument in (instruments or {}).items():
            tracks[index] = replace(tracks[index], program=INSTRUMENTS[instrument].program)
        read_as = replace(song, tracks=tuple(tracks))
        swing = read_swing(song)
        source = swing.straightened(read_as)
        source = quantise_to_notation(source) if quantised else source
        fitted = fit(source, known_instruments=known)
        if source is not read_as:  # what is said of a song is said of it as it was given
            as_given = quantise_to_notation(read_as) if quantised else read_as
            fitted = replace(fitted, warnings=fit(as_given, known_instruments=known).warnings)
        return cls(song, fitted, swing, quantised)

    @property
    def parts(self) -> list[int]:
        """Part classes of the tracks of ``fitted.piece``."""
        return [*dict.fromkeys(part for part in self.fitted.parts if part >= 0)]

    @property
    def tracks_with_notes(self) -> list[int]:
        """Indices of the tracks with notes."""
        return [index for index, part in enumerate(self.fitted.parts) if part >= 0]

    def homes(self, tracks: Iterable[int]) -> dict[int, int]:
        """Part class -> index, for tracks to write for; one without notes takes the next part."""
        homes: dict[int, int] = {}
        counts = self._part_counts
        for index in tracks:
            part = self.fitted.parts[index]
            if part < 0:
                instrument = self.song.tracks[index].instrument
                part = notes.part_of(instrument, counts[instrument])
                counts[instrument] += 1
            homes.setdefault(part, index)
        return homes

    def parts_without(self, written: Collection[int]) -> frozenset[int]:
        """Part classes of tracks with notes other than these."""
        others = {*self.tracks_with_notes}.difference(written)
        return frozenset(self.fitted.parts[index] for index in others)

    @property
    def _part_counts(self) -> Counter[int]:
        """How many parts each instrument has, by index into `INSTRUMENTS`."""
        return Counter(notes.instrument_of(part) for part in self.parts)

    def free_parts(self, players: Sequence[tuple[int, Track | None]]) -> dict[int, Track | None]:
        """Part classes that are not in the song, in order, for players of instruments.

        Raises:
            ConfigError: if an instrument has too few.
        """
        used = self._part_counts
        new: dict[int, Track | None] = {}
        for instrument, track in players:
            most = 1 if instrument == DRUMS else PARTS_PER_INSTRUMENT
            if used[instrument] == most:
                name = INSTRUMENTS[instrument].name
                raise ConfigError(
                    f"At most {most} part{'s' * (most > 1)} can play {name}, and the song has "
                    f"{self._part_counts[instrument]}.",
                    next_step="Add another instrument, or write a part of the song anew: vary.",
                )
            new[notes.part_of(instrument, used[instrument])] = track
            used[instrument] += 1
        return new

    def encode_given(self, kept: Piece) -> tuple[np.ndarray, np.ndarray, int]:
        """Notes of the kept tracks and the tempi as events: fields, onsets, and the length."""
        source = self.swing.straightened(kept)
        source = quantise_to_notation(source) if self.quantised else source
        read = self.fitted.with_notes_of(source)
        # The tempi and the length are there also where no note is left.
        encoded = notes.encode(read if read.note_count else self.fitted.piece)
        parts = encoded.fields[:, PART]
        wanted = parts < REST if read.note_count else parts == TEMPO
        fields, onsets = encoded.fields[wanted], encoded.onsets_ticks[wanted]
        # Where a part has nothing left to play, those of its instrument behind it keep their class.
        spelled = np.unique(fields[notes.is_note(fields[:, PART]), PART])
        meant = sorted(
            part for part, track in zip(self.parts, read.tracks, strict=True) if len(track)
        )
        table = np.arange(REST)
        table[spelled] = meant
        fields[:, PART] = table[fields[:, PART]]
        return fields, onsets, encoded.length_ticks


def plan(
    fitted_song: FittedSong,
    kept: Piece,
    span: tuple[int, int],
    rules: Rules,
    *,
    homes: Mapping[int, int] | None = None,
    new: Mapping[int, Track | None] | None = None,
    longest_rest_bars: int | None = None,
    ending: bool = False,
    ranges: Mapping[int, tuple[int, int]] | None = None,
    polyphony: Mapping[int, int] | None = None,
    voices: tuple[int, ...] = (),
    written: Collection[int] = (),
    harmony: Harmonisation | None = None,
    by_chords: bool = False,
) -> EditPlan:
    """The plan to write in a span, in ticks of the song, for parts with a home and for new ones.

    Args:
        longest_rest_bars: each of the parts plays, and rests for no longer; None lets them rest.
        written: indices of the tracks of the song that are written for.
        harmony: phrases, in which alone it is written, and chords of the beats.
        by_chords: whether the chords written above the song are stated, and rules for new parts.
    """
    homes, new = homes or {}, new or {}
    if not homes and not new:
        raise ConfigError("No part is chosen to write for.")
    fields, onsets, length = fitted_song.encode_given(kept)
    resolution = fitted_song.song.resolution
    start, end = -(-span[0] * RESOLUTION // resolution), span[1] * RESOLUTION // resolution
    model_start = (2 * span[0] * RESOLUTION + resolution) // (2 * resolution)
    if start >= end:
        raise InputError("The bars are too short to write in.", where=fitted_song.song.title)
    metres = fitted_song.fitted.piece.metres
    composed = tuple(sorted({*homes, *new}))
    given = {notes.instrument_of(part) for part in fitted_song.parts if part not in composed}
    usual_ranges, usual_polyphony = _habits(fitted_song, rules, homes)
    kit = key_owners(fitted_song.song, written)
    spans = [(start, end)] if harmony is None else [*harmony.phrases]
    bar = metres[0].bar_ticks(RESOLUTION)
    rest = None if longest_rest_bars is None else longest_rest_bars * bar
    song_chords = chords_of(fitted_song.song) if by_chords and rules.chart is None else ()
    chords = (
        changes_as_steps(song_chords) if song_chords else _chords(rules, metres, model_start, end)
    )
    beat_chords = None if harmony is None else harmony.chords
    if beat_chords is not None and not len(chords[0]):
        chords = np.array(beat_chords.ticks), np.array(beat_chords.classes)
    job = Job(
        rules,
        metres,
        length,
        given_events(length, fields, onsets, chords),
        tuple(
            Opening(composed, *span, required=rest is not None, longest_rest_ticks=rest)
            for span in spans
        ),
        frozenset(given | {notes.instrument_of(part) for part in composed}),
        frozenset(given),
        ending=ending,
        key=_key(fields, onsets, start, end),
        ranges=usual_ranges | dict(ranges or {}),
        polyphony=usual_polyphony | dict(polyphony or {}),
        voices=voices,
        drum_keys=frozenset(kit),
        shared_parts=fitted_song.parts_without(written) & homes.keys(),
        chords_hold=bool(song_chords and new),
        song_chords=song_chords,
        drafts=dict(zip(*(each.tolist() for each in chords), strict=True)) if song_chords else {},
        beat_chords=beat_chords,
        swing=fitted_song.swing if rules.swing is None else even_swing(kept, rules.swing),
    )
    kept = _with_chords(kept, chord_symbols(rules, metres, end, model_start), span)
    begun = job.grid().bar_starts
    bars = int(((begun >= model_start) & (begun < end)).sum())
    told = (*rules.tell_chords_left(bars), *tell_gone(fitted_song.song, kept))
    return EditPlan(job, kept, homes, new, (*fitted_song.fitted.warnings, *told), kit)


def _with_chords(song: Piece, stated: tuple[ChordSymbol, ...], span: tuple[int, int]) -> Piece:
    """The song with the chords of the rules in the span that is written, in place of its own."""
    if not stated:
        return song
    start, end = span
    moved = [
        ChordSymbol(min(max(chord.tick * song.resolution // RESOLUTION, start), end), chord.text)
        for chord in stated
    ]
    own = [chord for chord in song.chords if not start <= chord.tick < end]
    before = [chord for chord in song.chords if chord.tick < end][-1:]
    goes_on = end < song.length_ticks and not any(chord.tick == end for chord in own)
    again = [chord._replace(tick=end) for chord in before] if goes_on else []
    return replace(song, chords=(*own, *moved, *again))


def chords_of(song: Piece) -> tuple[ChordChange, ...]:
    """The chords written above a song, at 24 ticks a quarter; texts that are none are left out."""
    scale = RESOLUTION / song.resolution
    return symbol_changes((round(tick * scale), text) for tick, text in song.chords)


def _chords(
    rules: Rules, metres: Sequence[Metre], start_ticks: int, end_ticks: int
) -> tuple[np.ndarray, np.ndarray]:
    """The chords of the rules, stated between two ticks."""
    ticks, classes = stated_chords(rules, metres, end_ticks, start_ticks)
    if not len(ticks):
        return ticks, classes
    return np.append(ticks, end_ticks), np.append(classes, CHORD_OPEN)


def _habits(
    fitted_song: FittedSong, rules: Rules, homes: Mapping[int, int]
) -> tuple[dict[int, tuple[int, int]], dict[int, int]]:
    """Ranges and polyphony by part: the usual, widened to what parts of the song do already.

    Where the rules name the instrument of a part, they hold.
    """
    ranges, polyphony = {}, {}
    named = {parse_instrument(name) for name in rules.ranges}
    counted = {parse_instrument(name) for name in rules.polyphony if name != "all"}
    for part, track in zip(fitted_song.parts, fitted_song.fitted.piece.tracks, strict=True):
        instrument = notes.instrument_of(part)
        if part not in homes:
            continue
        if instrument not in named:
            low, high = rules.range_of(instrument)
            pitches = track.notes["pitch"]
            ranges[part] = min(low, int(pitches.min())), max(high, int(pitches.max()))
        usual = rules.polyphony_of(instrument)
        if usual and instrument not in counted and "all" not in rules.polyphony:
            polyphony[part] = max(usual, most_notes_at_once(track))
    return ranges, polyphony


def most_notes_at_once(track: Track) -> int:
    """Most notes held at a time; those that only touch do not count."""
    onsets = track.notes["onset"]  # ascending
    ends = np.sort(np.maximum(onsets + 1, onsets + track.notes["duration"] - _TOUCH_TICKS))
    begun = np.searchsorted(onsets, onsets, side="right")
    return int((begun - np.searchsorted(ends, onsets, side="right")).max())


def _key(
    fields: np.ndarray, onsets: np.ndarray, start_ticks: int, end_ticks: int
) -> KeyName | None:
    """The key of the notes in and around an opening."""
    near = (onsets >= start_ticks - _KEY_TICKS) & (onsets < end_ticks + _KEY_TICKS)
    pitched = notes.is_note(fields[:, PART]) & (fields[:, PITCH] < DRUM_PITCH)
    return estimate_key(pitch_class_weights(fields[near & pitched, PITCH]))
