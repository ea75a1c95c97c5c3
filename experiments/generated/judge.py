"""An independent judge of rules: reads the MIDI file with mido and names every violation.

It shares no code with the composer's masks: it is the other side's counting.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

import mido

from experiments.generated.unchanged import DRUMS, PlayedNote, tracks
from ritornello.generation.rules import Rules
from ritornello.music.instruments import INSTRUMENTS, parse_instrument
from ritornello.music.keys import KeyName

_TRIAD_THIRDS = (4, 3)


class _Player(NamedTuple):
    """A track with notes, and the index of its instrument in `INSTRUMENTS`."""

    instrument: int
    notes: list[PlayedNote]

    @property
    def name(self) -> str:
        return INSTRUMENTS[self.instrument].name

    @property
    def is_drum(self) -> bool:
        return INSTRUMENTS[self.instrument].is_drum


def violations(midi_bytes: bytes, rules: Rules) -> list[str]:
    """Every way in which a MIDI file breaks the rules it was composed under; empty if none.

    Judged are length, tempo, metre, parts, ranges, polyphony, key, chords on the beats and the
    ending. How dense the music is and what it is like are wishes and not judged.
    """
    midi = mido.MidiFile(file=io.BytesIO(midi_bytes))
    players = [_Player(_instrument(notes[0]), notes) for notes in tracks(midi) if notes]
    found = [*_wrong_frame(midi, rules), *_wrong_parts(players, rules)]
    for player in players:
        found += _wrong_notes(player, rules)
    return [*found, *_wrong_ending(players, rules)]


def _instrument(note: PlayedNote) -> int:
    """Of the first note; in the composer's files a track has one program."""
    return next(
        index
        for index, instrument in enumerate(INSTRUMENTS)
        if (note.part == DRUMS if instrument.is_drum else note.part in instrument.programs)
    )


def _bar_beats(rules: Rules) -> Fraction:
    numerator, denominator = rules.counts
    return Fraction(4 * numerator, denominator)


# --- length, tempo, metre, parts ------------------------------------------------------------------


def _wrong_frame(midi: mido.MidiFile, rules: Rules) -> Iterator[str]:
    last_tick = 0
    for track in midi.tracks:
        tick = 0
        for message in track:
            tick += message.time
            if message.type == "set_tempo" and rules.tempo_bpm:
                bpm = mido.tempo2bpm(message.tempo)
                if abs(bpm / rules.tempo_bpm - 1) > 1e-4:
                    yield f"tempo {bpm:g} at {tick}"
            if message.type == "time_signature":
                counts = message.numerator, message.denominator
                if counts != rules.counts:
                    yield f"metre {counts[0]}/{counts[1]} at {tick}"
        last_tick = max(last_tick, tick)
    bars = Fraction(last_tick, midi.ticks_per_beat) / _bar_beats(rules)
    if bars != rules.bars:
        yield f"{float(bars):g} bars"


def _wrong_parts(players: Sequence[_Player], rules: Rules) -> Iterator[str]:
    heard = Counter(player.name for player in players)
    asked = Counter(INSTRUMENTS[parse_instrument(name)].name for name in rules.parts or ())
    if rules.parts is not None and heard != asked:
        yield f"parts {sorted(heard.elements())}"


# --- each note ------------------------------------------------------------------------------------


def _wrong_notes(player: _Player, rules: Rules) -> Iterator[str]:
    name = player.name
    low, high = rules.range_of(player.instrument)
    limit = rules.polyphony_of(player.instrument)
    held: list[Fraction] = []  # ends of notes
    for note in sorted(player.notes, key=lambda note: note.onset_beats):
        where = f"{name} plays {note.pitch} at beat {note.onset_beats}"
        held = [end for end in held if end > note.onset_beats]
        held.append(note.onset_beats + note.duration_beats)
        if len(held) > limit:
            yield f"{name} holds {len(held)} notes at beat {note.onset_beats}"
        if not low <= note.pitch <= high:
            yield f"{where}, outside {low} to {high}"
            continue
        chord = None if player.is_drum else _chord_classes(rules, note.onset_beats)
        if note.pitch not in _of_key(player, rules, chord):
            yield f"{where}, outside {rules.key if chord is None else 'the chord'}"
        if note.onset_beats >= rules.bars * _bar_beats(rules):
            yield f"{where}, after the last bar"


