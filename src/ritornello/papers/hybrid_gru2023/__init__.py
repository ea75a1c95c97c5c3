"""`hybrid-gru2023`: four cells on pitch, step and duration, three tasks.

run       the study
data      five-track pieces
lpd5      the Lakh Pianoroll Dataset as published
encoding  a track as (pitch, step, duration)
model     rnn, lstm, gru and the hybrid
train     training, forecasts, new notes
jobs      trainings side by side
measure   one row of figures for each network
ours      our model, asked the same
piano     our bundled model on piano music
report    the tables
"""
