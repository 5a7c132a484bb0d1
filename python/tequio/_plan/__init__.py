"""What is asked of a job file where it is submitted: which job it is, its code, its items."""
