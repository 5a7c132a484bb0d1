"""Where a coordinator is: the data directory of this machine, or an address and a token from
elsewhere. The same rules as the command line's (src/cli/place.ts)."""

import json
import os
import re
import stat
from typing import Callable, Mapping, NamedTuple, Optional
from urllib.parse import urlsplit

from .failure import ClusterError


class Target(NamedTuple):
    """`fingerprint`: SHA-256 of the coordinator's certificate, hex; "" = none is pinned. `again`:
    where one of this machine is now: it may have started again at another port."""

    url: str
    token: str
    fingerprint: str
    again: Optional[Callable[[], "Target"]] = None


class Wanted(NamedTuple):
    """What the program names; None = as the environment says."""

    url: Optional[str] = None
    token: Optional[str] = None
    token_file: Optional[str] = None
    fingerprint: Optional[str] = None
    data: Optional[str] = None


def find_target(wanted: Wanted, env: Mapping[str, str] = os.environ) -> Target:
    """Errors: `unavailable` when no coordinator is known, `unauthenticated` without a token."""
    if wanted.url is not None and wanted.data is not None:
        text = "url and data cannot be combined: data is of a coordinator on this machine"
        raise ClusterError("bad-request", text)
    url = wanted.url
    if url is None and wanted.data is None:
        url = env.get("TEQUIO_URL")
    token = _token_of(wanted, env)
    if url:
        if token is None:
            text = f"no token for {url}; give token_file, or TEQUIO_TOKEN in the environment. One"
            made = "is made where the coordinator runs: tequio token create --role submitter"
            raise ClusterError("unauthenticated", f"{text} {made}")
        fingerprint = wanted.fingerprint or env.get("TEQUIO_FINGERPRINT") or ""
        return Target(coordinator_url(url), token, fingerprint)
    folder = data_dir(wanted.data, env)
    endpoint = _read_endpoint(os.path.join(folder, "endpoint.json"))
    if token is None:
        token = read_secret(os.path.join(folder, "admin.token"))
    fingerprint = wanted.fingerprint or endpoint.get("fingerprint") or ""
    return Target(endpoint["url"], token, fingerprint, lambda: find_target(wanted, env))


def data_dir(given: Optional[str], env: Mapping[str, str]) -> str:
    """`given`, $TEQUIO_DATA, $XDG_DATA_HOME/tequio, ~/.local/share/tequio: the first that is
    set."""
    named = given or env.get("TEQUIO_DATA")
    if named:
        return os.path.abspath(named)
    shared = env.get("XDG_DATA_HOME", "")
    if not shared.startswith("/"):
        shared = os.path.join(os.path.expanduser("~"), ".local", "share")
    return os.path.join(shared, "tequio")


def coordinator_url(text: str) -> str:
    """Without a scheme: `http` on this machine, else `https`, so that a token does not leave in the
    clear unasked."""
    is_here = re.match(r"(localhost|127\.[0-9.]+|\[::1\])(:|/|$)", text, re.I)
    if not re.match(r"[a-z]+://", text, re.I):
        text = f"{'http' if is_here else 'https'}://{text}"
    try:
        parts = urlsplit(text)
        known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        known = False
    if not known:
        example = "that looks like https://host:7070"
        raise ClusterError("bad-request", f"{text} is not the address of a coordinator; {example}")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _token_of(wanted, env):
    if wanted.token is not None and wanted.token_file is not None:
        raise ClusterError("bad-request", "token and token_file cannot be combined")
    if wanted.token is not None:
        return wanted.token
    if wanted.token_file is not None:
        return read_secret(wanted.token_file)
    return env.get("TEQUIO_TOKEN") or None


def read_secret(path: str) -> str:
    """One line of a file that only its owner may read."""
    try:
        mode = os.stat(path).st_mode
        if os.name == "posix" and stat.S_ISREG(mode) and mode & 0o077:
            text = f"others on this machine can read the token in {path}; run chmod 600 {path}, and"
            raise ClusterError("bad-request", f"{text} revoke the token if they may have")
        with open(path, encoding="utf-8") as file:
            token = file.read().strip()
    except FileNotFoundError:
        text = f"no token file {path}; see `tequio token create --help`"
        raise ClusterError("not-found", text) from None
    except OSError as error:
        raise ClusterError("bad-request", f"cannot read {path}: {error.strerror}") from error
    if not token:
        raise ClusterError("bad-request", f"the token file {path} is empty")
    return token


def _read_endpoint(path):
    try:
        with open(path, encoding="utf-8") as file:
            endpoint = json.load(file)
        if isinstance(endpoint, dict) and isinstance(endpoint.get("url"), str):
            return endpoint
    except PermissionError as error:
        text = f"{path} is for another user of this machine; ask them for a token, then give url"
        raise ClusterError("bad-request", f"{text} and token_file") from error
    except (OSError, ValueError):
        # Missing, or cut short by a full disk: the same as no coordinator.
        pass
    text = f"no coordinator runs on this machine (no {path}); start one with `tequio up`, or name"
    raise ClusterError("unavailable", f"{text} one with url and token_file")
