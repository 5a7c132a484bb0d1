"""How much memory this process may ask for: beyond it Python raises MemoryError, with a place in
the job, before the worker has to kill the process."""

from .._job.failure import allow_memory

# The interpreter and its libraries: less than what the worker counts for them before it kills.
_OVERHEAD_BYTES = 56 * 1024 * 1024


def bound_memory(memory_bytes):
    """Of the task, in bytes; None or a system without such limits = unbounded."""
    allow_memory(memory_bytes)
    if memory_bytes is None:
        return
    try:
        import resource

        most = memory_bytes + _OVERHEAD_BYTES
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        if hard == resource.RLIM_INFINITY or most < hard:
            resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
    except (ImportError, OSError, ValueError):
        pass
