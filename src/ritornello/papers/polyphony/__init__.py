"""Our frame model on the published benchmarks of polyphonic music.

benchmarks  what is known of each
data        their files and splits
voice_clues what is told before each note of music in parts
encoding    frames as rows of notes in ascending order
model       the network
train       its training and exact scoring
measure     three seeds, one figure
baselines   coins and chains
"""
