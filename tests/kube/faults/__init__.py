"""The watch engine, whole, over real sockets, against a server that misbehaves in every known way."""
