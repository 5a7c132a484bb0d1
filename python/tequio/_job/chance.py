"""What `random` of job code gives: the same numbers in every attempt of a task, and in the judge.

Seeding takes longer than many a task: it is done from the moment on at which job code, or a module
that it loads, imports `random`.

The functions of `numpy.random` are seeded, too, also when a task is the first to load it.
Generators that job code makes itself, and `os.urandom`, are its own; `os.urandom`, `secrets` and
`uuid4` are refused where results are compared, since no other attempt would draw the same."""

import os
import random
import sys
from importlib.machinery import ModuleSpec, PathFinder
from types import BuiltinMethodType, MethodType

_NUMPY = "numpy.random"
_current = [""]
# Whether anything but this module has `random`.
_is_shared = [True]
_spec = random.__spec__
_refused = [False]
# Their numbers reach no result, and they draw them when they are imported.
_EXEMPT = ("multiprocessing.", "tempfile", "ssl", "hashlib")


def begin_task(seed, stage, task):
    """From here on the numbers are those of this task. `seed`: the job's option; stages are `map`,
    `reduce` and `run`."""
    _current[0] = f"{'' if seed is None else seed}\n{stage}\n{task}"
    if _is_shared[0]:
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


class _RandomFinder:
    """Gives `random` to the first module that asks for it, with the numbers of the task at hand."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        """As finders of `sys.meta_path`; None for all other modules."""
        return ModuleSpec(name, _RandomFinder) if name == "random" else None

    @staticmethod
    def create_module(spec):
        """The one that this module has."""
        return random

    @staticmethod
    def exec_module(module):
        """Seeds it."""
        # The import has put its own in place.
        module.__spec__ = _spec
        sys.meta_path.remove(_RandomFinder)
        _is_shared[0] = True
        random.seed(_current[0])


def _is_held():
    """Whether a module has `random`, or one of its functions, by now."""
    for module in list(sys.modules.values()):
        if module is random or getattr(module, "__name__", "") == __name__:
            continue
        for value in list(getattr(module, "__dict__", {}).values()):
            is_method = type(value) in (BuiltinMethodType, MethodType)
            if value is random or is_method and value.__self__ is random._inst:
                return True
    return False


def surround(around):
    """`around`: the environment of a job; with `refusesChance` results are compared."""
    _refused[0] = around.get("refusesChance", False)


def install():
    """Once in the life of the process, before the job's code is loaded."""
    begin_task(None, "load", 0)
    os.urandom = random._urandom = _checked(os.urandom, "os.urandom")
    if hasattr(os, "getrandom"):
        os.getrandom = _checked(os.getrandom, "os.getrandom")
    sys.meta_path.insert(0, _NumpyFinder)
    if not _is_held():
        sys.modules.pop("random", None)
        sys.meta_path.insert(0, _RandomFinder)
        _is_shared[0] = False


def _checked(draw, name):
    def drawn(*given):
        if _refused[0] and not _caller(2).startswith(_EXEMPT):
            raise PermissionError(
                f"{name}, with secrets and uuid4, is refused, since volunteers compute this job "
                "and their results are compared: no other attempt would draw the same. Use "
                "`random`, which draws the same in all of them (`seed` gives others), or say "
                'chance="real" in the job for numbers that do not reach its result'
            )
        return draw(*given)

    drawn.__name__ = drawn.__qualname__ = name.rpartition(".")[2]
    return drawn


def _caller(depth):
    return sys._getframe(depth).f_globals.get("__name__", "")
