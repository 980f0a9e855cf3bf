"""Few combinations of settings that show what two of them do to each other."""

import itertools
import random


def every_pair(columns):
    """Few rows in which each value of each column meets each of every other."""
    def pairs(row):
        return set(itertools.combinations(enumerate(row), 2))

    missing = {((i, x), (j, y)) for i, j in itertools.combinations(range(len(columns)), 2)
               for x in columns[i] for y in columns[j]}
    chance, rows = random.Random(1), []
    while missing:
        (i, x), (j, y) = min(missing)
        tries = []
        for _ in range(60):
            row = [chance.choice(values) for values in columns]
            row[i], row[j] = x, y
            tries.append(tuple(row))
        rows.append(max(tries, key=lambda row: len(pairs(row) & missing)))
        missing -= pairs(rows[-1])
    return rows
