"""A job as it is run: found in its module, in either of the two forms that a job file can have."""
