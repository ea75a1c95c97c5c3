"""The kinds of sound file that can be written, by ending. A new one is a line below."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SoundFormat:
    """A kind of sound file.

    Attributes:
        container, coding: as libsndfile names them.
        compression: how much to compress, 0 to 1; None where nothing is to be chosen.
        about: what is in it, in a few words.
        is_lossless: whether it gives back every sample.
    """

    container: str
    coding: str
    compression: float | None
    about: str
    is_lossless: bool = False


SOUND_FORMATS: dict[str, SoundFormat] = {
    ".wav": SoundFormat("WAV", "PCM_24", None, "24 bits; floating point if louder", True),
    ".flac": SoundFormat("FLAC", "PCM_24", 0.5, "24 bits, compressed without loss", True),
    ".ogg": SoundFormat("OGG", "VORBIS", 0.2, "Vorbis, about 180 kbit/s"),
    ".mp3": SoundFormat("MP3", "MPEG_LAYER_III", 0.2, "about 180 kbit/s"),
}
AUDIO_SUFFIXES = frozenset(SOUND_FORMATS)
LOSSLESS_SUFFIXES = tuple(name for name, kind in SOUND_FORMATS.items() if kind.is_lossless)
# What is left to PyAV (extra ``m4a``) to read.
PYAV_SUFFIXES = frozenset(
    (".m4a", ".aac", ".mp4", ".m4b", ".3gp", ".mov", ".wma", ".webm", ".mka", ".mkv", ".amr")
)
