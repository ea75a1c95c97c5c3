"""What can be heard in a recording: notes, beats, key, chords, and what is wrong with it."""
