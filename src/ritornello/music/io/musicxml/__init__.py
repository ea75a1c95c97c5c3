"""MusicXML: from a score to a piece and back.

read       bytes to a piece
write      a piece to bytes
container  plain and compressed files
numbers    numbers as the format writes them
instruments  who plays the parts: programs, drums, names
measures   what the measures of a part hold, in the order they are played
notation   notes as notation writes them: voices, ties, tuplets, beams
parts      tracks as staves
marks      tempo, metre and key as a score prints them
"""

# What published systems and experiments may import; the rest is inside.
__all__ = ["read", "write"]
