"""How much memory this process may ask for: beyond it Python raises MemoryError, with a place in the
job, before the worker has to kill the process."""

# The interpreter and its libraries, and what lies between two looks of the worker.
_OVERHEAD_BYTES = 96 * 1024 * 1024


def bound_memory(memory_bytes):
    """Of the task, in bytes; None or a system without such limits = unbounded."""
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
