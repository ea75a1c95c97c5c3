"""A folder of music made fit to learn from: scanned, reported, split and stored."""
