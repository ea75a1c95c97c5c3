"""The network that writes notes, one recurrent step a note; training and playing share all of it.

encoding      a piece as the events the network reads and writes
network       the network in torch
cells         recurrent cells by name
engine        the network played without torch, in NumPy or C
checkpoint    a saved model in one file that describes itself
weights_file  a saved network that listens, likewise
likelihood    nats a note of a model on pieces
library       which models there are and what each says of itself
"""

# What published systems and experiments may import; the rest is inside.
__all__ = [
    "cells",
    "checkpoint",
    "encoding",
    "engine",
    "library",
    "likelihood",
    "network",
    "weights_file",
]
