"""A mix taken apart into bass, drums, piano and the rest, by a recurrent network in NumPy.

network   which share of each bin is whose
stream    any length of sound, in overlapping chunks
files     from a sound file to one file for each part
"""
