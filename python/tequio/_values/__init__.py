"""Values of Python as the bytes and texts of the product, the same as those of TypeScript jobs."""
