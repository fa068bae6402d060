"""The watch engine, in parts and against servers that misbehave."""
