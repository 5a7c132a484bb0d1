"""The client: finds a coordinator, ships functions and jobs to it, follows them and reads
results."""
