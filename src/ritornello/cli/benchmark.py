"""`ritornello benchmark`: our model on the published benchmarks of likelihood."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.table import Table

from ritornello.cli.choices import BenchmarkName
from ritornello.cli.options import AnyWhole, Flag, Whole
from ritornello.cli.show import out, print_json, say
from ritornello.json_values import JsonObject


def benchmark(
    name: BenchmarkName,
    /,
    *,
    minutes: float | None = None,
    seeds: Whole = 3,
    jobs: AnyWhole = None,
    output: Annotated[Path, Parameter(alias="-o")] = Path("scorecard"),
    json: Flag = False,
) -> None:
    """Train on a published benchmark and score its test split, beside what others published.

    Run it again with the same folder to go on with the seeds that are missing. Needs the extra:
    pip install 'ritornello[train]'

    Parameters
    ----------
    name
        The benchmark.
    minutes
        Processor time of each seed; that of the published figure if left out.
    seeds
        Independent runs.
    jobs
        Runs at the same time, by default one for each processor.
    output
        Folder for the results.
    json
        Print the result for programs.
    """
    from ritornello.papers import commands

    result = commands.run_benchmark(
        name, output, minutes=minutes, seeds=range(seeds), jobs=jobs, say=say
    )
    if json:
        print_json(result)
    else:
        _print(result)


def _print(result: JsonObject) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(result["title"])
    table.add_column(result["unit"], justify="right")
    seeds = ", ".join(f"{value:.3f}" for value in result["nats"]["seeds"])
    table.add_row(f"ours, mean of seeds ({seeds})", f"{result['nats']['mean']:.3f}")
    table.add_row("ours, mixture of the seeds", f"{result['mixture']:.3f}")
    if result["changes"] is not None:
        table.add_row("ours, all nats on the notes that change", f"{result['changes']:.3f}")
    table.add_row("target", f"{result['target']:.3f}")
    others = result["published"] | result["baselines"]
    for other, value in sorted(others.items(), key=lambda item: item[1]):
        table.add_row(other, f"{value:.3f}")
    out.print(table)
    distance = result["nats"]["mean"] - result["best_known"]
    side = "better" if distance < 0 else "worse"
    out.print(f"{abs(distance):.3f} {side} than the best exact figure known.")
    out.print(f"Protocol: {result['protocol']}.")
