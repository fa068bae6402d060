"""The whole path, put together: the only room that starts greenlets."""
