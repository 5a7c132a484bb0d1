"""The same word count as a job."""

from tequio import map_reduce

job = map_reduce(map=lambda line, emit: emit.each(line.split()), combine=lambda a, b: a + b)
