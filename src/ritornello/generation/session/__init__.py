"""Endless music whose state is a value: kept, gone back in, branched and steered while it plays.

session           Session, what a user plays and steers; StreamedNote, what it gives
snapshot          Snapshot: the state of a session in a small file
improvisation     the endless music itself, event by event, with marks to go back to
beginning         where it begins: at nothing, or at the end of a primer
section_settings  what holds in a section
session_form      its sections: a refrain that keeps coming back
remembered_piece  bars of it as a piece
moment            all that its future depends on, as a value
primer_reading    music that is read before it goes on
"""

from ritornello.generation.session.session import Session, StreamedNote
from ritornello.generation.session.snapshot import Snapshot

# What published systems and experiments may import; the rest is inside.
__all__ = ["Session", "Snapshot", "StreamedNote", "improvisation"]
