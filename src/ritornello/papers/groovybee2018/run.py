"""`groovybee2018`: velocity rolls of each part alone, two LSTM forms, four lengths of window.

The comparison gives each network the same training time. Then the published network, LSTMCell with
windows of 12, the stacked form and our own model learn longer, for equal minutes, and write music.
"""

from __future__ import annotations

import math

import torch

from ritornello.papers.groovybee2018 import encoding as velocity_roll
from ritornello.papers.groovybee2018 import measure as trials
from ritornello.papers.groovybee2018 import report as tables
from ritornello.papers.groovybee2018 import train as learning
from ritornello.papers.groovybee2018.data import TICKS_PER_QUARTER, load
from ritornello.papers.groovybee2018.encoding import PITCHES
from ritornello.papers.groovybee2018.measure import Bench
from ritornello.papers.groovybee2018.model import FORMS
from ritornello.papers.groovybee2018.report import (
    FORM,
    OURS,
    REAL,
    SHIPPED,
    WRITTEN,
    Findings,
    percent,
    sparse_bytes,
)
from ritornello.papers.shared.ours import write_sample
from ritornello.papers.shared.outcome import Outcome, Sample
from ritornello.papers.shared.study import Study


def run(study: Study) -> Outcome:
    """Learn, compare, generate and measure; see `Study` and `Outcome`.

    Raises:
        InputError: if the music is missing or too little.
    """
    torch.set_num_threads(study.threads)
    settings, minutes = study.settings, study.settings["minutes_published"]
    music = load(study)
    study.say(music.about)
    bench = Bench.of(study, music)
    compared = trials.compare(study, bench)
    forms = {}
    for form in FORMS:
        study.say(f"{form}, sequence {settings['sequence']}: {minutes:g} minutes, to write music.")
        forms[form] = trials.judge(bench, form, settings["sequence"], minutes)
    written = {form: trials.generate(study, music, judged) for form, judged in forms.items()}
    study.say(f"Our model: {minutes:g} minutes.")
    ours = trials.ours(study, music)
    found = Findings(study, music, bench, compared, forms, written, ours)
    return Outcome(
        study.recipe.id,
        study.budget,
        study.seed,
        data=music.about,
        stand_in=study.data is None,
        departures=_departures(found),
        figures=tables.figures(found),
        tables=[
            tables.forms(found),
            tables.representation(found),
            tables.generated_table(found),
            tables.off_key_filter(found),
        ],
        charts=[tables.curve(found)],
        samples=_samples(found),
        weaknesses=_weaknesses(found),
        compared=_compare(found),
        wishes=_wishes(found),
    )


def _departures(found: Findings) -> list[str]:
    run = found.published.run
    return [
        f"{TICKS_PER_QUARTER} ticks a quarter note, velocities divided by 127, batches of "
        f"{learning.BATCH} windows: the report gives none of them",
        "trained for a time, not to an error under a threshold, which the report does not name: "
        f"{FORM} went {run.epochs:.3g} times through the music ({run.windows_read:,} windows)",
        f"{FORM} carries its state from one window of a part to the next, its windows in order; "
        "the stacked form begins each window anew, its windows in random order",
        "a generated note keeps the velocity it begins with; a cell sounds over the velocity that "
        "fits the validation pieces best "
        + ", ".join(f"({one.threshold:g}, {form})" for form, one in found.forms.items()),
    ]


def _samples(found: Findings) -> list[Sample]:
    folder, sets = found.study.folder, found.sets
    filtered = found.filtered[WRITTEN][0].piece
    return [
        write_sample(sets[WRITTEN][0], folder, "lstmcell", FORM, "published"),
        write_sample(filtered, folder, "off-key-filter", f"{FORM}, off-key filter", "published"),
        write_sample(sets["written by stacked"][0], folder, "stacked", "stacked", "published"),
        write_sample(sets[OURS][0], folder, "ours", OURS, "ours"),
        write_sample(sets[REAL][0], folder, "real", REAL, "real"),
    ]


