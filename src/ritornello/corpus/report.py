"""The ingest report: what of a folder is used, what is not, and why.

`summary` gathers the figures once, as plain data; the terminal text, the JSON and the HTML page
(`ritornello.pages.ingest_page`) all show that.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ritornello.atomic import atomic_write
from ritornello.corpus.scan import FileReport, ScanResult
from ritornello.errors import OutputError
from ritornello.json_values import JsonObject
from ritornello.pages.ingest_page import (
    CollectionTotals,
    FileDetail,
    FileGroup,
    IngestFigures,
    Totals,
    ingest_html,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

# What each reason means for the person whose file it is.
REASONS = {
    "exact copy": "The same file again; one of them is used.",
    "same notes": "The same notes as another file, exported or named differently; one is used.",
    "transposed copy": "Another file in another key; one is used, training transposes by itself.",
    "not MIDI": "The name ends like music, the content is something else. Export it again.",
    "truncated": "The end of the file is missing. Get a complete copy.",
    "damaged": "The content breaks the rules of its format. Export it again.",
    "empty file": "The file holds nothing.",
    "no notes": "A file without a single note: perhaps only lyrics, markers or a tempo.",
    "too few notes": "Too short to learn from.",
    "too many notes": "More notes than any piece for people to play. Split it into pieces.",
    "too long": "Hours long: usually one stray event far behind the end. Cut it and export again.",
    "not a regular file": "A device or a pipe, not a file.",
    "cannot be opened": "The system does not let it be read. Check the rights and the links.",
    "takes too long to read": "Reading was given up, so that the scan could go on.",
    "the reader crashed": "The reader broke down on this file; the scan went on. Please report it.",
    "the reader failed": "The reader met a case it does not know. Please report it.",
}
_TEMPO_STEP_BPM = 20
_SHOWN_FILES = 3
_SHOWN_GROUPS = 12
_SHOWN_DETAIL = 200


def summary(scan: ScanResult) -> IngestFigures:
    """All figures of the report, ready for JSON."""
    used = scan.used
    near: dict[str, list[str]] = defaultdict(list)
    for item in used:
        if item.group:
            near[item.group].append(item.path)
    return {
        "folder": str(scan.folder),
        "scan_seconds": round(scan.elapsed_seconds, 1),
        "totals": _totals(scan.files),
        "collections": [
            CollectionTotals(
                name=name,
                **_totals(item for item in scan.files if item.collection == name),
            )
            for name in scan.collections
        ],
        "parts": _counted(part for item in used for part in set(item.parts)),
        "metres": _counted(metre for item in used for metre in item.metres),
        "keys": _counted(item.key or "none (drums only)" for item in used),
        "tempi": _tempi(used),
        "rejected": _rejected(scan.rejected),
        "repaired": _repaired(used),
        "near_copies": sorted(near.values(), key=lambda group: (-len(group), group)),
        "not_music": dict(sorted(scan.other_endings.items(), key=lambda item: (-item[1], item))),
    }


def _totals(items: Iterable[FileReport]) -> Totals:
    items = list(items)
    used = [item for item in items if item.rejection is None]
    return {
        "files": len(items),
        "used": len(used),
        "rejected": len(items) - len(used),
        "repaired": sum(bool(item.repairs) for item in used),
        "notes": sum(item.notes for item in used),
        "drum_notes": sum(item.drum_notes for item in used),
        "parts": sum(len(item.parts) for item in used),
        "bars": sum(item.bars for item in used),
        "hours": round(sum(item.seconds for item in used) / 3600, 2),
    }


def _counted(values: Iterable[str]) -> dict[str, int]:
    """Most frequent first, then by name."""
    return dict(sorted(Counter(values).items(), key=lambda item: (-item[1], item[0])))


def _tempi(used: Iterable[FileReport]) -> dict[str, int]:
    """Pieces by mean tempo, in steps, slow to fast."""
    steps = Counter(int(item.tempo_bpm // _TEMPO_STEP_BPM) for item in used)
    return {
        f"{step * _TEMPO_STEP_BPM}-{(step + 1) * _TEMPO_STEP_BPM - 1} bpm": steps[step]
        for step in sorted(steps)
    }


def _rejected(items: Iterable[FileReport]) -> list[FileGroup]:
    by_reason: dict[str, list[FileDetail]] = defaultdict(list)
    for item in items:
        if item.rejection:
            detail = FileDetail(path=item.path, detail=item.rejection.detail)
            by_reason[item.rejection.reason].append(detail)
    return [
        {"reason": reason, "meaning": REASONS.get(reason, ""), "count": len(files), "files": files}
        for reason, files in sorted(by_reason.items(), key=lambda item: (-len(item[1]), item[0]))
    ]


def _repaired(items: Iterable[FileReport]) -> list[FileGroup]:
    by_kind: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for item in items:
        for repair in item.repairs:
            by_kind[_kind(repair)][item.path].append(repair)
    groups: list[FileGroup] = []
    for kind, files in sorted(by_kind.items(), key=lambda item: (-len(item[1]), item[0])):
        rows = [FileDetail(path=path, detail=" ".join(files[path])) for path in files]
        groups.append({"repair": kind, "count": len(rows), "files": rows})
    return groups


def _kind(repair: str) -> str:
    """A repair without its numbers and places, so that like ones are counted together."""
    plain = re.sub(r"\s*\(.*\)|^Line \d+: ", "", repair)
    return re.sub(r"\bn note\b", "n notes", re.sub(r"\d+(?:[.,]\d+)*", "n", plain))


def headline(figures: IngestFigures) -> str:
    """The one sentence a person wants first."""
    totals = figures["totals"]
    return (
        f"{totals['used']:,} of {totals['files']:,} files are used: {totals['notes']:,} notes in "
        f"{totals['parts']:,} parts, {_length(totals['hours'])} of music."
    )


def _length(hours: float) -> str:
    """Hours as words.

    >>> _length(1.5), _length(0.18), _length(0.01)
    ('1.5 hours', '11 minutes', '1 minute')
    """
    minutes = max(1, round(60 * hours))
    if minutes >= 60:
        return f"{hours:,.1f} hours"
    return "1 minute" if minutes == 1 else f"{minutes} minutes"


def told(figures: IngestFigures) -> list[str]:
    """The report in sentences: what is used, then what is not, for each reason with some names."""
    sentences = [headline(figures)]
    for group in figures["rejected"]:
        names = [file["path"] for file in group["files"][:_SHOWN_FILES]]
        more = group["count"] - len(names)
        listed = ", ".join(names) + (f" and {more:,} more" if more else "")
        sentences.append(f"Not used, {group.get('reason', '')}: {listed}.")
    return sentences


# --- terminal ---------------------------------------------------------------------------------


def print_report(scan: ScanResult, console: Console | None = None) -> None:
    """The report as text, the first files of each reason named."""
    from rich.console import Console as NewConsole
    from rich.markup import escape

    console = console or NewConsole()
    figures = summary(scan)
    console.print(f"[bold]{escape(headline(figures))}[/bold]")
    if len(figures["collections"]) > 1:
        console.print(_collection_table(figures))
    counted = {
        "Parts": figures["parts"],
        "Metres": figures["metres"],
        "Keys": figures["keys"],
        "Tempi": figures["tempi"],
    }
    for name, counts in counted.items():
        shown = list(counts.items())
        tail = ", ..." if len(shown) > 8 else ""
        text = ", ".join(f"{value} ({count:,})" for value, count in shown[:8])
        console.print(f"[bold]{name}:[/bold] {escape(text + tail)}")
    _print_groups(console, "Not used", figures["rejected"], "reason")
    _print_groups(console, "Used after repair", figures["repaired"], "repair")
    if figures["near_copies"]:
        pieces = sum(len(group) for group in figures["near_copies"])
        console.print(
            f"\n[bold]Near copies[/bold]\n  {pieces:,} pieces in {len(figures['near_copies']):,} "
            "groups (versions, or parts and their score): used, and never split between training "
            "and validation."
        )
    if figures["not_music"]:
        found = ", ".join(f"{count:,} {ending}" for ending, count in figures["not_music"].items())
        console.print(f"\n[bold]Not music, left alone:[/bold] {escape(found)}")


def _print_groups(
    console: Console, title: str, groups: list[FileGroup], label: Literal["reason", "repair"]
) -> None:
    from rich.markup import escape

    if groups:
        console.print(f"\n[bold]{title}[/bold]")
    for group in groups[:_SHOWN_GROUPS]:
        meaning = f"  [dim]{group['meaning']}[/dim]" if group.get("meaning") else ""
        console.print(f"  [bold]{group['count']:,} x {escape(group[label])}[/bold]{meaning}")
        for item in group["files"][:_SHOWN_FILES]:
            detail = f": {item['detail']}" if item["detail"] else ""
            console.print(
                f"      {escape(item['path'] + detail[:_SHOWN_DETAIL])}",
                highlight=False,
                soft_wrap=True,
            )
        if len(group["files"]) > _SHOWN_FILES:
            console.print(f"      ... and {len(group['files']) - _SHOWN_FILES:,} more")
    if len(groups) > _SHOWN_GROUPS:
        rest = sum(group["count"] for group in groups[_SHOWN_GROUPS:])
        console.print(f"  ... and {len(groups) - _SHOWN_GROUPS} kinds more, {rest:,} in all")


def _collection_table(figures: IngestFigures) -> Table:
    from rich.markup import escape
    from rich.table import Table as NewTable

    table = NewTable(box=None, pad_edge=False, header_style="bold")
    table.add_column("collection")
    for column in ("files", "used", "notes", "hours"):
        table.add_column(column, justify="right")
    for row in figures["collections"]:
        counts = (f"{count:,}" for count in (row["files"], row["used"], row["notes"]))
        table.add_row(escape(row["name"]), *counts, f"{row['hours']:,.1f}")
    return table


# --- files ------------------------------------------------------------------------------------


def save_report(scan: ScanResult, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """Write the report; ``.json`` holds every file, ``.html`` is one self-contained page.

    Raises:
        OutputError: if the ending is another one, or the file exists or cannot be written.
    """
    target = Path(path)
    figures = summary(scan)
    if target.suffix.lower() == ".json":
        files = [_file_row(item) for item in scan.files]
        text = json.dumps({**figures, "files": files}, indent=1, ensure_ascii=False)
    elif target.suffix.lower() == ".html":
        text = ingest_html(headline(figures), figures)
    else:
        raise OutputError(
            f"{target.suffix or 'A name without an ending'} is no format of a report.",
            where=str(target),
            next_step="Use a name that ends in .html or .json.",
        )
    with atomic_write(target, overwrite=overwrite) as temporary:
        # Names on disk need not be valid Unicode.
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
    return target


def _file_row(item: FileReport) -> JsonObject:
    row = dict(vars(item))
    row["rejection"] = vars(item.rejection) if item.rejection else None
    return row
