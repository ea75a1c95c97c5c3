"""Pieces as arrays a network can learn, and back. No torch here.

There is one encoding, `notes`; the others here are computed from its events. A model file names the
encoding it was trained with, and one of any other name or version is refused. The published systems
have encodings of their own in their folders.

notes      events of five fields: shift, part, pitch, duration, velocity
context    what is computed from the events so far, for a whole piece
tracker    the same, one event at a time
matching   what followed where the last events stood before
given      given notes, as the network sees them ahead
bar_grid   where in its bar a tick lies
bar_plan   what a composer is told of a plan, and the bar that it refers to
piece_controls  what may be asked for: key, density, instruments
tasks      which notes of a piece are given, drawn at random for training
tables     which columns each head reads
sequences  all of these for a piece, as tables
batch      the tables of several pieces side by side
ngrams     unigrams and bigrams of the fields, the baseline
"""

# What published systems and experiments may import; the rest is inside.
__all__ = [
    "batch",
    "bar_grid",
    "bar_plan",
    "context",
    "piece_controls",
    "given",
    "ngrams",
    "notes",
    "sequences",
    "tables",
    "tasks",
    "tracker",
]
