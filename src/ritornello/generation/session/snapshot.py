"""The state of a session in a small file, with the model that it belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from ritornello.atomic import atomic_write
from ritornello.errors import InputError
from ritornello.generation.session.moment import Moment


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The state of a session at a moment: a value that can be pickled, or kept in a file.

    Attributes:
        moment: all that the music to come depends on, save the model.
        model: fingerprint of the model, see `ritornello.note_model.checkpoint.weights_fingerprint`.
    """

    moment: Moment
    model: str

    def to_bytes(self) -> bytes:
        """Some kilobytes: the numbers of the network, and the events it may look back to."""
        return self.moment.to_bytes(model=self.model)

    @classmethod
    def from_bytes(cls, data: bytes) -> Snapshot:
        """The snapshot that `to_bytes` wrote. Nothing in the data is run.

        Raises:
            InputError: if it is something else, damaged, or of another version.
        """
        moment, header = Moment.from_bytes(data)
        return cls(moment, str(header.get("model")))

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Write it to a file.

        Raises:
            OutputError: if the file exists and may not be replaced, or cannot be written.
        """
        with atomic_write(path, overwrite=overwrite) as temporary:
            temporary.write_bytes(self.to_bytes())
        return Path(path)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Snapshot:
        """The snapshot in a file.

        Raises:
            InputError: if there is none that this version can read.
        """
        try:
            return cls.from_bytes(Path(path).read_bytes())
        except OSError as error:
            raise InputError(
                f"The file could not be read ({error.strerror}).", where=str(path)
            ) from error
        except InputError as error:
            raise InputError(error.what, where=str(path), next_step=error.next_step) from error

    def __reduce__(self) -> tuple[Any, ...]:
        return Snapshot.from_bytes, (self.to_bytes(),)
