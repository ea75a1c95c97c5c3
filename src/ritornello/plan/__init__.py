"""Plans: what a piece does bar by bar, without its notes.

plan            Plan: a row a bar, read, stated, or left open
analysis        the plan of any piece
bar_strokes     what is played in each bar, and what bars have in common
returning_bars  which earlier bar each bar returns to, and how closely
sections        where a piece begins something, and what comes back
feel            which grid a bar stands on, and how far it swings
swing           swung time made straight, and straight time swung
players         who plays: instruments and desks
best_path       the best row of states over time
form_filling    what a form leaves open, filled in
chord_chains    how one chord follows another in a style
chord_progressions  a chord for each bar of a form
drum_grooves    kick and snare that a drummer holds through a section
activity        how busy a piece of a style is, and on which grid
held_rhythms    rhythms that accompanists hold through a section
held_beats      after how many bars drummers play the same again
style_usages    what is usual in a style: tempi, beats, players
song_form       forms and durations as people write them
plan_text       plans as TOML
"""

# What published systems and experiments may import; the rest is inside.
__all__ = [
    "analysis",
    "bar_strokes",
    "chord_progressions",
    "drum_grooves",
    "feel",
    "held_rhythms",
    "plan",
    "plan_text",
    "players",
    "sections",
    "song_form",
]
