"""`remix2023` end to end: three raw-sample networks learn to write stems from a mix or from a solo.

Songs with stems become one-second chunks; every network is a job of its own, trained in parallel
(`remix2023_jobs`); the stems of the test songs are scored beside silence, copies and the bound of
masking (`remix2023_scores`); our model accompanies the same songs unheard (`remix2023_ours`), and
what the authors left open is asked of it (`remix2023_wishes`).
"""

from __future__ import annotations

import time
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ritornello.dsp.sound_files import read_audio, write_audio
from ritornello.dsp.waveform import Waveform
from ritornello.errors import InputError
from ritornello.papers.remix2023.measure import (
    LABELS,
    SILENCE,
    SOURCES,
    Scores,
    baselines,
    clicks_db,
    level_db,
    likeness,
    mean,
    network_input,
    noise_db,
    score,
    settled_epoch,
    tables,
)
from ritornello.papers.remix2023.ours import Networks, accompany
from ritornello.papers.remix2023.stem_job import Curves, StemTraining
from ritornello.papers.remix2023.train import predict, run_jobs, write_chunks
from ritornello.papers.remix2023.wishes import answer_wishes, wishes
from ritornello.papers.shared.outcome import Chart, Figure, Outcome, Sample, Table
from ritornello.papers.shared.study import Study
from ritornello.separate.stem_folders import PARTS, StemSong, StemSongs, read_songs, split_songs

STEM_SET = "stem_loops15"
_SAMPLE_SECONDS, _SAMPLE_RATE_HZ, _SAMPLE_PEAK = 15.0, 24_000, 0.9


@dataclass
class _Work:
    """A run in progress.

    Attributes:
        songs: found; sides: the same by side.
        silence: mean square of each part of the validation chunks, what silence scores as loss.
        jobs, curves: by name. stems: (source, architecture) -> [samples, parts] of every song.
        cpu_seconds: (source, architecture) -> to make these stems, for each second of music.
    """

    study: Study
    found: StemSongs
    sides: dict[str, list[StemSong]]
    silence: np.ndarray
    jobs: dict[str, StemTraining]
    curves: dict[str, Curves]
    stems: dict[tuple[str, str], dict[str, np.ndarray]]
    cpu_seconds: dict[tuple[str, str], float]

    def names(self, source: str, architecture: str) -> list[str]:
        """The jobs that make up one system."""
        return [
            name for name, job in self.jobs.items() if name.startswith(f"{source}-{architecture}")
        ]

    def by(self, source: str, architecture: str, songs: list[StemSong]) -> list[np.ndarray]:
        """The stems that one system makes of songs."""
        return [self.stems[source, architecture][song.name] for song in songs]


def run(study: Study) -> Outcome:
    """Train all networks, score them on the test songs, and tell what was seen.

    Raises:
        InputError: if there are no three songs with stems.
    """
    work = _learn(study)
    outcome = Outcome("remix2023", study.budget, study.seed, stand_in=study.data is None)
    counts = ", ".join(f"{len(songs)} {side}" for side, songs in work.sides.items())
    outcome.data = f"{work.found.describe()} Split by song: {counts}."
    outcome.departures = _departures(study)
    study.say("scoring the test songs")
    test = work.sides["test"]
    for source in SOURCES:
        scores = {
            LABELS[kind]: score(test, work.by(source, kind, test))
            for kind in _architectures(study, source)
        }
        scores |= {name: score(test, made) for name, made in baselines(test, source).items()}
        outcome.figures += _quality(source, scores, len(test))
        outcome.tables += tables(source, scores, test)
    outcome.figures += _loss_figures(work)
    outcome.tables.append(_costs(work))
    outcome.charts = _charts(work)
    outcome.samples = _samples(work)
    outcome.weaknesses = _weaknesses(work)
    outcome.wishes = answer_wishes(wishes(study), _beside_ours(work, outcome))
    return outcome


def _architectures(study: Study, source: str) -> list[str]:
    result: list[str] = study.settings["architectures" if source == "mix" else "solo_architectures"]
    return result


