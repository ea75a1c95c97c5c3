"""A training step's element-wise work, each pass over memory doing all it can.

c_functions    the functions of `_fused.c`, compiled on first use, and how threads share them
operations     blocks, lookups and heads with their gradients, on those functions
fused_network  the note model on those operations: what `network.NoteModel` computes, several times
               as fast; that is their reference, and what runs where there is no compiler
"""