def _weaknesses(found: Findings) -> list[str]:
    test, copied = found.published.test, found.baselines["last vector"][1]
    vectors, real_vectors = found.written[FORM].vectors, found.real_vectors
    own, real = found.characters[WRITTEN], found.characters[REAL]
    lost = found.losses[TICKS_PER_QUARTER]
    tied = percent(lost.tied + lost.joined, lost.notes)
    pitches, generated, played = (
        math.exp(nats)
        for nats in (found.published.spread_nats, vectors.spread_nats, real_vectors.spread_nats)
    )
    return [
        f"Copying the last tick finds the notes of the next with F1 {copied.f1:.3f}, the network "
        f"with {test.f1:.3f}. Of the notes that begin it finds F1 {test.new_f1:.3f}.",
        f"Blur: a forecast is spread over {pitches:.1f} pitches (e to its entropy), a real vector "
        f"over {played:.1f}, a generated one over {generated:.1f}. "
        f"{percent(vectors.active, PITCHES):.1f}% of the cells of a generated vector sound "
        f"({vectors.active:.2f}), {percent(real_vectors.active, PITCHES):.1f}% of a real one "
        f"({real_vectors.active:.2f}).",
        f"Fed with its own forecasts, it changes its notes in {100 * vectors.changing:.1f}% of the "
        f"ticks; real parts do in {100 * real_vectors.changing:.1f}%.",
        f"Silence is cut out, {percent(lost.silent_ticks, lost.ticks):.1f}% of the parts' ticks, "
        "so that the parts of a piece no longer run together; generated parts are silent "
        f"{_percent(own.silence)} of the time, real ones {_percent(real.silence)}.",
        f"No tempo, no repeated notes: all {lost.tempos} tempo marks are lost, and {tied:.1f}% of "
        "notes are tied to the one before.",
        f"Off key: {_percent(own.off_key)} of generated notes, "
        f"{_percent(real.off_key)} of real ones.",
    ]


def _compare(found: Findings) -> str:
    figures, ours, real = found.ours.figures, found.characters[OURS], found.characters[REAL]
    minutes = found.study.settings["minutes_published"]
    return (
        f"Taught the same pieces for the same {minutes:g} minutes, our model needs "
        f"{figures['nats_per_note']:.2f} nats a held-out note (unigram "
        f"{figures['unigram_nats_per_note']:.2f}, bigram {figures['bigram_nats_per_note']:.2f}), "
        "silence, tempo and instruments included. Its pieces have "
        f"{ours.notes_per_beat:.1f} notes a beat (real {real.notes_per_beat:.1f}), "
        f"{_percent(ours.silence)} silence ({_percent(real.silence)}) and "
        f"{_percent(ours.off_key)} off-key notes ({_percent(real.off_key)})."
    )


def _wishes(found: Findings) -> dict[str, str]:
    fields, pieces = found.ours.figures["fields"], found.ours.pieces
    tempi = len({round(piece.tempos[0].bpm) for piece in pieces})
    parts = sum(len(piece.tracks) for piece in pieces) / len(pieces)
    lost = found.losses[TICKS_PER_QUARTER]
    kilobytes = [
        size / len(found.music.pieces) / 1e3
        for size in (sparse_bytes(lost), *velocity_roll.sizes(lost))
    ]
    real, own, shipped = (_percent(found.characters[it].off_key) for it in (REAL, WRITTEN, SHIPPED))
    return {
        "A cascade of networks for tempo, each instrument's notes and silence": "One network "
        f"learns them together: {fields['shift']:.2f} nats a note for when (rests and silence), "
        f"{fields['part']:.2f} for who plays or that the tempo changes, {fields['pitch']:.2f} for "
        f"the pitch or the tempo. Its {len(pieces)} pieces have {parts:.1f} parts and {tempi} "
        "different tempi.",
        "Silence without running out of memory": "Silence is a larger number and takes no room: "
        f"{kilobytes[0]:,.1f} kB a piece as notes, {kilobytes[1]:,.0f} kB as rolls without "
        f"silence, {kilobytes[2]:,.0f} kB with it.",
        "Post-processing that removes off-key notes": "There is one "
        f"(`ritornello.papers.shared.off_key`). {own} of the notes this system writes are off "
        f"key, {shipped} of those of our model that ships, {real} of real ones, which "
        "the filter would change too. A key that is asked of our model is kept while it writes.",
        "Training on spectrograms": "Not yet: our model learns from notes and hears no sound. "
        "`remix2023` is the system here that learns from sound.",
        "A Turing test": "Not yet: people have to listen, which the studio is for.",
    }


def _percent(share: float) -> str:
    """A share in words; nan is that of no notes at all."""
    return "none" if math.isnan(share) else f"{100 * share:.1f}%"
