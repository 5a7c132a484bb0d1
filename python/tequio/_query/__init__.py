"""Tables: rows with named columns that can be asked on, as data that the workers' kernels run."""
