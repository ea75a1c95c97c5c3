"""ABC notation: books of tunes, read and written; nothing but the given bytes is ever read.

Reading goes down this list, writing goes back up from the layout:

book       bytes to text, text to tunes, tunes to lines; escapes in text
fields     what M:, L:, Q:, K:, V: and P: say
tokens     a line of music as tokens
signs      decorations and the marks they are in a piece
lyrics     w: lines under their notes
voice_settings  what fields set for voices, and what the voices of a tune share
voice      one voice while it is read: tokens in, measures out
tune       the lines of a tune: fields here, notes to the voices
score      the tune as written: voices of measures
play       in which order the measures are played
read       the score as a piece; every tune of a book
layout     where everything of a piece stands in its tune, and what comes back
write      the text of a tune
"""
