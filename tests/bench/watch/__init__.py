"""Watching: CPU per event, memory per object and the longest hold of others, for portal and its peers."""
