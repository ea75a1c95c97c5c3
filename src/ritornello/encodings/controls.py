"""What a listener may ask for: collection, key, density, instruments.

Each control is a class index that the network is fed at every step, or its open class when nobody
asked. In training they are read from the piece and left open at random, so that a composer may
leave any of them open too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ritornello.encodings import notes
from ritornello.encodings.notes import PART, PITCH, RESOLUTION, Encoded
from ritornello.instruments import INSTRUMENTS
from ritornello.keys import KeyName, estimate_key

KEY_OPEN = 24
_DENSITY_EDGES = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0)  # notes a quarter note
DENSITY_OPEN = len(_DENSITY_EDGES) + 1


@dataclass(frozen=True)
class Controls:
    """The controls of one piece.

    Attributes:
        collection: index of the collection in the model's list, or None.
        key: 0-11 major, 12-23 minor, by tonic; or None.
        density: class of notes per quarter note, see `density_class`; or None.
        instruments: indices into `INSTRUMENTS` of all that play; or None.
    """

    collection: int | None = None
    key: int | None = None
    density: int | None = None
    instruments: frozenset[int] | None = None

    def row(self, collections: int) -> np.ndarray:
        """Class indices, int64 [3]: collection (its count when open), key, density."""
        return np.array(
            [
                collections if self.collection is None else self.collection,
                KEY_OPEN if self.key is None else self.key,
                DENSITY_OPEN if self.density is None else self.density,
            ]
        )

    def instrument_row(self) -> np.ndarray:
        """float32 [instruments + 1]: one where an instrument plays; the last says "open"."""
        row = np.zeros(len(INSTRUMENTS) + 1, np.float32)
        if self.instruments is None:
            row[-1] = 1.0
        else:
            row[list(self.instruments)] = 1.0
        return row


def sizes(collections: int) -> dict[str, int]:
    """Number of classes of each column of `Controls.row`."""
    return {"collection": collections + 1, "key": KEY_OPEN + 1, "density": DENSITY_OPEN + 1}


def key_class(key: KeyName) -> int:
    return key.tonic + 12 * key.is_minor


def density_class(notes_per_quarter: float) -> int:
    return int(np.digitize(notes_per_quarter, _DENSITY_EDGES))


def read_controls(encoded: Encoded, collection: int | None) -> Controls:
    """The controls that describe a piece; the key is estimated from its pitches."""
    fields = encoded.fields[notes.is_note(encoded.fields[:, PART])]
    instruments = notes.instrument_of(fields[:, PART])
    pitched = fields[fields[:, PITCH] < notes.DRUM_PITCH]
    weights = np.bincount(pitched[:, PITCH] % 12, minlength=12)
    key = estimate_key(weights)
    return Controls(
        collection,
        None if key is None else key_class(key),
        density_class(len(fields) * RESOLUTION / encoded.length_ticks),
        frozenset(np.unique(instruments).tolist()),
    )


def opened(controls: Controls, rng: np.random.Generator, probability: float) -> Controls:
    """Each control left open with a probability, independently."""
    names = ("collection", "key", "density", "instruments")
    chosen = [name for name in names if rng.random() < probability]
    return replace(controls, **dict.fromkeys(chosen))