def _of_key(player: _Player, rules: Rules, chord: Collection[int] | None) -> list[int]:
    """The pitches of range and key that are of the chord; of the range alone if there is none."""
    low, high = rules.range_of(player.instrument)
    in_range = range(low, high + 1)
    in_key: Sequence[int] = in_range
    if isinstance(rules.key, KeyName) and not player.is_drum:
        in_key = [pitch for pitch in in_range if pitch % 12 in rules.key.pitch_classes]
    if chord is None:
        return [*in_key]
    both = [pitch for pitch in in_key if pitch % 12 in chord]
    return both or [pitch for pitch in in_range if pitch % 12 in chord]


def _chord_classes(rules: Rules, onset_beats: Fraction) -> Collection[int] | None:
    """Pitch classes of the chord that a note must be of; None if it begins between the beats."""
    bar_beats = _bar_beats(rules)
    bar, into_bar = divmod(onset_beats, bar_beats)
    numerator, denominator = rules.counts
    dotted = denominator >= 8 and numerator % 3 == 0 and numerator > 3
    beat = Fraction(12 if dotted else 4, denominator)
    if rules.chart is None or into_bar % beat or (_must_end(rules) and bar >= rules.bars - 1):
        return None
    chords = rules.chart[bar % len(rules.chart)]
    # A chord begins on the 24th of a quarter that its share of the bar has come to.
    starts = [Fraction(int(24 * bar_beats * i / len(chords)), 24) for i in range(len(chords))]
    chord = [chord for chord, start in zip(chords, starts, strict=True) if start <= into_bar][-1]
    return None if chord is None else chord.pitch_classes


# --- the ending -----------------------------------------------------------------------------------


def _must_end(rules: Rules) -> bool:
    """Whether the last bar is an ending; without pitched parts nothing of it is judged."""
    return rules.ending and rules.bars > 1


def _wrong_ending(players: Sequence[_Player], rules: Rules) -> Iterator[str]:
    pitched = [player for player in players if not player.is_drum]
    if not _must_end(rules) or not pitched:
        return
    last_bar = (rules.bars - 1) * _bar_beats(rules)
    for player in players:
        for note in player.notes:
            end = note.onset_beats + note.duration_beats
            if note.onset_beats > last_bar:
                yield f"{player.name} begins after the first beat of the last bar"
            elif note.onset_beats < last_bar < end:
                yield f"{player.name} sounds into the last bar"
            elif note.onset_beats == last_bar and not player.is_drum and note.duration_beats < 1:
                yield f"{player.name} holds the last chord for {note.duration_beats} beats"
    struck = [
        (player, note.pitch)
        for player in pitched
        for note in player.notes
        if note.onset_beats == last_bar
    ]
    if not struck:
        yield "no pitched part strikes the last chord"
    lowest = _lowest(pitched)
    roots = [
        min(pitches)
        for player in lowest
        if (pitches := [pitch for other, pitch in struck if other is player])
    ]
    if not any(
        all(pitch in _closing(player, rules, root, third, player in lowest and pitch in roots)
            for player, pitch in struck)
        for root, third in _tonics(rules)
    ):  # fmt: skip
        yield f"the last chord is {[pitch for _, pitch in struck]}, not the tonic's"


def _lowest(pitched: Sequence[_Player]) -> list[_Player]:
    """Whose lowest note the last chord stands on."""
    basses = [player for player in pitched if player.name in ("bass", "double bass", "tuba")]
    if basses:
        return basses
    lines = [player for player in pitched if player.name in ("cello", "bassoon", "trombone")]
    tuned = [player for player in pitched if player.name != "timpani"]
    kind = min(player.instrument for player in lines or tuned or pitched)
    copies = [player for player in pitched if player.instrument == kind]
    return copies[:1] if lines else copies[-1:]


def _tonics(rules: Rules) -> list[tuple[int, int]]:
    """Root and third of the last chord; any, where no key was asked for."""
    if not isinstance(rules.key, KeyName):
        return [(root, third) for root in range(12) for third in _TRIAD_THIRDS]
    scale, tonic = rules.key.pitch_classes, rules.key.tonic
    minor = (tonic + 3) % 12 in scale and (tonic + 4) % 12 not in scale
    return [(tonic, 3 if minor else 4)]


def _closing(
    player: _Player, rules: Rules, root: int, third: int, is_lowest: bool
) -> Collection[int]:
    """What a part may strike at the end; all of its range and key where it lacks the chord."""
    wanted = {root} if is_lowest else {root, (root + third) % 12, (root + 7) % 12}
    usual = _of_key(player, rules, None)
    return {pitch for pitch in usual if pitch % 12 in wanted} or usual