def _learn(study: Study) -> _Work:
    """Read the songs, train every network and let it write the stems of every song."""
    settings = study.settings
    rate_hz, seconds = settings["rate_hz"], settings["chunk_seconds"]
    study.say("reading the songs")
    found = read_songs(
        study.data or study.music_set(STEM_SET),
        read_audio,
        rate_hz=rate_hz,
        longest_seconds=settings["song_seconds"],
    )
    shares = (settings["train_songs"], settings["valid_songs"], settings["test_songs"])
    sides = split_songs(found.songs, shares, study.seed)
    folder = study.folder / "networks"
    folder.mkdir(exist_ok=True)
    jobs: dict[str, StemTraining] = {}
    for source in SOURCES:
        pairs = {
            side: [(network_input(song, source), song.stems) for song in sides[side]]
            for side in ("train", "valid")
        }
        path = folder / f"{source}.npz"
        fingerprint = write_chunks(path, pairs, rate_hz, seconds)
        for kind in _architectures(study, source):
            for job in _jobs_of(study, source, kind, path, fingerprint):
                jobs[job.name] = job
    with np.load(folder / "mix.npz") as file:
        silence = np.square(file["valid_stems"], dtype=np.float64).mean((0, 1))
    longest_first = sorted(jobs.values(), key=lambda job: job.part is not None)
    curves = run_jobs(longest_first, threads=study.threads, say=study.say)
    for source in SOURCES:  # the chunks are the songs again, many megabytes
        (folder / f"{source}.npz").unlink()
    work = _Work(study, found, sides, silence, jobs, curves, {}, {})
    music_seconds = sum(len(song.mix) for song in found.songs) / rate_hz
    for source in SOURCES:
        for kind in _architectures(study, source):
            began = time.process_time()
            made = [
                predict(
                    jobs[name],
                    [network_input(song, source) for song in found.songs],
                    rate_hz,
                    seconds,
                )
                for name in work.names(source, kind)
            ]
            work.cpu_seconds[source, kind] = (time.process_time() - began) / music_seconds
            work.stems[source, kind] = {
                song.name: np.concatenate([job[index] for job in made], axis=1)
                for index, song in enumerate(found.songs)
            }
    return work


def _jobs_of(
    study: Study, source: str, kind: str, path: Path, fingerprint: int
) -> list[StemTraining]:
    """One job, or for the split architecture one for each part."""
    parts: list[int | None] = list(range(len(PARTS))) if kind == "split" else [None]
    jobs = []
    for part in parts:
        name = f"{source}-{kind}" + ("" if part is None else f"-{PARTS[part]}")
        jobs.append(
            StemTraining(
                name,
                kind,
                part,
                str(path),
                fingerprint,
                epochs=study.settings["epochs"],
                batch=study.settings["batch"],
                learning_rate=study.settings["learning_rate"],
                sizes={"parts": len(PARTS)},
                seed=zlib.crc32(f"{name} {study.seed}".encode()),
            )
        )
    return jobs


def _departures(study: Study) -> list[str]:
    settings = study.settings
    return [
        f"the rate is not printed: {settings['rate_hz']} Hz, mono, "
        f"{round(settings['rate_hz'] * settings['chunk_seconds'])} time steps a chunk",
        f"batch size, loss and sizes are not printed: batches of {settings['batch']} chunks, mean "
        "squared error (it fits the size of the printed losses), two Dense layers of 8 per sample "
        "and part with ReLU, dropout 0.2, the two directions averaged, Keras's starting weights",
        "how one unit of One2One writes four parts is not printed: the parts of a sample are "
        "four time steps in a row",
        "9 + 9 + 3 songs exceed the 15 there are: 9, 3 and 3, no song on two sides",
        f"heard is the mix, and once more the solo; from the solo: "
        f"{', '.join(LABELS[kind] for kind in settings['solo_architectures'])}",
        "separate machines are separate processes of one thread each on one machine",
    ]


def _quality(source: str, scores: dict[str, Scores], songs: int) -> list[Figure]:
    """The mean of each measure for each system, beside the baselines."""
    copy = scores[f"copy of the {source}"]
    known = {name: found for name, found in scores.items() if name not in LABELS.values()}
    protocol = f"mean over 4 stems of {songs} test songs; best validation epoch; scored once"
    figures = []
    for name in (label for label in LABELS.values() if label in scores):
        here = f"{name} from the {source}"
        found = scores[name]
        for title, unit, better, value, beside in (
            ("SI-SDR improvement", "dB", "higher", found.improvement_on(copy),
             {other: each.improvement_on(copy) for other, each in known.items()}),
            ("signal-to-noise ratio", "dB", "higher", mean(found.snr),
             {other: mean(each.snr) for other, each in known.items()}),
            ("log-spectral distance", "dB", "lower", mean(found.distance),
             {other: mean(each.distance) for other, each in known.items()}),
        ):  # fmt: skip
            figures.append(
                Figure(
                    f"{here}: {title}",
                    value,
                    unit,
                    better,  # type: ignore[arg-type]
                    baselines={other: each for other, each in beside.items() if each is not None},
                    protocol=protocol,
                )
            )
    return figures


