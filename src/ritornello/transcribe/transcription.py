"""Everything that is found in a recording of one player, computed once, with confidences.

`listen` joins what this package does one by one: what is wrong with the recording, its notes, its
beats, then the key and the chords of the notes, and the timeline on which all is written down.
"""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike

import numpy as np

from ritornello.dsp.diagnostics import Finding
from ritornello.dsp.recordings import Recording
from ritornello.errors import InputError
from ritornello.json_values import JsonObject
from ritornello.music.chords import Chord
from ritornello.music.harmony import timed_chords
from ritornello.music.instruments import INSTRUMENTS, instrument_index
from ritornello.music.keys import KeyName, pitch_name
from ritornello.music.piece import Piece
from ritornello.transcribe.bars import with_bars
from ritornello.transcribe.beats import find_beats
from ritornello.transcribe.checks import examine
from ritornello.transcribe.cleaning import Cleaned
from ritornello.transcribe.count_in import CountIn, find_count_in
from ritornello.transcribe.heard_key import heard_key
from ritornello.transcribe.note_detection import find_notes
from ritornello.transcribe.sound_measures import Measures
from ritornello.transcribe.spoken import is_spoken, note_share
from ritornello.transcribe.timeline import Timeline
from ritornello.transcribe.values import Beats, Hints

RATE_HZ = 22_050  # of what is listened to
_PIANO = 0
_FEWEST_NOTES = 8
_SURE = 0.75
_UNSURE = 0.5  # a confidence below it is worth a word
_NO_HINTS = Hints()


@dataclass(frozen=True, eq=False)
class Transcription:
    """What was heard in a recording.

    Attributes:
        recording: the file. cleaned: as it was listened to.
        measures: levels and the like.
        notes: `HEARD_NOTE_DTYPE` [notes].
        beats: with their confidence, 0 where none were heard and a steady tempo is assumed.
        timeline: between seconds and ticks.
        key: None where there is none.
        key_confidence: 0 to 1; 1 where the player names the key.
        chords: when each begins in seconds, and which; None where none sounds.
        findings: what is unusual or uncertain.
        piece: the notes as they were played, on the tempo map of the beats.
    """

    recording: Recording
    cleaned: Cleaned
    measures: Measures
    notes: np.ndarray
    beats: Beats
    timeline: Timeline
    key: KeyName | None
    key_confidence: float
    chords: tuple[tuple[float, Chord | None], ...]
    findings: tuple[Finding, ...]
    piece: Piece

    @property
    def is_spoken(self) -> bool:
        """Whether it is speech, of which hardly anything is notes."""
        return is_spoken(self.measures, self.notes)

    @property
    def note_share(self) -> float:
        """In how much of the time that sounds a note sounds, 0 to 1."""
        return note_share(self.notes, self.measures.sounding_seconds)

    def describe(self) -> tuple[str, ...]:
        """What was heard, in short sentences for people; findings are not among them."""
        beats, recording = self.beats, self.recording
        minutes, seconds = divmod(recording.duration_seconds, 60)
        channels = {1: "mono", 2: "stereo"}.get(
            recording.channels, f"{recording.channels} channels"
        )
        numerator, denominator = beats.metre
        tempo = (
            f"{beats.tempo_bpm:.0f} beats a minute, {_surely(beats.confidence)}"
            if beats.confidence
            else f"no beat; {beats.tempo_bpm:.0f} beats a minute are assumed"
        )
        first_bar = float(self.timeline.seconds(self.timeline.first_bar_tick))
        key = f"{self.key}, {_surely(self.key_confidence)}" if self.key else "No key"
        return (
            f"{minutes:.0f}:{seconds:04.1f} of {recording.format}, {channels}, "
            f"{recording.rate_hz:,} Hz.",
            f"{tempo[0].upper()}{tempo[1:]}.",
            f"{numerator}/{denominator}, a bar begins at {first_bar:.2f} s, "
            f"{_surely(beats.downbeat_confidence)}.",
            f"{key}.",
            f"{self._notes_in_words()}.",
        )

    def _notes_in_words(self) -> str:
        if not len(self.notes):
            return "No notes"
        low, high = (pitch_name(int(pitch(self.notes["pitch"]))) for pitch in (np.min, np.max))
        names = [
            INSTRUMENTS[instrument_index(track.program, track.is_drum)].name
            for track in self.piece.tracks
        ]
        number = sum(len(track) for track in self.piece.tracks)
        count = f"{number:,} note{'s' if number > 1 else ''}"
        span = f"from {low} to {high}" if low != high else f"on {low}"
        return f"{count} {span}, written for {' and '.join(names)}"

    def as_facts(self) -> JsonObject:
        """All but the notes as plain numbers, texts and lists, for programs."""
        recording, beats = self.recording, self.beats
        return {
            "path": str(recording.path),
            "format": recording.format,
            "rate_hz": recording.rate_hz,
            "channels": recording.channels,
            "duration_seconds": recording.duration_seconds,
            "loudest_db": self.measures.loudest_db,
            "tempo_bpm": beats.tempo_bpm,
            "beat_confidence": beats.confidence,
            "other_tempo_bpm": beats.other_tempo_bpm,
            "metre": list(beats.metre),
            "downbeat_confidence": beats.downbeat_confidence,
            "beats_seconds": _rounded(beats.times_seconds),
            "downbeats_seconds": _rounded(beats.downbeats_seconds),
            "key": str(self.key) if self.key else None,
            "key_confidence": self.key_confidence,
            "notes": len(self.notes),
            "pitches": [int(pitch) for pitch in np.unique(self.notes["pitch"])],
            "program": self.piece.tracks[0].program,
            "chords": [
                [round(start, 3), str(chord) if chord else None] for start, chord in self.chords
            ],
            "findings": [
                {"name": found.name, "sentence": found.sentence, "value": float(found.value)}
                for found in self.findings
            ],
        }


