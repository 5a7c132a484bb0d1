"""Jobs and tasks of the filesystem protocol, which are `mapper`, `reducer` and `combiner`."""
