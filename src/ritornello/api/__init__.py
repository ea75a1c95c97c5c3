"""The verbs a user has. They join the packages below, which never import each other.

files      load, save, render, convert, notebook_html
composer   Composer: compose, compose_many, stream, session
session    Session, what Composer.session plays; Snapshot, its state; StreamedNote
partner    what a Composer does to a song: continue_, fill, arrange, harmonise, vary -> Result
library    models, find_model, model_card
learning   inspect, train, evaluate
originality  originality, training_index, write_training_index, most_original
separation  separate, train_separator, load_separator: a mix and its stems
listening  transcribe: a recording as notes, with the Hints that help -> Take
remix      remix: a band for a recording -> Remix
papers     list_papers, run_papers, report_papers: the published systems
health     doctor
"""

from __future__ import annotations

from ritornello.api.composer import Composer
from ritornello.api.files import convert, load, notebook_html, refuse_target, render, save
from ritornello.api.health import Check, doctor
from ritornello.api.learning import evaluate, inspect, train
from ritornello.api.library import ModelInfo, find_model, model_card, models
from ritornello.api.listening import transcribe
from ritornello.api.originality import (
    Attempt,
    Limit,
    most_original,
    originality,
    training_index,
    write_training_index,
)
from ritornello.api.papers import list_papers, report_papers, run_benchmark, run_papers
from ritornello.api.partner import Options, Partner, Result
from ritornello.api.remixed import Remix
from ritornello.api.remixing import remix
from ritornello.api.separation import Separation, load_separator, separate, train_separator
from ritornello.api.session import Session, Snapshot, StreamedNote
from ritornello.audio.listening.heard import Hints
from ritornello.audio.listening.take import Take
from ritornello.corpus.report import print_report
from ritornello.corpus.report import summary as report_summary
from ritornello.io.interop import to_library
from ritornello.training.config import network_size

__all__ = [
    "Attempt",
    "Check",
    "Composer",
    "Hints",
    "Limit",
    "ModelInfo",
    "Options",
    "Partner",
    "Remix",
    "Result",
    "Separation",
    "Session",
    "Snapshot",
    "StreamedNote",
    "Take",
    "convert",
    "doctor",
    "evaluate",
    "find_model",
    "inspect",
    "list_papers",
    "load",
    "load_separator",
    "model_card",
    "models",
    "most_original",
    "network_size",
    "notebook_html",
    "originality",
    "print_report",
    "refuse_target",
    "remix",
    "render",
    "report_papers",
    "report_summary",
    "run_benchmark",
    "run_papers",
    "save",
    "separate",
    "to_library",
    "train",
    "train_separator",
    "training_index",
    "transcribe",
    "write_training_index",
]
