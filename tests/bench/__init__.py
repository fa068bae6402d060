"""Measures portal beside its peers: CPU time and memory, in one run, by a command and never in the suite."""
