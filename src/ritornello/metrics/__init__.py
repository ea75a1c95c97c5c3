"""Figures of pieces: how like real music they are. No figure is used in generation.

overlap           distributions of features beside real ones (Yang and Lerch)
consonance        whether parts agree with given ones
endings           whether a piece ends like a piece
repetition        bars that return after some bars
returns           how alike the bars of a piece are, at each distance
loops             figures that repeat and repeat
keeping           what real music has and composed music lacks
drift             whether endless music stays the same
voice_leading_faults  parallels, crossings and ranges of four voices
chorale_baseline  voices by a Markov chain
token_baselines   unigrams and bigrams of tokens
similarity        cosines of rolls and features
rolls             figures of piano-rolls
"""

# What published systems and experiments may import; the rest is inside.
__all__ = [
    "chorale_baseline",
    "consonance",
    "drift",
    "endings",
    "keeping",
    "loops",
    "overlap",
    "repetition",
    "returns",
    "rolls",
    "similarity",
    "token_baselines",
    "voice_leading_faults",
]
