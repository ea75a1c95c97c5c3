"""Notes to sound: a sampler of SoundFonts.

soundfont     SoundFont 2 and 3 files as values
zones         which sample a note sounds, and how
modulators    how key and velocity change a zone
tone          one held sound of a zone
gestures      pedals, loudness, place and pitch of a part over time
sampler       the notes of a part into a stereo buffer
render        a piece to a Waveform, in a room and at a level
render_files  a piece to sound files, whole and in stems
block_playback  a piece to sound in blocks, for music of any length
program_substitution  which preset plays a program that a SoundFont lacks
"""

# What published systems and experiments may import; the rest is inside.
__all__ = ["render", "sampler", "soundfont"]
