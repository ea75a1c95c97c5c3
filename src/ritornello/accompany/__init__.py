"""A solo recording in, a band with it out.

remix       remix, as a user calls it: each step below in turn
source      the recording, from a file, a folder of stems or a mix
form        when the bars begin, what returns, where it ends
stated_chords  chords that somebody states, as a chart of its bars
heard_chords   chords that a player plays, and whether they are sure enough to tell
heard_sections  what comes back in what the player plays
band        who plays and what
following   roots of its bass, and its loudness
ending      the last chord, struck by all
mixdown     played, balanced and mastered into files
balance     how loud each stem is
solo        the recording as the band plays with it
stem_files  stems, their sum and an mp3 of it
result      Remix: all that was made
remix_report  what the page of a remix shows
"""

# What published systems and experiments may import; the rest is inside.
__all__ = ["heard_sections", "remix", "result"]
