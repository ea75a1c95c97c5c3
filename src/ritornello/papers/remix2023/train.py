"""The networks of `remix2023`, trained as parallel jobs: one process and one thread each.

Every job learns from one file of chunks, keeps the weights that were best on the validation songs,
and saves itself after each epoch, so that a run that is cut off goes on where it was.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ritornello.atomic import atomic_write
from ritornello.corpus.pool import Failure, map_in_processes
from ritornello.dsp.waveform import Waveform
from ritornello.errors import RitornelloError
from ritornello.papers.remix2023.encoding import Chunks, decode, encode
from ritornello.papers.remix2023.stem_job import Curves, StemTraining
from ritornello.papers.shared.progress import told

_LONGEST_JOB_SECONDS = 7 * 24 * 3600.0


def write_chunks(
    path: Path, sides: dict[str, list[tuple[np.ndarray, np.ndarray]]], rate_hz: int, seconds: float
) -> int:
    """Write the chunks of all songs for the jobs to read; returns their fingerprint.

    Args:
        sides: for "train" and "valid", the sound heard [samples] and the stems [samples, parts] of
            each song.
        seconds: of a chunk.
    """
    arrays: dict[str, np.ndarray] = {}
    for side, songs in sides.items():
        for number, name in enumerate(("heard", "stems")):
            sounds = [Waveform(_channels(song[number]), rate_hz) for song in songs]
            chunks = [encode(sound, seconds=seconds).samples for sound in sounds]
            arrays[f"{side}_{name}"] = np.concatenate(chunks)
    with atomic_write(path, overwrite=True) as partial, partial.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    return zlib.crc32(b"".join(array.tobytes() for array in arrays.values()))


def run_jobs(
    jobs: list[StemTraining], *, threads: int, say: Callable[[str], None]
) -> dict[str, Curves]:
    """Train every job, as many at once as there are threads.

    Args:
        say: called about three times a minute with how far each running job is.

    Raises:
        RitornelloError: if a job fails; the others are stopped, and all go on where they were when
            run again.
    """
    found = {}
    workers = min(threads, len(jobs))
    with told({job.name: job.progress_file for job in jobs}, say, workers=workers):
        answers = map_in_processes(
            train, jobs, workers=workers, timeout_seconds=_LONGEST_JOB_SECONDS
        )
        for job, answer in zip(jobs, answers, strict=True):
            if isinstance(answer, Failure):
                raise RitornelloError(
                    f"The training of {job.name} failed: {answer.detail}",
                    next_step="Run it again; finished epochs are kept.",
                )
            found[job.name] = answer
    return found


def train(job: StemTraining) -> Curves:
    """Train one network, or go on with it; the work of one process."""
    from ritornello.papers.remix2023 import chunk_objective

    return Curves(**chunk_objective.train(job))


def predict(
    job: StemTraining, sounds: list[np.ndarray], rate_hz: int, seconds: float
) -> list[np.ndarray]:
    """What the best weights of a trained job make of sounds [samples]: [samples, parts] each."""
    import torch

    from ritornello.papers.remix2023.chunk_objective import network as untrained
    from ritornello.training import run_state

    network = untrained(job)
    network.load_state_dict(run_state.load(job.state_file)["best"])
    network.eval()
    made = []
    for sound in sounds:
        heard = encode(Waveform(_channels(sound), rate_hz), seconds=seconds)
        with torch.inference_mode():
            answer = network(torch.as_tensor(heard.samples)).numpy()
        made.append(decode(Chunks(answer, heard.length, rate_hz)).samples)
    return made


def _channels(sound: np.ndarray) -> np.ndarray:
    """A sound with its axis of channels."""
    return sound if sound.ndim == 2 else sound[:, None]
