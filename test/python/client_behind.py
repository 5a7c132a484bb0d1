"""What the module beside the program imports in turn."""

TWO = 2
