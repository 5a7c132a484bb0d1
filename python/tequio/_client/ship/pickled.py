"""The function as a pickle, where `cloudpickle` is installed: for what source cannot say. Only the
function travels so, and only to the sandbox of a worker; results are JSON."""

import os
import sys
from base64 import b64encode
from typing import Any, Dict, List, Optional, Sequence

from ..failure import ClusterError


def find_cloudpickle() -> Optional[Any]:
    """The module, None when it is not installed."""
    try:
        import cloudpickle
    except ImportError:
        return None
    return cloudpickle


def python_problem(workers: Sequence[Dict[str, Any]]) -> Optional[str]:
    """Why a pickle of this Python cannot be read by these workers; None when all can."""
    mine = f"{sys.version_info[0]}.{sys.version_info[1]}"
    others: List[str] = []
    for worker in workers:
        version = worker.get("python")
        if worker["state"] == "live" and version and not version.startswith(f"{mine}."):
            others.append(f"{worker['name']} has Python {version}")
    if not others:
        return None
    return f"this is Python {mine}, and {others[0]}"


def pickled(function: Any, cloudpickle: Any) -> Dict[str, Any]:
    """A reference as those of `Shipment.reference`."""
    try:
        data = cloudpickle.dumps(function)
    except Exception as error:
        text = f"cloudpickle cannot pickle the function: {type(error).__name__}: {error}"
        raise ClusterError("build-failed", text) from error
    python = list(sys.version_info[:2])
    return {"pickle": b64encode(data).decode(), "python": python}


def package_files(cloudpickle: Any) -> Dict[str, bytes]:
    """The package itself, which workers need not have: plain Python."""
    folder = os.path.dirname(cloudpickle.__file__)
    files = {}
    for name in sorted(os.listdir(folder)):
        if name.endswith(".py"):
            with open(os.path.join(folder, name), "rb") as file:
                files[f"cloudpickle/{name}"] = file.read()
    return files
