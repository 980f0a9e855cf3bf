"""What is in another process's memory, read as root."""

import re

LARGEST = 1 << 30


def writable_maps(pid):
    """[(start, end)] of all that the process could have written to."""
    ranges = []
    with open(f"/proc/{pid}/maps") as maps:
        for line in maps:
            where, mode, *_ = line.split()
            start, end = (int(text, 16) for text in where.split("-"))
            # The kernel's own pages are not to be read. A sanitizer's notes on the
            # memory, which are terabytes, hold none of it.
            if "w" in mode and end - start <= LARGEST \
                    and not re.search(r"\[v(var|vdso|syscall)", line):
                ranges.append((start, end))
    return ranges


def count_in_memory(pid, *needles):
    """How many times any of the byte strings is in its memory."""
    found = 0
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for start, end in writable_maps(pid):
            memory.seek(start)
            try:
                chunk = memory.read(end - start)
            except OSError:
                continue
            found += sum(chunk.count(needle) for needle in needles)
    return found
