"""What `random` of job code gives: the same numbers in every attempt of a task, and in the judge.

The functions of `numpy.random` are seeded, too, also when a task is the first to load it.
Generators that job code makes itself, and `os.urandom`, are its own."""

import random
import sys
from importlib.machinery import PathFinder

_NUMPY = "numpy.random"
_current = [""]


def begin_task(seed, stage, task):
    """From here on the numbers are those of this task. `seed`: the job's option; stages are `map`,
    `reduce` and `run`."""
    _current[0] = f"{'' if seed is None else seed}\n{stage}\n{task}"
    random.seed(_current[0])
    if _NUMPY in sys.modules:
        _seed_numpy()


def _seed_numpy():
    sys.modules[_NUMPY].seed(random.Random(_current[0]).getrandbits(32))


class _NumpyFinder:
    """Seeds the module once it is loaded."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        """As finders of `sys.meta_path`; None for all other modules."""
        spec = PathFinder.find_spec(name, path, target) if name == _NUMPY else None
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def load_and_seed(module):
                load(module)
                _seed_numpy()

            spec.loader.exec_module = load_and_seed
        return spec


def install():
    """Once in the life of the process, before the job's code is loaded."""
    begin_task(None, "load", 0)
    sys.meta_path.insert(0, _NumpyFinder)
