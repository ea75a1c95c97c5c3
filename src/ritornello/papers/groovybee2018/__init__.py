"""`groovybee2018`: velocity rolls of each part alone, two LSTM forms, four lengths of window.

run       the study
data      classical MIDI files
encoding  a part as velocities [tick, pitch]
model     both forms of the network
train     windows, training by time, forecasts
measure   networks side by side, and ours
report    tables and curves
"""
