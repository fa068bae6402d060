"""Streaming: CPU per delivered event, memory per idle client, connects per second and others' waiting, beside peers."""
