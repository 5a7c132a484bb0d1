"""The process that runs Python job code, `main.py READ_FOLDER WRITE_FOLDER`: takes orders of its
worker one at a time until the channel closes.

Nothing of the job's can hurt more than this process. It says why it ends by its exit code, since a
process that is broken may not get to say more. Contract: src/worker/process/messages.ts."""

import os
import sys

# Not the folder of this file, whose names are ours: the folder with the package.
sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# The package is there by its own name only: job code must not find what is beside it.
import tequio._worker.serve  # noqa: E402

sys.path.pop(0)
if __name__ == "__main__":
    tequio._worker.serve.serve(*sys.argv[1:])
