"""MusicXML: from a score to a piece and back.

read         bytes to a piece
write        a piece to bytes
container    plain and compressed files
instruments  who plays the parts: programs, drums, names
measures     what the measures of a part hold, in the order they are written
raw_measure  one measure as plain values
repeat_signs signs that stand for the measure or the beat before
leads        D.C., D.S., coda and Fine, as directions state them
play_order   the order in which measures are played: repeats, endings, D.C. and the like
timeline     the played measures, and what changes when
tracks       the notes of a part as tracks: ties joined, words and signs with them
harmony      chord symbols, both ways
lyrics       words under notes, both ways
signs        articulations, ornaments, fermatas and slurs at notes, both ways
directions   dynamics, words, rehearsal marks and pedals between notes, both ways
placing      where what stands beside the notes is written
part_lines   one part as lines
notation     notes as notation writes them: voices, ties, tuplets, beams
parts        tracks as staves
choir_staves soprano and alto on one staff, tenor and bass on another
marks        tempo, clef and loudness as a score prints them
numbers      numbers as the format writes them
"""

# What published systems and experiments may import; the rest is inside.
__all__ = ["read", "write"]
