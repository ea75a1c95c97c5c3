"""A recording to its notes, beats, key and chords, and how sure each is.

command        transcribe, as a user calls it
transcription  everything that was heard in a recording
values         notes, beats and hints in seconds
checks         what is unusual in a recording
note_detection  a recording to its notes
note_activity  how likely each key sounds, as sound streams by
note_network   the network that says it, that of basic-pitch
note_features  what is looked at around a peak of that
note_decoding  peaks to notes
beats          a recording to its beats and bars
spectra        the bands that the beat network reads
activations    how likely each frame is a beat
note_beats     what the notes say of the beats
tracking       the likeliest sequence of beats
bars           which beats begin bars
timeline       seconds of a recording as ticks of a piece
"""

# What published systems and experiments may import; the rest is inside.
__all__ = [
    "activations",
    "bars",
    "beats",
    "command",
    "note_activity",
    "note_beats",
    "note_decoding",
    "note_detection",
    "note_features",
    "note_network",
    "spectra",
    "tracking",
    "transcription",
    "values",
]
