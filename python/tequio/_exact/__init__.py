"""Mathematics that gives equal bits on every engine and version of Python: for `exact=True`."""
