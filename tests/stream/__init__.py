"""The event stream, on raw bytes over real sockets."""
