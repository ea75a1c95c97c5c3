"""Everything a person looks at: pictures, charts, and HTML pages.

rendering         a page from an autoescaped template; what templates can do
numbers           numbers as a reader sees them
svg               one element of a drawing: the only place where markup is made by code
charts            curves, bars and histograms as SVG
canvas            a drawing as shapes, painted as SVG or PNG
lettering         text as pixels
pianoroll         piano-rolls of a piece
plan_files        plans as files: TOML, SVG, PNG
plan_picture      a plan: sections, chords, returns and players over the bars
score             engraved pages of a piece
time_axis         beats, chords and notes along seconds
waveform_outline  the outline of a sound
notebook          a piece in a notebook
ingest_page       what is in a folder of music
training_page     a training run
remix_page        a remix: what was heard and every stem
curves_page       one chart and one table

The markup and the words of each page are in the folder ``templates``.
"""

# What published systems and experiments may import; the rest is inside.
__all__ = ["charts", "curves_page", "numbers", "pianoroll", "rendering"]
