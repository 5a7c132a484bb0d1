"""Runs the job of a request: `REQUEST.json ANSWER.json`. The request names the code, the plan and
the files; the answer the files of the result, or `error`."""

import os
import sys

sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import tequio._judge.answer  # noqa: E402

sys.path.pop(0)
if __name__ == "__main__":
    tequio._judge.answer.answer(sys.argv[1], sys.argv[2])
