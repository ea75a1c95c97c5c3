"""How much of a piece stands in the training music of a model.

assessment  reports on pieces, and pieces that copy less
index     the windows of the training music, in a file
copying   windows of a piece that stand elsewhere, in any transposition
hash_set  a set of hashes that is a NumPy array
"""

# What published systems and experiments may import; the rest is inside.
__all__ = ["copying", "index"]
