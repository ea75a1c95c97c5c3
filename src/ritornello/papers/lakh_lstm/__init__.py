"""`lakh-lstm`: fifty note and chord tokens through one LSTM layer to the next.

run       the study
data      the songs as tokens
lakh      the clean Lakh MIDI subset as published
encoding  notes and chords as tokens
model     the network
train     its training
nets      as published, and with an embedding
ours      our model, asked the same
primers   openings that our model continues
search    a search over settings of our model
report    figures, tables, curves, histograms
"""
