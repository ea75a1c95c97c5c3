"""`rhythmix2024`: stacked LSTM layers over melodic lines, a search, songs, a feedback loop.

run       the study
data      melodic lines of MIDI files
encoding  a line as pitches and durations
model     the stacked LSTM
train     its training, scoring, continuations
search    learning rate and batch size
bench     networks, songs and ratings of a run
songs     complete songs, theirs and ours
feedback  learning from ratings, as published
ratings   the same with our model
given     lines written for given ones
"""
