"""The command line: one file per command, each a thin layer over the part of portal that does the work."""
