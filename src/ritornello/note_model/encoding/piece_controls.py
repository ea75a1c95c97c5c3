"""What a listener may ask for: collection, key, density, instruments and how busy each is.

Each control is a class index that the network is fed at every step, or its open class when nobody
asked. In training they are read from the piece and left open at random, so that a composer may
leave any of them open too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ritornello.music.instruments import INSTRUMENTS
from ritornello.music.keys import KeyName, estimate_key, pitch_class_weights
from ritornello.note_model.encoding import notes
from ritornello.note_model.encoding.notes import PART, PITCH, RESOLUTION, Encoded
from ritornello.rng import Rng

KEY_OPEN = 24
_DENSITY_EDGES = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0)  # notes a quarter note
DENSITY_OPEN = len(_DENSITY_EDGES) + 1
_DENSITY_OCTAVES = 3.0  # of a part: notes a quarter note from 1/8 to 8 are told apart
_BUSY_GIVEN = 0.3  # how often the density of a part is given in training
INSTRUMENT_COLUMNS = 1 + 4 * len(INSTRUMENTS)


@dataclass(frozen=True)
class Controls:
    """The controls of one piece.

    Attributes:
        collection: index of the collection in the model's list, or None.
        key: 0-11 major, 12-23 minor, by tonic; or None.
        density: class of notes per quarter note, see `density_class`; or None.
        instruments: indices into `INSTRUMENTS` of all that play; or None.
        given: those of them whose notes are given and not composed.
        busy: notes per quarter note of single instruments.
    """

    collection: int | None = None
    key: int | None = None
    density: int | None = None
    instruments: frozenset[int] | None = None
    given: frozenset[int] = frozenset()
    busy: Mapping[int, float] = field(default_factory=dict)

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
        """float32 [INSTRUMENT_COLUMNS]: what each instrument is asked.

        One where an instrument plays, and a last one for "open"; then one where it is given; then
        one where its density is stated, and that density on a scale from -1 to 1.
        """
        count = len(INSTRUMENTS)
        row = np.zeros(INSTRUMENT_COLUMNS, np.float32)
        if self.instruments is None:
            row[count] = 1.0
        else:
            row[list(self.instruments)] = 1.0
        given, stated, density = (count * (1 + block) + 1 for block in range(3))
        row[[given + index for index in self.given]] = 1.0
        for index, notes_per_quarter in self.busy.items():
            row[stated + index] = 1.0
            octaves = np.log2(max(notes_per_quarter, 1e-3)) / _DENSITY_OCTAVES
            row[density + index] = np.clip(octaves, -1, 1)
        return row


def sizes(collections: int) -> dict[str, int]:
    """Number of classes of each column of `Controls.row`."""
    return {"collection": collections + 1, "key": KEY_OPEN + 1, "density": DENSITY_OPEN + 1}


def key_class(key: KeyName) -> int:
    """Class of a key, 0 to 23: the tonic, and 12 more in minor."""
    return key.tonic + 12 * key.is_minor


def is_minor(key: int) -> bool:
    """Whether a class of `key_class` is a minor key."""
    return key >= 12


def density_class(notes_per_quarter: float) -> int:
    """Class of a number of notes a quarter, from sparse (0) to dense."""
    return int(np.digitize(notes_per_quarter, _DENSITY_EDGES))


def read_controls(
    encoded: Encoded, collection: int | None, given_parts: np.ndarray | None = None
) -> Controls:
    """The controls that describe a piece; the key is estimated from its pitches.

    Args:
        encoded: the piece.
        collection: the one it belongs to, or None.
        given_parts: bool [parts], those that are given throughout; none where None.
    """
    fields = encoded.fields[notes.is_note(encoded.fields[:, PART])]
    instruments = notes.instrument_of(fields[:, PART])
    pitched = fields[fields[:, PITCH] < notes.DRUM_PITCH]
    weights = pitch_class_weights(pitched[:, PITCH])
    key = estimate_key(weights)
    quarters = encoded.length_ticks / RESOLUTION
    playing, counts = np.unique(instruments, return_counts=True)
    parts = np.unique(fields[:, PART])
    known = [] if given_parts is None else parts[given_parts[parts]].tolist()
    return Controls(
        collection,
        None if key is None else key_class(key),
        density_class(len(fields) / quarters),
        frozenset(playing.tolist()),
        frozenset(map(notes.instrument_of, known)),
        dict(zip(playing.tolist(), (counts / quarters).tolist(), strict=True)),
    )


def drop_controls(controls: Controls, rng: Rng, probability: float) -> Controls:
    """Each control left open with a probability, independently; how busy most parts are, always."""
    names = ("collection", "key", "density", "instruments")
    chosen = [name for name in names if rng.random() < probability]
    busy = {
        index: density
        for index, density in controls.busy.items()
        if rng.random() < _BUSY_GIVEN * (1 - probability)
    }
    dropped = replace(controls, busy=busy)
    return replace(dropped, **dict.fromkeys(chosen))  # type: ignore[arg-type]