def _valid(work: _Work, part: str) -> list[float]:
    """Validation loss of the split network of a part that hears the mix, after each epoch."""
    return [parts[0] for parts in work.curves[f"mix-split-{part}"].valid]


def _loss_figures(work: _Work) -> list[Figure]:
    """The points of the loss curves that the authors print, of the split networks."""
    printed = work.study.recipe.figures
    bass, other = _valid(work, "bass"), _valid(work, "other")
    forty = min(40, len(bass))
    protocol = "validation songs, One2Four split from the mix; loudness of the data differs"

    def loss(name: str, value: float, published: float, part: str) -> Figure:
        silence = {SILENCE: float(work.silence[PARTS.index(part)])}
        return Figure(
            name, value, "", "lower", published=published, baselines=silence, protocol=protocol
        )

    return [
        loss("Bass: loss after the first epoch", bass[0], printed["bass_loss_first"], "bass"),
        loss(
            f"Bass: loss at epoch {forty}", bass[forty - 1], printed["bass_loss_epoch_40"], "bass"
        ),
        loss("Other: loss after the last epoch", other[-1], printed["others_loss_last"], "other"),
        *(
            Figure(
                f"{part.capitalize()}: epoch at which 95% of the fall is done",
                settled_epoch(_valid(work, part)),
                published=printed[key],
                protocol=f"{protocol}; {len(bass)} epochs",
            )
            for part, key in (("piano", "piano_saturates_epoch"), ("drums", "drums_settle_epoch"))
        ),
    ]


def _costs(work: _Work) -> Table:
    """What each system costs, and the noise and clicks in what it makes."""
    songs = work.found.songs
    seconds = work.study.settings["chunk_seconds"]
    rows: list[list[object]] = []
    for source, kind in work.stems:
        curves = [work.curves[name] for name in work.names(source, kind)]
        made = work.by(source, kind, songs)
        rows.append(
            [
                f"{LABELS[kind]} from the {source}",
                len(curves),
                sum(each.parameters for each in curves),
                max(each.step_bytes for each in curves) / 2**20,
                sum(each.cpu_seconds / len(each.valid) for each in curves),
                ", ".join(f"{each.best_epoch}" for each in curves) + f" of {len(curves[0].valid)}",
                clicks_db(songs, made, seconds),
                noise_db(songs, made),
            ]
        )
    real = [song.stems for song in songs]
    rows.append(["real stems", *[None] * 5, clicks_db(songs, real, seconds), noise_db(songs, real)])
    return Table(
        "Costs, clicks and noise",
        ["system", "networks", "parameters", "MiB kept for one update of one network",
         "CPU s an epoch, all networks", "best epochs", "clicks at chunk borders, dB",
         "level in pauses, dB of full scale"],
        rows,
        f"Clicks: mean square step between samples at borders against elsewhere; with pauses, on "
        f"all {len(songs)} songs, learned ones too. A pause is 50 ms below -60 dB.",
    )  # fmt: skip


def _charts(work: _Work) -> list[Chart]:
    """Loss curves of each part: the split networks and, beside them, those that do all parts."""
    charts = []
    for index, part in enumerate(PARTS):
        lines = {}
        for source, kind in work.stems:
            curves = work.curves[work.names(source, kind)[index if kind == "split" else 0]]
            column = 0 if kind == "split" else index
            epochs = [float(epoch) for epoch in range(1, len(curves.valid) + 1)]
            name = f"{LABELS[kind]} from the {source}"
            lines[f"{name}, validation"] = (epochs, [parts[column] for parts in curves.valid])
            if (source, kind) == ("mix", "split"):
                lines[f"{name}, training"] = (epochs, [parts[column] for parts in curves.train])
        lines[SILENCE] = ([1.0, epochs[-1]], [float(work.silence[index])] * 2)
        charts.append(Chart(f"Loss of {part}", "epoch", "mean squared error", lines))
    return charts


