"""Music from a model: whole pieces, endless music, and parts for given ones.

composer         Composer: a model that is loaded once and asked for music
partner          Partner: the verbs of a Composer on a song, and their Result
session          Session: endless music whose state is a value
rules            Rules: what a piece must be
job              what is given, where to write, under which rules
compose          the loop: one event after another, many pieces at once
writer           a piece while it is written, with its masks, inputs and random state
best_of          candidates side by side, of which the best goes on after each section
plan_drafts      what is asked of a form, as rules and a plan
planned          a job by a plan: who plays when, which chords, what is told
note_feed        notes of pieces that are still being written
reprise          which notes come back where a plan says that bars return
two_hands        a player alone at a keyboard: two parts that are one at last
tune             where the phrases of a tune may end, and how often it repeats its note
rhythms          when accompanists strike, where a form states it
current_rhythms  rhythms while a piece is written: those stated, and those a tune takes up
voicings         what an accompanist struck last, to strike it again
figures          whether music goes round in a figure, and may leave it
open_spans       which parts are open when, near the moment
masks            rules as masks on the choices of the network
pace             density that is kept: which shifts let notes come thick enough
pitches          which pitches the rules allow
voice_leading    rules of voices that move together
beat_chords     a chord for each beat, which voices complete
sampling         temperature and nucleus of sampling
instrumentation  who plays together in the training music
usual_music      keys and tempos of the training music
countable_bars   bars of any metre as bars that the model can count
edit             a song in, the same song with more in it out
preference       which of several pieces is kept: critics that learned from ratings and real music
originality      how much of a piece stands in the training music
"""

# What published systems and experiments may import; the rest is inside.
__all__ = [
    "compose",
    "composer",
    "instrumentation",
    "job",
    "note_feed",
    "originality",
    "partner",
    "preference",
    "rules",
    "sampling",
    "session",
    "writer",
]
