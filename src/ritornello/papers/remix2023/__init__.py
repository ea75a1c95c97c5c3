"""`remix2023`: three networks on raw samples, from a mix or a solo to stems.

run              the study
encoding         one-second chunks
model            BiLSTM(1) over samples, three forms
unit_lstm        that BiLSTM, in C where there is a compiler
stem_job         a network to train, and what became of it
train            parallel jobs
chunk_objective  what each of them learns
measure          stems beside real ones and trivial ones
ours             our note model and renderer, asked the same
band             bass and drums under a given line
wishes           what the authors left open
"""

# What experiments may import; the rest is inside.
__all__ = ["encoding", "measure", "model"]
