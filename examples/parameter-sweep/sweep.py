"""The same from a Python program: all settings at once, then a search that goes by what it finds.

Wants a running cluster (`tequio up`) and the client: `python3 -m pip install ./python`."""

import csv
import sys

from job import settings, simulate
from tequio import Cluster

BEDS = 20_000


def sweep(cluster):
    """A table of all settings."""
    rows = list(cluster.map(simulate, settings({"rates": 6})))
    table = csv.DictWriter(sys.stdout, rows[0])
    table.writeheader()
    table.writerows(rows)


def highest_rate(cluster, days_ill):
    """The highest rate at which the beds suffice, to a thousandth: nine at a time, all between what
    is known to be too low and too high."""
    low, high = 0.0, 1.0
    with cluster.executor() as executor:
        while high - low > 0.001:
            rates = [low + (high - low) * step / 10 for step in range(1, 10)]
            found = list(executor.map(simulate, [[rate, days_ill] for rate in rates]))
            fitting = [one["rate"] for one in found if one["worst"] <= BEDS]
            too_high = [one["rate"] for one in found if one["worst"] > BEDS]
            low, high = max(fitting, default=low), min(too_high, default=high)
    return round(low, 3)


if __name__ == "__main__":
    with Cluster.connect() as connected:
        sweep(connected)
        print("highest rate", highest_rate(connected, 7))
