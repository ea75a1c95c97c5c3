"""A song in, the same song with more in it out; every given note stays as it was.

verbs         continue, fill, vary, arrange, harmonise: each makes a plan
plans         a song, a job to write into it, and the result as a song again
form_beside   a band by the form of the song it is written for
form_after    what comes back of a song in what goes on after it
held_beat     the beat of a song, held by the drummer who goes on after it or fills a gap
closeness     which bars a variation writes anew, and in whose key
melody_chords a melody in, its phrases and a chord for each beat out
song_harmony  the chords of a song: those that fit a melody, or a draft
usual_densities  how dense new notes are: as what they replace or join
perform       carries out plans, many at once
primer        a song as the model can read it
instrument_substitution  which instrument of the model stands for another
naming        which tracks a person means
kit_tracks    a drum kit over several tracks: which of them each drum key belongs to
loudness        new notes as loud as what is given around them
join          given and composed notes in one piece
"""

# What published systems and experiments may import; the rest is inside.
__all__ = []
