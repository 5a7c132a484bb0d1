"""What the programs of the client's tests have in common: not shipped, only called here."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "python"))
from tequio import Cluster, ClusterError


def source_only():
    return Cluster.connect(functions="source")


def fails(code, call, *said):
    """The error has this code and says all of this."""
    try:
        got = call()
    except ClusterError as error:
        assert error.code == code, error
        for one in said:
            assert one in str(error), f"{one!r} is not in: {error}"
        return error
    raise AssertionError(f"no error, but {got!r}")


def states(cluster, name):
    jobs = cluster._api._json("GET", "/v1/jobs")["jobs"]
    return [one["state"] for one in jobs if one["name"] == name]


def until(holds):
    """Asks again until it holds, five minutes at most."""
    give_up = time.monotonic() + 300
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.02)
