"""ABC notation: books of tunes, read and written; nothing but the given bytes is ever read."""
