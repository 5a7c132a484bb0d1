"""The judge: runs a planned job in one process, one task after the other, with the simplest code
that can be right. Every test of the cluster compares its output with this one's."""
