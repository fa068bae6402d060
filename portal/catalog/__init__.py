"""What the page shows now: all entries, versioned."""
