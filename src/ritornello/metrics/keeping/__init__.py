"""Whether people would keep a piece: what real music has and composed music lacks, in numbers.

measures            figures of one piece: what returns, loops, chords, drums, players, silence
tunes               how the tune of a piece moves: repeated notes, seconds, leaps
choirs              figures of a piece for voices: complete chords, silent voices, the last chord
sets                figures of a set beside those of another
two_sample          how well a small network tells two sets apart
excerpt_classifier  that network
"""

# What published systems and experiments may import; the rest is inside.
__all__ = ["choirs", "measures", "sets", "two_sample"]
