"""What the pages of reports are made of: style sheet, page, table, grid, players, numbers.

A page is one file that needs nothing else and, but for that of a remix, runs no script. It serves
screen, phone, dark and paper. Blue and vermilion (in the dark: sky blue and orange) are the pair of
Okabe and Ito that people with any kind of colour blindness tell apart; lines also differ in their
dashes, so that grey print does.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable
from html import escape
from pathlib import Path

STYLE = """
:root { color-scheme: light dark; --ink: #1d2430; --soft: #566072; --line: #dfe3ea;
  --paper: #fff; --card: #f5f7fa; --train: #0072b2; --valid: #c44e00; }
@media screen and (prefers-color-scheme: dark) { :root { --ink: #e6e8ec; --soft: #a8b0bd;
  --line: #333b47; --paper: #14181e; --card: #1d232c; --train: #56b4e9; --valid: #f0a030; } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 68rem; margin: 2rem auto 4rem; padding: 0 1.1rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.75rem 0 .25rem; }
h3 { font-size: 1rem; margin: 0; overflow-wrap: anywhere; }
p { margin: .25rem 0 .9rem; max-width: 46rem; } .soft, figcaption { color: var(--soft); }
.warn { border-left: 4px solid var(--valid); padding-left: .75rem; }
dl.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr));
  gap: .75rem; margin: 1.25rem 0 .75rem; }
.cards div { background: var(--card); border-radius: .5rem; padding: .6rem .8rem; }
.cards dt { color: var(--soft); font-size: .85rem; }
.cards dd { margin: 0; font-size: 1.35rem; font-weight: 600; line-height: 1.25;
  overflow-wrap: anywhere; }
.cards small { display: block; font-size: .8rem; font-weight: 400; color: var(--soft); }
.grid { display: grid; gap: 1.25rem 2rem;
  grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); }
