"""The ingest report as one HTML page that needs nothing else: its style and charts are inside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from ritornello.pages.charts import bars

_STYLE = """
:root { color-scheme: light dark; --ink: light-dark(#1d2430, #e6e8ec);
  --soft: light-dark(#5b6575, #a3abb8); --line: light-dark(#dfe3ea, #333b47);
  --paper: light-dark(#ffffff, #151a21); --bar: light-dark(#3b6fb6, #6f9fe0);
  --bad: light-dark(#b3492d, #e08a70); }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 66rem; margin: 2.5rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.5rem; line-height: 1.3; margin: 0 0 .25rem; }
h2 { font-size: 1.1rem; margin: 2.5rem 0 .5rem; }
p { margin: .25rem 0 .75rem; } .soft { color: var(--soft); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(19rem, 1fr));
  gap: 0 2.5rem; }
svg { width: 100%; height: auto; display: block; } svg text { fill: var(--ink); font-size: 13px; }
svg rect { fill: var(--bar); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; overflow-wrap: anywhere; }
td.n, th.n { text-align: right; white-space: nowrap; }
details { border-bottom: 1px solid var(--line); padding: .45rem 0; }
summary { cursor: pointer; } summary b.bad { color: var(--bad); }
.list { max-height: 24rem; overflow: auto; margin: .5rem 0 .5rem 1.25rem; font-size: .9rem; }
"""


def page(headline: str, figures: Mapping[str, Any]) -> str:
    """The page for the figures of `ritornello.corpus.report.summary`."""
    totals = figures["totals"]
    scanned = (
        f"Scanned {escape(figures['folder'])} in {figures['scan_seconds']:,} seconds. "
        f"{totals['rejected']:,} files are not used, {totals['repaired']:,} were repaired; "
        "each is listed below with the reason."
    )
    body = [
        f"<h1>{escape(headline)}</h1>",
        f'<p class="soft">{scanned}</p>',
        _collections(figures["collections"]),
        "<h2>What is in the music</h2>",
        '<div class="charts">',
        *(
            f"<div><h3>{title}</h3>{bars(figures[name].items())}</div>"
            for title, name in (
                ("Pieces with each instrument", "parts"),
                ("Metres", "metres"),
                ("Keys, estimated", "keys"),
                ("Tempo, mean of the piece", "tempi"),
            )
        ),
        "</div>",
        _groups("Not used, and why", figures["rejected"], "reason", "Every file is used."),
        _groups("Used after repair", figures["repaired"], "repair", "No file needed repair."),
        _near(figures["near_copies"]),
        _not_music(figures["not_music"]),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Ingest report: {escape(figures['folder'])}</title>"
        f"<style>{_STYLE}</style></head><body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def _collections(rows: Iterable[Mapping[str, Any]]) -> str:
    columns = ("files", "used", "rejected", "repaired", "notes", "bars", "hours")
    head = "".join(f'<th class="n">{column}</th>' for column in columns)
    lines = []
    for row in rows:
        cells = "".join(f'<td class="n">{row[column]:,}</td>' for column in columns)
        lines.append(f"<tr><td>{escape(row['name'])}</td>{cells}</tr>")
    return f"<h2>Collections</h2><table><tr><th>collection</th>{head}</tr>{''.join(lines)}</table>"


def _groups(title: str, groups: Iterable[Mapping[str, Any]], label: str, none: str) -> str:
    items = []
    for group in groups:
        rows = "".join(
            f"<tr><td>{escape(item['path'])}</td><td>{escape(item['detail'])}</td></tr>"
            for item in group["files"]
        )
        meaning = f' <span class="soft">{escape(group.get("meaning", ""))}</span>'
        items.append(
            f'<details><summary><b class="bad">{group["count"]:,}</b> '
            f"<b>{escape(group[label])}</b>{meaning}</summary>"
            f'<div class="list"><table>{rows}</table></div></details>'
        )
    return f"<h2>{title}</h2>" + ("".join(items) or f'<p class="soft">{none}</p>')


def _near(groups: list[list[str]]) -> str:
    if not groups:
        return ""
    pieces = sum(len(group) for group in groups)
    rows = "".join(
        f'<tr><td class="n">{len(group)}</td><td>{"<br>".join(map(escape, group))}</td></tr>'
        for group in groups
    )
    return (
        "<h2>Near copies</h2><p>Versions and arrangements of one piece, or parts and their score. "
        "All are used; a group is never split between training and validation.</p>"
        f"<details><summary><b>{pieces:,}</b> pieces in <b>{len(groups):,}</b> groups</summary>"
        f'<div class="list"><table>{rows}</table></div></details>'
    )


def _not_music(endings: Mapping[str, int]) -> str:
    if not endings:
        return ""
    found = ", ".join(f"{count:,} {escape(ending)}" for ending, count in endings.items())
    return f"<h2>Not music, left alone</h2><p>{found}</p>"
