"""Runs the cells of a notebook against the cluster that the environment names: what a cell defines
travels, in its newest form."""

import io
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "python"))
from IPython.core.interactiveshell import InteractiveShell

CELLS = [
    "from tequio import Cluster, tasks\ncluster = Cluster.connect(functions='source')",
    "SCALE = 3\nclass Item:\n    def __init__(self, n):\n        self.n = n",
    "def scaled(n):\n    return Item(n).n * SCALE",
    "assert list(cluster.map(scaled, [1, 2])) == [3, 6]",
    "assert list(cluster.map(lambda n: scaled(n) + 1, [1])) == [4]",
    "class Item:\n    def __init__(self, n):\n        self.n = n + 10",
    "SCALE = 2",
    "assert list(cluster.map(scaled, [1])) == [22]",
    "from dataclasses import dataclass\nfrom enum import Enum\nimport typing as t",
    "@dataclass\nclass Pair:\n    a: int\n    b: t.Optional[int] = None",
    "class Kind(Enum):\n    low = 1",
    "def made(n):\n    return [Pair(n).a, Kind.low.value]",
    "result = cluster.run(tasks(items=[1, 2], run=made))\nassert list(result) == [[1, 1], [2, 1]]",
    "assert '<table>' in result._repr_html_()",
    "import time\ndef slow(n):\n    time.sleep(0.4)\n    return n",
    "assert list(cluster.map(slow, range(6))) == list(range(6))",
]


def main():
    shell = InteractiveShell.instance()
    # As the shell of a notebook has one.
    shell.kernel = object()
    shown = []
    shell.display_pub.publish = lambda data, *_, **__: shown.append(data)
    output, sys.stdout = sys.stdout, io.StringIO()
    for cell in CELLS:
        shell.run_cell(cell, store_history=True).raise_error()
    sys.stdout = output
    bars = [data for data in shown if "<progress" in data.get("text/html", "")]
    assert bars and "of 6 tasks" in bars[-1]["text/html"], shown


main()
