"""What portal broadcasts: events by position, as frames, to every subscriber."""
