"""Everything a program may ask of ritornello below the published systems: names, no algorithms.

files       load, save, render, convert, notebook_html, to_library
compose     Composer: compose, compose_many, stream, session, and the verbs of a Partner
            (continue_, fill, arrange, harmonise, vary -> Result); Options
session     Session, what Composer.session plays; Snapshot, its state; StreamedNote
recordings  transcribe, transcribe_band -> Transcription; remix -> Remix; Hints;
            separate -> Separation
played      lacks_beats, on_its_beats -> Regridded: MIDI that was played without a beat grid
plans       plan_of -> Plan, save_plan, load_plan, refuse_plan_target
learning    inspect, shard_folder, train, evaluate, train_separator, load_separator
models      models, find_model, model_card, network_size
originality originality, training_index, write_training_index, most_original
doctor      doctor -> Check

The published systems have verbs of their own in `ritornello.papers`.
"""

from __future__ import annotations

import warnings
from typing import Any

from ritornello.accompany.remix import remix
from ritornello.accompany.result import Remix
from ritornello.corpus.report import print_report
from ritornello.corpus.report import summary as report_summary
from ritornello.corpus.shards import shard_folder
from ritornello.files import convert, load, notebook_html, refuse_target, render, save
from ritornello.generation.composer import Composer
from ritornello.generation.originality.assessment import (
    Attempt,
    Limit,
    most_original,
    originality,
    training_index,
    write_training_index,
)
from ritornello.generation.partner import Options, Partner, Result
from ritornello.generation.session import Session, Snapshot, StreamedNote
from ritornello.health import Check, doctor
from ritornello.hooks import lent
from ritornello.music.io.interop import to_library
from ritornello.note_model.library import ModelInfo, find_model, model_card, models
from ritornello.pages.plan_files import load_plan, refuse_plan_target, save_plan
from ritornello.plan.analysis import analyse as plan_of
from ritornello.plan.plan import Plan
from ritornello.separate.band_notes import transcribe_band
from ritornello.separate.separation import Separation, load_separator, separate, train_separator
from ritornello.training.config import network_size
from ritornello.training.learning import evaluate, inspect, train
from ritornello.transcribe.command import transcribe
from ritornello.transcribe.played_beats import Regridded, lacks_beats, on_its_beats
from ritornello.transcribe.transcription import Transcription
from ritornello.transcribe.values import Hints

__all__ = [
    "Attempt",
    "Check",
    "Composer",
    "Hints",
    "Limit",
    "ModelInfo",
    "Options",
    "Partner",
    "Plan",
    "Regridded",
    "Remix",
    "Result",
    "Separation",
    "Session",
    "Snapshot",
    "StreamedNote",
    "Transcription",
    "convert",
    "doctor",
    "evaluate",
    "find_model",
    "inspect",
    "lacks_beats",
    "load",
    "load_plan",
    "load_separator",
    "model_card",
    "models",
    "most_original",
    "network_size",
    "notebook_html",
    "on_its_beats",
    "originality",
    "plan_of",
    "print_report",
    "refuse_plan_target",
    "refuse_target",
    "remix",
    "render",
    "report_summary",
    "save",
    "save_plan",
    "separate",
    "shard_folder",
    "to_library",
    "train",
    "train_separator",
    "training_index",
    "transcribe",
    "transcribe_band",
    "write_training_index",
]

# Names that were changed; the old ones work, with a warning.
_RENAMED = {"Take": "Transcription"}
_IN_PAPERS = ("list_papers", "report_papers", "run_benchmark", "run_papers")


def __getattr__(name: str) -> Any:
    if name in _RENAMED:
        new = _RENAMED[name]
        warnings.warn(
            f"ritornello.api.{name} is ritornello.api.{new} now.", DeprecationWarning, stacklevel=2
        )
        return globals()[new]
    if name in _IN_PAPERS:
        warnings.warn(
            f"ritornello.api.{name} is ritornello.papers.{name} now.",
            DeprecationWarning,
            stacklevel=2,
        )
        return lent(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
