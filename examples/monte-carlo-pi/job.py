"""Estimates pi by throwing darts: a plain list of tasks in Python.

`random` begins with the job's seed and the number of the task, so every attempt draws the same."""

import random

from tequio import tasks


def throw(seed, context):
    darts = context.params["darts"]
    inside = sum(random.random() ** 2 + random.random() ** 2 < 1 for _ in range(darts))
    return {"seed": seed, "pi": 4 * inside / darts}


job = tasks(
    name="monte carlo pi",
    params={"seeds": 20, "darts": 20_000},
    items=lambda params: range(params["seeds"]),
    run=throw,
)
