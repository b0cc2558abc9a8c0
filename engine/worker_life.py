"""Answer for a process of a pool ending with its engine, also when that ends without a word.

A pool's process waits for work at a pipe whose other end it holds itself, so nothing tells it that
everyone else is gone: after ``kill -9`` of the engine it would wait for ever.
"""

import os
import threading
from multiprocessing import parent_process


def end_with_engine() -> None:
    """Watch the engine from a process of a pool; give it to the pool as its initializer."""
    threading.Thread(target=_wait_and_end, name="engine-watch", daemon=True).start()


def _wait_and_end() -> None:
    engine = parent_process()
    if engine is not None:
        engine.join()
        os._exit(1)  # there is nobody left to tell, and nothing of ours to write down
