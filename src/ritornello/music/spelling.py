"""Names of pitches, keys and drums on paper: MIDI numbers to and from what a score prints."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ritornello.music.keys import KeyName, estimate_key, pitch_class_weights
from ritornello.music.note_tables import note_table
from ritornello.music.piece import Piece

FIFTHS = "FCGDAEB"  # natural notes by rising fifths; F is -1 on the line where C is 0
STEP_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}

# Our scale name <-> the MusicXML mode, and the fifths from a major key on the same tonic.
_MODES = {
    "major": ("major", 0),
    "minor": ("minor", -3),
    "natural minor": ("aeolian", -3),
    "dorian": ("dorian", -2),
    "phrygian": ("phrygian", -4),
    "lydian": ("lydian", 1),
    "mixolydian": ("mixolydian", -1),
    "locrian": ("locrian", -5),
}
_SCALES = {mode: (scale, shift) for scale, (mode, shift) in _MODES.items()}
_SCALES["ionian"] = ("major", 0)

WRITABLE_SCALES = frozenset(_MODES)


class KeySignature(NamedTuple):
    """A key signature: sharps (negative: flats) and the MusicXML mode ("none": not a claim)."""

    fifths: int
    mode: str


class Spelled(NamedTuple):
    """A written pitch: letter, semitones of its accidental, octave (4 begins at middle C)."""

    step: str
    alter: int
    octave: int

    @property
    def pitch(self) -> int:
        return 12 * (self.octave + 1) + STEP_SEMITONES[self.step] + self.alter


def signature_of(key: KeyName) -> KeySignature:
    """The signature and mode of a key; scales that MusicXML cannot name become major or minor."""
    if key.scale not in _MODES:
        return KeySignature(key.sharps, "minor" if key.is_minor else "major")
    mode, shift = _MODES[key.scale]
    return KeySignature((key.tonic * 7 + shift + 6) % 12 - 6, mode)


def key_of(signature: KeySignature) -> KeyName | None:
    """The key a signature and mode name; None where the mode is unknown or "none"."""
    if signature.mode not in _SCALES:
        return None
    scale, shift = _SCALES[signature.mode]
    return KeyName((signature.fifths - shift) * 7 % 12, scale)


def sounding_pitch_classes(piece: Piece) -> np.ndarray:
    """Sounding ticks of each pitch class, float [12]; drums left out."""
    tables = [track.notes for track in piece.tracks if not track.is_drum]
    notes = np.concatenate([note_table([]), *tables])
    return pitch_class_weights(notes["pitch"], notes["duration"])


def estimate_signature(piece: Piece) -> KeySignature:
    """The signature of the likeliest key of the whole piece, with mode "none"."""
    key = estimate_key(sounding_pitch_classes(piece)) or KeyName(0)
    return KeySignature(key.sharps, "none")


def alterations_of(fifths: int) -> dict[str, int]:
    """Semitones that a signature adds to each letter."""
    return {step: (fifths + 6 - place) // 7 for place, step in enumerate(FIFTHS)}


def spell(pitch: int, signature: KeySignature) -> Spelled:
    """Spell a MIDI pitch as music in a key does: by nearness on the line of fifths.

    Twelve neighbours on the line are in use: in major from the flat third to the sharp fifth,
    in minor one fifth higher, so that raised sixths and sevenths are sharps. Double
    accidentals are avoided, and so are octaves below 0, which MusicXML cannot write.
    """
    lowest = signature.fifths - (2 if signature.mode in ("minor", "aeolian") else 3)
    place = lowest + (pitch * 7 - lowest) % 12
    for line in (place, place - 12, place + 12):
        alter = (line + 1) // 7
        octave = (pitch - alter) // 12 - 1
        if abs(alter) <= 1 and octave >= 0:
            return Spelled(FIFTHS[(line + 1) % 7], alter, octave)
    # Only pitches 0-11 reach this line: they lie below the lowest octave of the format.
    return spell(pitch + 12, signature)


class DrumSign(NamedTuple):
    """Where a drum stands on the staff of a percussion clef, and the shape of its head."""

    step: str
    octave: int
    head: str
    name: str


# General MIDI percussion on a five-line staff, after the usage of Weinberg's "Guide to
# Standardized Drumset Notation" (1998): feet low, drums on lines, cymbals x above.
_SIGNS = """
27 B 4 diamond High Q|28 B 4 diamond Slap|29 B 4 x Scratch Push|30 B 4 x Scratch Pull
31 C 5 x Sticks|32 B 4 x Square Click|33 B 4 x Metronome Click|34 B 4 diamond Metronome Bell
35 E 4 normal Acoustic Bass Drum|36 F 4 normal Bass Drum|37 C 5 x Side Stick
38 C 5 normal Snare|39 C 5 diamond Hand Clap|40 C 5 circle-x Electric Snare
41 G 4 normal Low Floor Tom|42 G 5 x Closed Hi-Hat|43 A 4 normal High Floor Tom
44 D 4 x Pedal Hi-Hat|45 B 4 normal Low Tom|46 G 5 circle-x Open Hi-Hat
47 D 5 normal Low-Mid Tom|48 D 5 diamond High-Mid Tom|49 A 5 x Crash Cymbal|50 E 5 normal High Tom
51 F 5 x Ride Cymbal|52 B 5 circle-x China Cymbal|53 F 5 diamond Ride Bell
54 E 5 diamond Tambourine|55 B 5 x Splash Cymbal|56 E 5 x Cowbell|57 C 6 x Crash Cymbal 2
58 F 4 x Vibraslap|59 D 5 x Ride Cymbal 2|60 E 5 slash High Bongo|61 D 5 slash Low Bongo
62 C 5 slash Mute Conga|63 B 4 slash Open Conga|64 A 4 slash Low Conga
65 E 5 triangle High Timbale|66 D 5 triangle Low Timbale|67 F 5 triangle High Agogo
68 C 5 triangle Low Agogo|69 G 5 diamond Cabasa|70 A 5 diamond Maracas
71 B 4 triangle Short Whistle|72 A 4 triangle Long Whistle|73 A 4 x Short Guiro
74 A 4 diamond Long Guiro|75 C 6 diamond Claves|76 F 5 square High Wood Block
77 D 5 square Low Wood Block|78 E 5 square Mute Cuica|79 C 5 square Open Cuica
80 A 5 triangle Mute Triangle|81 A 5 circle-x Open Triangle|82 G 5 diamond Shaker
83 G 5 square Jingle Bell|84 B 5 diamond Bell Tree|85 B 5 square Castanets
86 A 4 square Mute Surdo|87 G 4 square Open Surdo
"""


def _parse_signs(table: str) -> dict[int, DrumSign]:
    signs = {}
    for entry in table.replace("\n", "|").split("|"):
        if entry:
            key, step, octave, head, name = entry.split(maxsplit=4)
            signs[int(key)] = DrumSign(step, int(octave), head, name)
    return signs


DRUM_SIGNS = _parse_signs(_SIGNS)


def drum_sign(key: int) -> DrumSign:
    """The sign of a percussion key 0-127; keys outside General MIDI share a middle-line square."""
    return DRUM_SIGNS.get(key, DrumSign("B", 4, "square", f"Percussion {key}"))


def drum_key(step: str, octave: int, head: str) -> int:
    """The likeliest General MIDI key for a sign; snare where the place says nothing."""
    place = [key for key, sign in DRUM_SIGNS.items() if (sign.step, sign.octave) == (step, octave)]
    same_head = [key for key in place if DRUM_SIGNS[key].head == head]
    kit = [key for key in same_head or place if 35 <= key <= 59]
    return (kit or same_head or place or [38])[0]
