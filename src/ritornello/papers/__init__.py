"""The published systems, each run end to end: data, training, generation, figures.

A system is a folder named as its id with underscores. Its module `run` has one function,
``run(study) -> Outcome``: `shared.study.Study` holds its recipe, data and folder,
`shared.outcome.Outcome` all that a report shows. Beside it stand

    data      what it learns from            model     its network
    encoding  music as that network reads it  train     how it learns
    measure   its figures                    report    its tables and curves
    ours      our own model, asked the same

as far as a system has them. To add one: such a folder, a recipe of the same id in `recipes/`, and
its id in `systems`.

commands        list_papers, run_papers, report_papers, run_benchmark, as a user calls them
systems         the ids
shared          what every system is run with
report          the page on all of them
remix2023, rhythmix2024, lakh_lstm, groovybee2018, hybrid_gru2023    the systems
polyphony       no published system: our frame model on published benchmarks
"""

from ritornello.papers.commands import list_papers, report_papers, run_benchmark, run_papers
from ritornello.papers.systems import SYSTEMS

# What experiments may import; the rest is inside.
__all__ = [
    "SYSTEMS",
    "list_papers",
    "remix2023",
    "report_papers",
    "run_benchmark",
    "run_papers",
    "shared",
]
