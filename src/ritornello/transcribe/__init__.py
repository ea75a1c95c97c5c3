"""A recording to its notes, beats, key and chords, and how sure each is.

command        transcribe, as a user calls it
transcription  everything that was heard in a recording
values         notes, beats and hints in seconds
sound_measures  levels, tuning and spectrum of a recording
concert_pitch  how far its A lies from 440 Hz
checks         what is unusual in it
spoken         whether somebody speaks and nobody plays
cleaning       the recording as it is listened to
drum_detection  a recording of drums to its strokes
note_detection  a recording to its notes
note_activity  how likely each key sounds, as sound streams by
note_network   the network that says it, that of basic-pitch
note_features  what is looked at around a peak of that
note_decoding  peaks to notes
beats          a recording to its beats and bars
count_in       clicks before the music
strokes        whether enough happens to tell a beat
played_span    from when to when there is music
beats_file     beats by hand, to and from a file
steady         beats of a tempo that is known
spectra        the bands that the beat network reads
activations    how likely each frame is a beat
alone          whether one player is heard alone
note_beats     what the notes say of the beats
played_beats   played MIDI without a beat grid on beats of its own
beat_candidates  ways to count a recording
pulse          the even pulse of music made to a click
counting       the likeliest way to count
tracking       the likeliest sequence of beats
heard_key      the key of the notes
notes_on_beats  what is played on each beat
bars           which beats begin bars
bar_network    what the notes say of that
bar_following  beats that bend, followed anew by their bars
timeline       seconds of a recording as ticks of a piece
"""

# What published systems and experiments may import; the rest is inside.
__all__ = [
    "activations",
    "alone",
    "bar_following",
    "bar_network",
    "bars",
    "beat_candidates",
    "beats",
    "command",
    "counting",
    "drum_detection",
    "note_activity",
    "note_beats",
    "note_decoding",
    "note_detection",
    "note_features",
    "note_network",
    "notes_on_beats",
    "spectra",
    "tracking",
    "transcription",
    "values",
]
