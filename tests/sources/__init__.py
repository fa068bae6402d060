"""What each source makes of an object."""
