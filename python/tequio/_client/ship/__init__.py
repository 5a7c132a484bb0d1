"""Functions as code that can travel: their source with what they use, or a pickle of the
function."""
