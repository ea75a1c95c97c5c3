"""A recording to a Transcription: `ritornello transcribe`, and the first step of a remix."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from ritornello.errors import ConfigError
from ritornello.files import refuse_target, save
from ritornello.music.instruments import DRUMS, INSTRUMENTS, parse_instrument
from ritornello.music.keys import KeyName, parse_key
from ritornello.transcribe.transcription import Transcription, listen
from ritornello.transcribe.values import Hints

_NO_HINTS = Hints()


def transcribe(
    recording: str | PathLike[str],
    target: str | PathLike[str] | None = None,
    *,
    hints: Hints = _NO_HINTS,
    key: KeyName | str | None = None,
    instrument: str | None = None,
    overwrite: bool = False,
) -> Transcription:
    """A recording of one instrument to its notes, beats, key and chords.

    Args:
        recording: wav, flac, ogg, mp3 and others; m4a with the extra ``m4a``.
        target: where to save the notes; the ending chooses the format. Nowhere if None.
        hints: what is known of tempo, metre and bar lines.
        key: if it is known.
        instrument: which one it is; a piano if None.

    Returns:
        What was heard; its ``piece`` has the notes as they were played, on the player's own beats.

    Raises:
        InputError: if there is no sound to be heard. ConfigError: if a hint has no meaning.
        OutputError: if the target cannot be written.
    """
    if target is not None:
        refuse_target(target, overwrite=overwrite)
    key = parse_key(key) if isinstance(key, str) else key
    transcription = listen(Path(recording), hints, key=key, program=program_of(instrument))
    if target is not None:
        save(transcription.piece, target, overwrite=overwrite)
    return transcription


def program_of(instrument: str | None) -> int | None:
    """The General MIDI program of a pitched instrument by name.

    Raises:
        ConfigError: if there is none of this name.
    """
    if instrument is None:
        return None
    index = parse_instrument(instrument)
    if index == DRUMS:
        raise ConfigError(
            "Drums alone are not transcribed, only pitched instruments and whole bands.",
            next_step="Name the instrument that plays, such as piano, guitar or violin.",
        )
    return INSTRUMENTS[index].program
