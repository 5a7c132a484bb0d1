"""Takes from job code what it has no business with: the network, other processes, files beside its
own. A seat belt against mistakes and simple malice; walls are what the worker's sandbox builds
where the host can."""

import os
import sys

_GIVEN = ("PATH", "LANG", "TZ", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_NETWORK = "use the network"
_PROCESSES = "start processes"
_SIGNALS = "signal processes"
_REFUSED = {
    "socket.connect": _NETWORK,
    "socket.bind": _NETWORK,
    "socket.sendto": _NETWORK,
    "socket.sendmsg": _NETWORK,
    "subprocess.Popen": _PROCESSES,
    "os.system": _PROCESSES,
    "os.exec": _PROCESSES,
    "os.posix_spawn": _PROCESSES,
    "os.spawn": _PROCESSES,
    "os.fork": _PROCESSES,
    "os.forkpty": _PROCESSES,
    "os.kill": _SIGNALS,
    "os.killpg": _SIGNALS,
}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Events whose first arguments are paths that they change, and how many.
_CHANGES = {
    "os.remove": 1,
    "os.rename": 2,
    "os.mkdir": 1,
    "os.rmdir": 1,
    "os.link": 2,
    "os.symlink": 2,
    "os.truncate": 1,
    "os.chmod": 1,
    "os.chown": 1,
    "os.utime": 1,
}
_SYSTEM = ("/proc", "/sys", "/dev", "/etc", "/usr", "/lib", "/lib64", "/opt")


def clear_environment():
    """Job code sees the same variables wherever it runs."""
    for name in list(os.environ):
        if name not in _GIVEN:
            del os.environ[name]


def fasten_in_tab():
    """Refuses what no tab has, as a task process does; files are the Worker's own."""
    clear_environment()
    sys.addaudithook(lambda event, _: _refuse(event))


def _refuse(event):
    refused = _REFUSED.get(event)
    if refused is not None:
        raise PermissionError(f"job code may not {refused}")


def fasten(read_folder, write_folder):
    """From here on for good. The process may read its interpreter, the system's files and
    `read_folder`, and write below `write_folder` alone."""
    clear_environment()
    real = os.path.realpath
    write_root = real(write_folder)
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    roots = {own, sys.prefix, sys.base_prefix, *sys.path, *_SYSTEM}
    readable = tuple({real(root) for root in roots if root} | {real(read_folder), write_root})

    def check(event, arguments):
        _refuse(event)
        if event == "open":
            _check_open(arguments, readable, write_root)
        elif event in _CHANGES:
            for path in arguments[: _CHANGES[event]]:
                _check_write(path, write_root)

    sys.addaudithook(check)


def _check_open(arguments, readable, write_root):
    path, mode, flags = arguments
    if not isinstance(path, (str, bytes)):
        return
    named = mode or ""
    if (flags or 0) & _WRITES or any(letter in named for letter in "wax+"):
        if path not in (os.devnull, "/dev/null"):
            _check_write(path, write_root)
        return
    place = os.path.realpath(os.fsdecode(path))
    if not any(place == root or place.startswith(root + os.sep) for root in readable):
        raise PermissionError(f"job code may not read {os.fsdecode(path)}")


def _check_write(path, write_root):
    if not isinstance(path, (str, bytes, os.PathLike)):
        return
    # The link itself is what is changed, not what it names; of its folder both are the same.
    folder, name = os.path.split(os.path.abspath(os.fsdecode(path)))
    place = os.path.realpath(os.path.join(folder, name))
    if place != write_root and not place.startswith(write_root + os.sep):
        raise PermissionError(f"job code may not write {os.fsdecode(path)}")
