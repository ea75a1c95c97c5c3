"""Everything a person looks at: pictures, charts, and HTML pages.

page              style sheet, tables, players: what pages are made of
charts            curves, bars and histograms as SVG
canvas            a drawing as shapes, painted as SVG or PNG
pianoroll         piano-rolls of a piece
score             engraved pages of a piece
time_axis         beats, chords and notes along seconds
waveform_outline  the outline of a sound
notebook          a piece in a notebook
ingest_page       what is in a folder of music
remix_page        a remix: what was heard and every stem
"""

# What published systems and experiments may import; the rest is inside.
__all__ = ["charts", "page", "pianoroll"]
