"""How long the first list takes beside a bare download of the same pages, and what a queue would cost."""
