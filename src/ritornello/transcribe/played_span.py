"""From when to when a recording is played music, by how surely beats are heard in it.

People talk before they play and are applauded afterwards. In neither the beat network hears much
(a quarter and less of what it hears in the music, as the peak of each second), nor in the noise of
a room; what it hears in the drums that begin a song is as much as in the song.
"""

from __future__ import annotations

import numpy as np

from ritornello.transcribe.spectra import FRAME_SECONDS

_SECOND = round(1 / FRAME_SECONDS)  # in frames
_USUAL_SECONDS = 8  # the surest of the recording tell what is usual in it
_LEAST_SHARE = 0.45
_SHORTEST_SECONDS = 4  # less than that before or behind the music does no harm
_AROUND = np.full(3, 1 / 3)  # seconds that are looked at together


def played_frames(likely: np.ndarray) -> tuple[int, int]:
    """The first frame of the music and the one behind its last.

    Args:
        likely: how likely each frame is a beat, [frames].
    """
    seconds = len(likely) // _SECOND
    if seconds < 2 * _USUAL_SECONDS:
        return 0, len(likely)
    peaks = likely[: seconds * _SECOND].reshape(seconds, _SECOND).max(axis=1)
    least = _LEAST_SHARE * np.sort(peaks)[-_USUAL_SECONDS:].mean()
    smooth = np.convolve(np.pad(peaks, 1, mode="edge"), _AROUND, mode="valid")
    sure = np.flatnonzero((smooth >= least) & (peaks >= least))
    first, last = int(sure[0]), int(sure[-1]) + 1
    return (
        first * _SECOND if first >= _SHORTEST_SECONDS else 0,
        last * _SECOND if seconds - last >= _SHORTEST_SECONDS else len(likely),
    )
