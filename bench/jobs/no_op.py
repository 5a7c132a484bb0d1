"""Tasks that do nothing, in Python."""

from tequio import tasks

job = tasks(items=lambda params: range(params["count"]), run=lambda n: n, params={"count": 1})
