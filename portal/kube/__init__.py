"""How portal reads a Kubernetes API: lists, watches, and what can go wrong with them."""
