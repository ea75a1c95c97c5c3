"""Which of several pieces is kept: by what people rated, and by what sounds like real music.

n_best        how many candidates, and by which critics
excerpts      bars of a piece as columns of numbers
recurrent_critic   a network that tells real bars from composed ones
traits        what can be heard of a piece, as numbers with names
critic        Critic: a weight for each trait; the file beside a model
comparisons   pairs and what was answered
tuning        pairs to a critic, and what it learned in words and figures
"""

# What published systems and experiments may import; the rest is inside.
__all__ = [
    "comparisons",
    "critic",
    "excerpts",
    "n_best",
    "recurrent_critic",
    "traits",
    "tuning",
]