def listen(
    path: str | PathLike[str],
    hints: Hints = _NO_HINTS,
    *,
    key: KeyName | None = None,
    program: int | None = None,
) -> Transcription:
    """A recording to its Transcription.

    Args:
        path: of the recording; see `Recording.open` for what can be read.
        hints: what is known of its tempo, metre and bars; it is believed.
        key: if it is known.
        program: General MIDI program that the notes are written for, 0 to 127. What plays is not
            heard: None is a piano.

    Raises:
        InputError: if there is no such file, it is no sound, or it is silent; or if a bar line or
            all beats that are told lie behind its end.
        MissingExtraError: if it is of a kind that only PyAV decodes, and that is not there.
    """
    recording = Recording.open(path)
    measures, health = examine(recording)
    if measures.is_silent:
        raise InputError(
            f"The recording is silent: its loudest moment is at {measures.loudest_db:.0f} dB.",
            where=str(recording.path),
            next_step="Look whether the right microphone was on, and record again.",
        )
    _check_inside(hints, recording)
    cleaned = Cleaned.of(recording, measures)
    notes = cleaned.in_time(find_notes(cleaned.tuned_blocks(RATE_HZ)), RATE_HZ)
    duration = recording.duration_seconds
    counted = find_count_in(cleaned.blocks(RATE_HZ), notes)
    if counted:
        notes, hints = counted.without_clicks(notes), counted.hints(hints)
    sounding = measures.sounding_seconds
    beats = find_beats(cleaned.blocks(RATE_HZ), duration, hints, notes, sounding)
    beats = with_bars(beats, notes, hints)
    health = (*health, *_speech(measures, notes, health))
    timeline = Timeline.of_beats(beats, duration)
    found_key, confidence = (key, 1.0) if key else heard_key(notes)
    piece = timeline.piece(
        notes, _PIANO if program is None else program, title=recording.path.stem, key=found_key
    )
    return Transcription(
        recording,
        cleaned,
        measures,
        notes,
        beats,
        timeline,
        found_key,
        confidence,
        timed_chords(piece),
        (*recording.findings, *health, *_told(counted), *_uncertain(notes, beats, confidence)),
        piece,
    )


def _check_inside(hints: Hints, recording: Recording) -> None:
    """Refuse a bar line or beats that lie behind the end of a recording."""
    named = [
        ("bar line", hints.downbeat_seconds),
        ("beat", None if hints.beats_seconds is None else hints.beats_seconds[0]),
    ]
    for name, seconds in named:
        if seconds is not None and seconds >= recording.duration_seconds:
            raise InputError(
                f"The recording lasts {recording.duration_seconds:.1f} s; the {name} that is told "
                f"lies at {seconds:g} s.",
                where=str(recording.path),
                next_step="Count seconds from the beginning of the recording.",
            )


def _speech(
    measures: Measures, notes: np.ndarray, known: tuple[Finding, ...]
) -> tuple[Finding, ...]:
    """That it may be speech, if only its notes tell so."""
    if not is_spoken(measures, notes) or any(found.name == "speech" for found in known):
        return ()
    share = note_share(notes, measures.sounding_seconds)
    return (Finding("speech", f"It may be speech: notes sound in only {share:.0%} of it.", share),)


def _told(counted: CountIn | None) -> tuple[Finding, ...]:
    return () if counted is None else (Finding("count_in", str(counted), counted.beat_seconds),)


def _surely(confidence: float) -> str:
    """A confidence as words and a number."""
    words = "quite sure" if confidence >= _SURE else "likely" if confidence >= _UNSURE else "unsure"
    return f"{words} ({confidence:.2f})"


def _uncertain(notes: np.ndarray, beats: Beats, key_certainty: float) -> list[Finding]:
    """What was not heard, or not for sure."""
    found = []
    if len(notes) < _FEWEST_NOTES:
        many = "note was" if len(notes) == 1 else "notes were"
        heard = f"Only {len(notes)} {many} heard" if len(notes) else "No notes were heard"
        found.append(Finding("few_notes", f"{heard}.", len(notes)))
    if not beats.confidence:
        found.append(
            Finding(
                "no_beat",
                f"No beat was heard; steady {beats.tempo_bpm:.0f} beats a minute are assumed.",
                beats.tempo_bpm,
            )
        )
    elif beats.confidence < _UNSURE:
        found.append(
            Finding(
                "unsure_beat",
                f"The beat is uncertain (confidence {beats.confidence:.2f}); naming the tempo "
                "helps.",
                beats.confidence,
            )
        )
    if beats.confidence and beats.other_tempo_bpm:
        found.append(
            Finding(
                "other_tempo",
                f"The beat may also be felt at {beats.other_tempo_bpm:.0f} a minute; if you count "
                "so, name that tempo.",
                beats.other_tempo_bpm,
            )
        )
    if beats.confidence and beats.downbeat_confidence < _UNSURE:
        found.append(
            Finding(
                "unsure_bars",
                "Where bars begin, and how many beats they have, is uncertain (confidence "
                f"{beats.downbeat_confidence:.2f}); naming the metre or a first beat helps.",
                beats.downbeat_confidence,
            )
        )
    if len(notes) and key_certainty < _UNSURE:
        found.append(
            Finding("unsure_key", f"The key is uncertain ({key_certainty:.2f}).", key_certainty)
        )
    return found


def _rounded(seconds: np.ndarray) -> list[float]:
    result: list[float] = np.round(seconds, 4).tolist()
    return result
