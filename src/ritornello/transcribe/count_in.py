"""A count-in before the music: a few clicks that follow evenly, and the tempo and beat they tell.

Who counts in, with sticks or a metronome, says how fast the beat is and where it lies, and whoever
hears the music alone may take its offbeats for beats. Clicks are strokes that die away at once;
three to eight of them, evenly, before anything else is played, are a count-in.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from ritornello.transcribe.spectra import FRAME_SECONDS, SHORT_BANDS, log_bands
from ritornello.transcribe.strokes import strokes_seconds
from ritornello.transcribe.values import Hints

_HEARD_SECONDS = 30.0  # in which it must end
_FEWEST, _MOST = 3, 8
_FASTEST_SECONDS, _SLOWEST_SECONDS = 0.3, 1.3
_EVEN_SHARE = 0.06
_DIES_FRAMES, _DIES = 9, 0.75  # a click is so far, in log10 of the amplitude, below itself then
_BARS = 3, 4, 6, 8  # clicks that end with a bar
_LATEST = 1.6  # clicks' distances from the last click to the music
_OF_A_CLICK_SECONDS = 0.15


@dataclass(frozen=True)
class CountIn:
    """Clicks before the music.

    Attributes:
        clicks_seconds: when each is struck, ascending, even.
    """

    clicks_seconds: tuple[float, ...]

    @property
    def beat_seconds(self) -> float:
        """From one to the next."""
        first, *_, last = self.clicks_seconds
        return (last - first) / (len(self.clicks_seconds) - 1)

    def __str__(self) -> str:
        """What was heard, as a sentence."""
        count, tempo_bpm = len(self.clicks_seconds), 60 / self.beat_seconds
        return f"It is counted in with {count} clicks at {tempo_bpm:.0f} a minute, and heard so."

    def hints(self, known: Hints) -> Hints:
        """What it says of tempo and beat, beside what the player says, who is believed first."""
        if known.beats_seconds is not None or known.tempo_bpm is not None:
            return known
        if known.downbeat_seconds is not None or len(self.clicks_seconds) not in _BARS:
            return replace(known, tempo_bpm=60 / self.beat_seconds)
        first = self.clicks_seconds[-1] + self.beat_seconds
        return replace(known, tempo_bpm=60 / self.beat_seconds, downbeat_seconds=first)

    def without_clicks(self, notes: np.ndarray) -> np.ndarray:
        """Notes, `HEARD_NOTE_DTYPE`, but for those that are clicks."""
        clicks = np.array(self.clicks_seconds)
        away = np.abs(notes["onset_seconds"][:, None] - clicks).min(axis=1)
        result: np.ndarray = notes[away > _OF_A_CLICK_SECONDS]
        return result


def find_count_in(blocks: Iterable[np.ndarray], notes: np.ndarray) -> CountIn | None:
    """The clicks before the music of a recording, or None.

    Args:
        blocks: the recording, mono float32 at 22,050 Hz; its beginning is read.
        notes: that were transcribed, `HEARD_NOTE_DTYPE` by onset; may hold the clicks.
    """
    spectra, frames = [], 0
    for part in log_bands(blocks):
        spectra.append(part)
        frames += len(part)
        if frames * FRAME_SECONDS > _HEARD_SECONDS:
            break
    return clicks_of(np.concatenate(spectra), notes) if spectra else None


def clicks_of(spectra: np.ndarray, notes: np.ndarray) -> CountIn | None:
    """The clicks before the music in log bands [frames, bands], or None."""
    strokes = strokes_seconds(spectra, np.zeros(0))
    if len(strokes) < _FEWEST:
        return None
    loudest = spectra[:, :SHORT_BANDS].max(axis=1)
    clicks: list[float] = []
    for stroke in strokes[: _MOST + 1].tolist():
        frame = round(stroke / FRAME_SECONDS)
        after = loudest[frame + _DIES_FRAMES : frame + _DIES_FRAMES + 1]
        peak = loudest[max(0, frame - 1) : frame + 3].max()
        if not len(after) or peak - after[0] < _DIES or not _goes_on(clicks, stroke):
            break
        clicks.append(stroke)
    if not _FEWEST <= len(clicks) <= _MOST:
        return None
    found = CountIn(tuple(clicks))
    played = found.without_clicks(notes)["onset_seconds"]
    if not len(played):
        return None
    begins = (float(played[0]) - clicks[-1]) / found.beat_seconds
    return found if 0 < begins < _LATEST else None


def _goes_on(clicks: list[float], stroke: float) -> bool:
    """Whether a stroke follows clicks as evenly and as fast as one of a count-in."""
    if not clicks:
        return True
    length = stroke - clicks[-1]
    if len(clicks) == 1:
        return _FASTEST_SECONDS < length < _SLOWEST_SECONDS
    usual = (clicks[-1] - clicks[0]) / (len(clicks) - 1)
    return abs(length / usual - 1) < _EVEN_SHARE
