"""A mix to its stems: bass, drums, piano and the rest, by a recurrent network.

separation      separate, train_separator: as a user calls them
band_notes      a mix to the notes of each player
mix_files       a recording of any length to a file for each stem
overlapping_chunks  sound of any length through the network, in overlapping chunks
runtime         the network in NumPy
model           the network in torch
band_split      bands of a spectrum that the network reads
training        its training
mixing          mixes made while training
rendered_stems  mixes with known stems, rendered from MIDI
stem_player     stems that sum to their mix, played from a plan
stem_examples   excerpts of stems on disk
stem_folders    songs with a sound file for each stem
scores          SI-SDR and other figures of stems
"""

# What published systems and experiments may import; the rest is inside.
__all__ = [
    "band_split",
    "mixing",
    "overlapping_chunks",
    "rendered_stems",
    "runtime",
    "scores",
    "separation",
    "stem_examples",
    "stem_folders",
    "stem_player",
    "training",
]