.grid.wide { grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr)); }
figure { margin: 0; break-inside: avoid; } figcaption { font-size: .9rem; }
svg { display: block; width: 100%; } .chart { height: auto; max-width: 36rem; }
svg text { fill: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
svg text.name { fill: var(--ink); }
svg path { fill: none; stroke-linecap: round; stroke-linejoin: round; }
.grid path, svg .grid { stroke: var(--line); }
svg .raw { stroke: var(--train); stroke-width: 1; opacity: .35; }
svg .smooth { stroke: var(--train); stroke-width: 2; }
svg .marked { stroke: var(--valid); stroke-width: 1.5; stroke-dasharray: 5 3; }
svg .dots { stroke: var(--valid); stroke-width: 6; }
svg .lone { stroke-width: 6; }
svg .limit { stroke: var(--soft); stroke-width: 1.5; stroke-dasharray: 1 4; }
svg .line1 { stroke: #0072b2; } svg .line2 { stroke: #d55e00; stroke-dasharray: 7 4; }
svg .line3 { stroke: #009e73; stroke-dasharray: 2 4; }
svg .line4 { stroke: #cc79a7; stroke-dasharray: 9 3 2 3; }
svg .line5 { stroke: #a6761d; stroke-dasharray: 12 5; }
svg .line6 { stroke: #56b4e9; stroke-dasharray: 4 2; }
svg .line1, svg .line2, svg .line3, svg .line4, svg .line5, svg .line6 { stroke-width: 2; }
.bars rect { fill: var(--train); }
.key { display: flex; flex-wrap: wrap; gap: .1rem 1.25rem; margin: .25rem 0 .6rem;
  font-size: .9rem; }
.key svg { display: inline-block; width: 28px; height: 12px; margin-right: .4rem;
  vertical-align: middle; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: .9rem; }
.layer { break-inside: avoid; } .layer p { margin: 0; font-size: .85rem; }
.strip { height: 84px; background: var(--card); border: 1px solid var(--line); }
svg.strip path { fill: var(--train); stroke: none; shape-rendering: crispEdges; }
.h1 { opacity: .12 } .h2 { opacity: .24 } .h3 { opacity: .36 } .h4 { opacity: .48 }
.h5 { opacity: .6 } .h6 { opacity: .73 } .h7 { opacity: .86 }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .25rem 0 .75rem; }
th, td { text-align: left; padding: .3rem 1.5rem .3rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; overflow-wrap: anywhere; }
caption { text-align: left; font-size: .9rem; color: var(--soft); }
.settings caption { font-size: 1rem; font-weight: 600; color: var(--ink); }
thead th { color: var(--soft); font-weight: 500; font-size: .9rem; }
td.n, th.n { text-align: right; white-space: nowrap; }
tbody th { overflow-wrap: normal; font-weight: 500; }
@media (max-width: 40rem) { th, td { padding-right: .8rem; } .scroll { font-size: .875rem; } }
.name { white-space: nowrap; }
.stack { width: 100%; } .stack th, .stack td { overflow-wrap: break-word; padding-right: .9rem; }
.stack tbody th { font-weight: 600; }
.stack small { display: block; color: var(--soft); font-weight: 400; }
@media screen and (max-width: 44rem) { .stack thead { display: none; }
  .stack, .stack tbody, .stack tr, .stack th, .stack td, .stack caption { display: block; }
  .stack tr { border-bottom: 1px solid var(--line); padding: .5rem 0; }
  .stack th, .stack td { border: 0; padding: .1rem 0; }
  .stack td { display: grid; grid-template-columns: 7.5rem 1fr; gap: .5rem; }
  .stack td.none { display: none; }
  .stack td::before { content: attr(data-label); color: var(--soft); font-size: .9rem; } }
table.settings th { font-weight: 400; color: var(--soft); white-space: nowrap; }
audio { display: block; width: 100%; margin: .3rem 0; }
details { margin: .5rem 0; } summary { cursor: pointer; }
a { color: var(--train); }
@media print { tr, .scroll { break-inside: avoid; }
  body { font-size: 10.5pt; margin: 0; max-width: none; }
  figcaption, .layer h3 { font-size: .8rem; }
  .cards div { border: 1px solid var(--line); } audio, .players { display: none; }
  .scroll { overflow: visible; } .scroll table { font-size: .85em; } th.n { white-space: normal; }
  .scroll thead th { font-size: 1em; overflow-wrap: normal; } a[download] { display: none; }
  .strip, .cards div { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  h2, h3, h4 { break-after: avoid; } .stack { font-size: .9em; } .chart { max-width: none; }
  .grid { grid-template-columns: 1fr 1fr 1fr; } .grid.wide { grid-template-columns: 1fr 1fr; } }
"""


_SOUNDS = {".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".wav": "audio/wav", ".flac": "audio/flac"}


def page(title: str, sections: Iterable[str], *, style: str = "") -> str:
    """A whole document.

    Args:
        title: as text. sections: as HTML; the empty ones are left out.
        style: rules of the page's own after `STYLE`.
    """
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{text(title)}</title><style>{STYLE}{style}</style></head><body>\n<h1>{text(title)}</h1>\n"
        + "\n".join(filter(None, sections))
        + "\n</body></html>\n"
    )


def table(head: list[str], rows: Iterable[list[str]], *, caption: str) -> str:
    """A table whose first column names its rows; the others are numbers."""
    titles = "".join(
        f'<th scope="col" class="{"n" if index else ""}">{text(title)}</th>'
        for index, title in enumerate(head)
    )
    lines = "".join(
        f'<tr><th scope="row">{text(first)}</th>'
        + "".join(f'<td class="n">{cell}</td>' for cell in cells)
        + "</tr>"
        for first, *cells in rows
    )
    return (
        f'<div class="scroll"><table><caption>{caption}</caption><thead><tr>{titles}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def legend(looks: Iterable[tuple[str, str]]) -> str:
    """What the lines of charts mean: (look of a `charts.Curve`, name)."""
    entries = []
    for look, name in looks:
        dot = '<path class="dots" d="M14 6h0"/>' if look == "marked" else ""
        line = f'<path class="{look}" d="M2 6h24"/>{dot}'
        entries.append(
            f'<span><svg viewBox="0 0 28 12" aria-hidden="true">{line}</svg>{text(name)}</span>'
        )
    return f'<div class="key">{"".join(entries)}</div>'


def cards(facts: Iterable[tuple[str, str, str, str]]) -> str:
    """Facts in boxes: (identifier, title, value, remark), all but the identifier as HTML."""
    items = "".join(
        f'<div><dt>{title}</dt><dd><span id="{key}">{value}</span>'
        f"<small>{remark}</small></dd></div>"
        for key, title, value, remark in facts
    )
    return f'<dl class="cards">{items}</dl>'


def stacked(head: list[str], rows: Iterable[list[str]], *, caption: str = "") -> str:
    """A table that a phone shows as one block a row; ``rows`` are HTML, the first cell its name."""
    titles = "".join(f'<th scope="col">{text(title)}</th>' for title in head)
    lines = "".join(
        f'<tr><th scope="row">{first}</th>'
        + "".join(
            f'<td data-label="{text(title)}"{_unless_empty(cell)}><div>{cell}</div></td>'
            for title, cell in zip(head[1:], cells, strict=True)
        )
        + "</tr>"
        for first, *cells in rows
    )
    about = f"<caption>{caption}</caption>" if caption else ""
    inner = f"{about}<thead><tr>{titles}</tr></thead><tbody>{lines}</tbody>"
    return f'<table class="stack">{inner}</table>'


def _unless_empty(cell: str) -> str:
    """A phone leaves out the cells that hold only a dash."""
    return ' class="none"' if cell == "–" else ""


def grid(items: Iterable[str], *, wide: bool = False) -> str:
    """Items beside each other as far as the page is wide; ``wide`` ones take more room."""
    return f'<div class="grid{" wide" if wide else ""}">{"".join(items)}</div>'


def player(sound: Path) -> str:
    """A player with a sound file inside: mp3, ogg, wav or flac."""
    kind = _SOUNDS[sound.suffix]
    return f'<audio controls preload="none" src="{_data_uri(sound, kind)}"></audio>'


def download(midi: Path, label: str) -> str:
    """A link that saves the MIDI file that is inside it; nothing if there is no such file."""
    if not midi.is_file():
        return ""
    return (
        f'<a download="{text(midi.name)}" href="{_data_uri(midi, "audio/midi")}">{text(label)}</a>'
    )


def _data_uri(path: Path, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def text(value: object) -> str:
    """Anything as text that HTML takes for nothing else."""
    return escape(str(value))


def number(value: object) -> str:
    """A value of any kind as the reader sees it: numbers to four digits, nothing as a dash."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if not isinstance(value, float):
        return text(value)
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else "infinite"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def nats(value: float | None) -> str:
    """Nats per note as the reader sees them, to three places."""
    return f"{value:.3f}" if value is not None and math.isfinite(value) else "unknown"


def count(value: float) -> str:
    """A whole number as the reader sees it."""
    return f"{value:,.0f}" if math.isfinite(value) else "unknown"
