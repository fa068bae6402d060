"""What portal finds: one file per kind of object, each a pure mapping from object to entry."""
