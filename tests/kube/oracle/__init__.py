"""The whole path against a real API server, while everything below it is frozen, killed and made to forget."""
