"""A piece of music as a value, and what can be read in it without a network.

piece        Piece and Track: notes and what belongs to them, on integer ticks
events       Note, Tempo, Metre, ...: what stands at a tick
note_tables  notes, controllers, bends and pressures as NumPy tables
changes      tempi, lyrics and all else that stands at ticks: put in order, and moved
controls     pedals, volume, bend ranges: MIDI controllers by name and number
keys         keys and scales, and which key notes are in
chords       chord symbols and chord charts
harmony      which chords sound in a piece
instruments  families of instruments by their names and MIDI programs
instrument_names  the program or drum that a part's printed name means
instrument_words  the words for instruments in many languages
selection    some of the notes of a piece, and its melody
piece_facts  what lists and programs want to know of a piece
slicing      bar lines, and pieces cut out at bars, ticks or seconds
lateness     how late all notes of a piece lie beside the sixteenths
grid         pieces on the grid of 24 ticks a quarter
quantise     onsets and durations as notation can write them
dynamics     how loud a dynamic mark is
spelling     names of pitches in a key
io           files of music, one format a module
"""

# What published systems and experiments may import; the rest is inside.
__all__ = [
    "chords",
    "grid",
    "harmony",
    "instruments",
    "io",
    "keys",
    "note_tables",
    "piece",
    "piece_facts",
    "quantise",
    "selection",
    "slicing",
    "spelling",
]
