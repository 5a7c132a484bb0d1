"""Answers one question about a job file: `describe JOB.py RESULT CODE.zip`, or `items JOB.py RESULT
ITEMS.ndjson PARAMS.json`; behind them perhaps a folder of wheels. RESULT becomes a JSON
object, with `error` when it failed."""

import os
import sys

sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import tequio._plan.answer  # noqa: E402

sys.path.pop(0)
if __name__ == "__main__":
    tequio._plan.answer.answer(sys.argv[1:])
