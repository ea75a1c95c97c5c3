"""One processor for the matrix products of a command: said before NumPy is loaded, which asks then.

The threads of OpenBLAS wait for each other in loops. Where another program has one of two
processors, the notes of 20 seconds of a violin took 47 seconds so, and take 3 with one thread; on
idle processors the products here are too small to gain from two. Who sets the variable decides.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
