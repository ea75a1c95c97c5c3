"""A piece to sound files, in blocks: ten hours of music take the memory of a song.

The samples are those of `ritornello.synth.render`. What a whole piece decides, its gain, its
limiter and its end, is found while the sound is made; meanwhile it is kept in a hidden file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from os import PathLike
from pathlib import Path

import numpy as np

from ritornello.atomic import atomic_write
from ritornello.dsp.mastering import Meter, curve_at, limiter_curve, mastering_gain
from ritornello.dsp.scratch import Scratch, refuse_full_disk, stretches
from ritornello.dsp.sound_files import refuse_unholdable, sound_file
from ritornello.music.piece import Piece
from ritornello.synth.block_playback import played
from ritornello.synth.render import (
    closing_fade,
    most_samples,
    open_sampler,
    seated,
    sound_end,
)
from ritornello.synth.soundfont import SoundFont

_RATE_HZ = 44_100
Font = SoundFont | str | PathLike[str] | None


def render_to_file(
    piece: Piece, target: Path, *, soundfont: Font = None, overwrite: bool = False
) -> None:
    """Write the mix that `ritornello.synth.render.render` makes.

    The hidden file takes 8 bytes a sample, 1.3 GB an hour.

    Raises:
        InputError: if the piece is too long or the font cannot be used.
        OutputError: if the file exists, cannot hold the sound, or cannot be written.
    """
    total = most_samples(piece, _RATE_HZ)
    refuse_unholdable(target, _RATE_HZ, 2)
    with atomic_write(target, overwrite=overwrite) as temporary:
        refuse_full_disk(target.parent, total, 1)
        sampler = open_sampler(soundfont, _RATE_HZ)
        with closing(Scratch(target.parent)) as scratch:
            blocks = played(piece, seated(piece.tracks), sampler, total, _RATE_HZ)
            levels = scratch.record(blocks, Meter(_RATE_HZ))
            gain = mastering_gain(levels)
            curve = limiter_curve(levels.peaks * gain)

            def factor(start: int, count: int) -> np.ndarray:
                return (gain * curve_at(curve, levels.hop, start, count)).astype(np.float32)

            end = sound_end(piece, levels, _RATE_HZ)
            _write(scratch, (temporary, target), end, factor, peak=0.0)


def render_stems_to_files(
    piece: Piece, targets: Mapping[str, Path], *, soundfont: Font = None, overwrite: bool = False
) -> None:
    """Write the stems that `ritornello.synth.render.render_stems` makes; all appear, or none.

    The hidden files take 8 bytes a sample of each stem.

    Args:
        targets: a file for each of `ritornello.synth.render.stem_names`, in that order.

    Raises:
        InputError: if the piece is too long or the font cannot be used.
        OutputError: if a file exists, cannot hold the sound, or cannot be written.
    """
    total = most_samples(piece, _RATE_HZ)
    seats = seated(piece.tracks)
    with ExitStack() as files:
        places = []
        for target in targets.values():
            refuse_unholdable(target, _RATE_HZ, 2)
            temporary = files.enter_context(atomic_write(target, overwrite=overwrite))
            places.append((temporary, target))
        if not places:
            return
        folder = places[0][1].parent
        refuse_full_disk(folder, total, len(places))
        sampler = open_sampler(soundfont, _RATE_HZ)
        scratches = [files.enter_context(closing(Scratch(folder))) for _ in places]
        players = [played(piece, [seat], sampler, total, _RATE_HZ) for seat in seats]
        meter = Meter(_RATE_HZ)
        for block in _summed(players, scratches):
            meter.add(block)
        levels = meter.levels()
        gain = np.float32(mastering_gain(levels))
        end = sound_end(piece, levels, _RATE_HZ)
        for scratch, place in zip(scratches, places, strict=True):
            peak = scratch.peak * float(gain)
            _write(scratch, place, end, lambda start, count: np.full(count, gain), peak=peak)


def _summed(players: list[Iterator[np.ndarray]], scratches: list[Scratch]) -> Iterator[np.ndarray]:
    """Blocks of all stems together, while each is kept."""
    for blocks in zip(*players, strict=True):
        both = np.zeros_like(blocks[0])
        for scratch, block in zip(scratches, blocks, strict=True):
            scratch.write(block)
            both += block
        yield both


def _write(
    scratch: Scratch,
    place: tuple[Path, Path],
    end: int,
    factor: Callable[[int, int], np.ndarray],
    *,
    peak: float,
) -> None:
    """Write the samples up to ``end`` times a factor each, faded out at the end.

    Args:
        place: where it is written, and what it will be called.
        factor: float32 [count] for a start and a count. peak: the highest sample of the result.
    """
    fade = closing_fade(_RATE_HZ)
    # A wav that passes full scale, as a stem may, is of floating point, so that nothing is lost.
    temporary, target = place
    coding = "FLOAT" if target.suffix.lower() == ".wav" and peak > 1 else None
    with sound_file(temporary, target, _RATE_HZ, 2, end, coding) as file:
        for start, count in stretches(end):
            sound = scratch.read(start, count) * factor(start, count)
            into = start + count - (end - len(fade))  # the samples that fade by now
            if into > 0:
                ours = fade[max(0, into - count) : into]
                sound[:, count - len(ours) :] *= ours
            file.write(np.ascontiguousarray(sound.T))
