"""The network that writes notes, one recurrent step a note; training and playing share all of it.

encoding           a piece as the events the network reads and writes
network            the network in torch
cells              recurrent cells by name
fused              a training step's element-wise work in C
shapes             which arrays a network of given settings has
engine             the network played without torch, in NumPy or C
checkpoint         a saved model in one file that describes itself
checkpoint_checks  whether such a file holds what a model needs
weights_file       a saved network that listens, likewise
safetensors_file   the file of both, opened without trusting it
plan_inputs        a model that is told no plans, made one that is
likelihood         nats a note of a model on pieces
library            which models there are and what each says of itself
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
    "plan_inputs",
    "shapes",
    "weights_file",
]
