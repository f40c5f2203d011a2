"""What a peer's method cost: seconds by stage, and the memory that it added.

Only what the peer itself computes is timed: `cache` is what it does once for the training samples, `attribute` what it
does for the queries. Building the model and reading the data belong to neither. The trap is peak memory, which a
process can only report as the largest it ever held: each method has a process of its own, and what was resident before
is taken off.
"""

import resource
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

KILOBYTES = 1 if sys.platform == 'darwin' else 1024
"""Bytes in the unit of ru_maxrss."""


class Clock:
    """Adds up the seconds of the stages."""

    def __init__(self) -> None:
        self.stages: dict[str, float] = {}
        self.processor = 0.0
        """Seconds of processor time over all threads: what the seconds would be divided by threads, at best, if nothing
        else ran."""

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        begun, used = time.perf_counter(), time.process_time()
        yield
        self.stages[name] = self.stages.get(name, 0.0) + time.perf_counter() - begun
        self.processor += time.process_time() - used

    @property
    def seconds(self) -> float:
        return sum(self.stages.values())


def resident() -> int:
    """Bytes held now (the peak so far where the system has no /proc)."""
    status = Path('/proc/self/statm')
    if not status.exists():
        return peak()
    return int(status.read_text().split()[1]) * resource.getpagesize()


def peak() -> int:
    """Largest number of bytes that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KILOBYTES
