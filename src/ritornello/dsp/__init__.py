"""Sound as numbers: reading, writing and changing it; no music in it.

waveform       Waveform: samples and their rate
sound_formats  the kinds of sound file there are
sound_files    wav, flac, ogg and mp3, to and from a Waveform
recordings     any recording, read in blocks
mp3_frames     how long an mp3 file is, to the sample
streamed_wav   wav files whose sizes are 0
scratch        sound on its way to a file, kept on the disk
short_time     short-time Fourier transform of a stream
effects        filters, rooms, noise and coding
reverb         the room of a mix
mastering      loudness, true peak, and the limiter
diagnostics    what is unusual in a recording, as a sentence and a number
"""

# What published systems and experiments may import; the rest is inside.
__all__ = [
    "effects",
    "mastering",
    "recordings",
    "reverb",
    "short_time",
    "sound_files",
    "sound_formats",
    "waveform",
]
