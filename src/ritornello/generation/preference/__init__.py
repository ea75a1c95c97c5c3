"""What people like: a critic that learned from pairs they rated, and ranks what is composed.

excerpts      bars of a piece as columns of numbers, for networks that judge music
traits        what can be heard of a piece, as numbers with names
critic        Critic: a weight for each trait; the file beside a model
comparisons   pairs and what was answered
tuning        pairs to a critic, and what it learned in words and figures
"""

# What published systems and experiments may import; the rest is inside.
__all__ = ["comparisons", "critic", "excerpts", "traits", "tuning"]
