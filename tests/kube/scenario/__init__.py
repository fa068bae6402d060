"""An API server in a process of its own that lists and watches like the real one, and misbehaves as it is told."""