def _samples(work: _Work) -> list[Sample]:
    """One test song with as many parts as can be had: heard, written by each system, and real."""
    song = max(work.sides["test"], key=lambda each: int(each.stems.any(axis=0).sum()))
    folder, rate = work.study.folder, song.rate_hz
    samples = []
    for source in SOURCES:
        name = "mix" if source == "mix" else f"solo ({song.solo_name})"
        samples.append(_sample(folder, f"heard-{source}", f"Heard: {name} of {song.name}", "real",
                               network_input(song, source), rate))  # fmt: skip
        for kind in _architectures(work.study, source):
            made = work.stems[source, kind][song.name]
            samples.append(_sample(folder, f"{source}-{kind}", f"{LABELS[kind]} from the {source}, "
                                   "sum of its stems", "published", made.sum(1), rate))  # fmt: skip
    made = work.stems["mix", "split"][song.name]
    for index, part in enumerate(PARTS):
        samples.append(_sample(folder, f"mix-split-{part}", f"One2Four split from the mix, {part}",
                               "published", made[:, index], rate))  # fmt: skip
        samples.append(_sample(folder, f"real-{part}", f"Real {part}", "real",
                               song.stems[:, index], rate))  # fmt: skip
    return samples


def _sample(folder: Path, stem: str, name: str, maker: str, sound: np.ndarray, rate: int) -> Sample:
    """A sound brought to a fixed peak; its name tells by how many decibels."""
    import soxr

    sound = sound[: round(_SAMPLE_SECONDS * rate)] - sound.mean()
    sound = np.asarray(soxr.resample(sound, rate, _SAMPLE_RATE_HZ), np.float32)
    peak = float(np.abs(sound).max())
    gain = _SAMPLE_PEAK / peak if peak > 0 else 1.0
    file = folder / f"{stem}.mp3"
    write_audio(Waveform(sound[:, None] * np.float32(gain), _SAMPLE_RATE_HZ), file, overwrite=True)
    told = f"{name} ({20 * np.log10(gain):+.0f} dB)"
    return Sample(told, maker, sound=file.name)  # type: ignore[arg-type]


def _weaknesses(work: _Work) -> list[str]:
    """Faults that were seen, with numbers; all on the test songs but for the clicks."""
    test, seconds = work.sides["test"], work.study.settings["chunk_seconds"]
    faults = []
    for source, kind in work.stems:
        made = work.by(source, kind, test)
        everywhere = clicks_db(work.found.songs, work.by(source, kind, work.found.songs), seconds)
        told = {
            "correlation with the {source} itself {value:.2f}": likeness(test, made, source),
            "level against the real stems {value:+.1f} dB": level_db(test, made),
            "steps at chunk borders {value:+.1f} dB against elsewhere": everywhere,
        }
        facts = [text.format(source=source, value=value) for text, value in told.items()
                 if value is not None]  # fmt: skip
        faults.append(f"{LABELS[kind]} from the {source}: {'; '.join(facts)}.")
    worse = [
        part for index, part in enumerate(PARTS) if min(_valid(work, part)) > work.silence[index]
    ]
    if worse:
        faults.append(
            f"After {len(_valid(work, worse[0]))} epochs at this learning rate the split networks "
            f"for {', '.join(worse)} still have a higher validation loss than silence."
        )
    return faults


def _beside_ours(work: _Work, outcome: Outcome) -> dict[str, str]:
    """Add what ours does with the test songs whose solos are known as notes; returns answers."""
    study, test = work.study, work.sides["test"]
    networks = Networks(
        {source: work.by(source, "split", test) for source in SOURCES},
        work.cpu_seconds["solo", "split"],
        study.settings["chunk_seconds"],
    )
    folder = study.data or study.music_set(STEM_SET)
    study.say("our own model accompanies the test songs")
    try:
        found = accompany(folder, test, networks, out=study.folder, seed=study.seed)
    except InputError as error:
        outcome.departures.append(f"our own model was not measured: {error.what}")
        return {}
    outcome.figures += found.figures
    outcome.tables.append(found.table)
    outcome.samples.append(found.sample)
    outcome.compared = found.compared
    return found.wishes
