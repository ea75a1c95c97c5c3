"""From a recording of any length to a sound file for each part."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from ritornello.atomic import atomic_write, refuse_existing
from ritornello.dsp.diagnostics import Finding
from ritornello.dsp.recordings import Recording
from ritornello.dsp.sound_files import BLOCK, refuse_unholdable, sound_file
from ritornello.dsp.sound_formats import LOSSLESS_SUFFIXES
from ritornello.errors import InputError, OutputError
from ritornello.separate.overlapping_chunks import root_mean_square, separate_blocks
from ritornello.separate.runtime import SeparatorNetwork
from ritornello.separate.stem_folders import PARTS

_FAINT_DB = -70.0


def separate_file(
    recording: Recording,
    folder: Path,
    network: SeparatorNetwork,
    *,
    suffix: str = ".wav",
    overwrite: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[list[Path], list[Finding]]:
    """Write the parts of a recording, with its rate, its length and its channels, at most two.

    A wav holds 32-bit floating point, as a part may pass full scale where the mix does not; flac
    holds 24 bits and cuts that off.

    Args:
        recording: read twice: its level is needed first.
        folder: gets a file for each part.
        progress: called with samples done and samples in all.

    Returns:
        The paths, in the order of the parts, and what was unusual.

    Raises:
        OutputError: if the ending is not one of `LOSSLESS_SUFFIXES`, or a file exists or cannot
            be written.
        InputError: if the recording is silent.
    """
    channels = min(2, recording.channels)
    paths = refuse_stems(folder, suffix, overwrite=overwrite)
    for path in paths:
        refuse_unholdable(path, recording.rate_hz, channels)
    findings = list(recording.findings)

    def lost(start: float, end: float) -> None:
        sentence = f"The recording is damaged from {start:.1f} to {end:.1f} s; that is silent."
        findings.append(Finding("damaged", sentence, end - start))

    level = root_mean_square(_blocks(recording, channels, lost))
    if not level:
        raise InputError(
            "The recording is silent: there is nothing to separate.", where=str(recording.path)
        )
    level_db = 20 * float(np.log10(level))
    if level_db < _FAINT_DB:
        sentence = f"The recording is very faint ({level_db:.0f} dB); its parts are mostly noise."
        findings.append(Finding("faint", sentence, level_db))
    blocks = _blocks(recording, channels)
    with ExitStack() as stack:
        outputs = []
        for path in paths:
            temporary = stack.enter_context(atomic_write(path, overwrite=overwrite))
            coding = "FLOAT" if suffix == ".wav" else None
            output = sound_file(
                temporary, path, recording.rate_hz, channels, recording.frames, coding
            )
            outputs.append(stack.enter_context(output))
        done = 0
        for parts in separate_blocks(blocks, recording.rate_hz, network, level=level):
            for output, part in zip(outputs, parts, strict=True):
                for start in range(0, len(part), BLOCK):
                    output.write(np.ascontiguousarray(part[start : start + BLOCK]))
            done += parts.shape[1]
            progress(done, recording.frames)
    return paths, findings


def refuse_stems(folder: Path, suffix: str, *, overwrite: bool) -> list[Path]:
    """The file of each part.

    Raises:
        OutputError: if the ending is not one of `LOSSLESS_SUFFIXES`, or a file exists or cannot be
            written.
    """
    if suffix not in LOSSLESS_SUFFIXES:
        raise OutputError(
            f"Parts are written as {' or '.join(LOSSLESS_SUFFIXES)}; found {suffix or 'no ending'}."
        )
    paths = [folder / f"{part}{suffix}" for part in PARTS]
    for path in paths:
        refuse_existing(path, overwrite)
    return paths


def _blocks(
    recording: Recording,
    channels: int,
    lost: Callable[[float, float], None] = lambda start_seconds, end_seconds: None,
) -> Iterator[np.ndarray]:
    """float32 [samples, channels]."""
    for block in recording.blocks(recording.rate_hz, channels, lost):
        yield block.reshape(len(block), channels)
