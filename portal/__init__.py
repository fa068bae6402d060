"""portal: the start page of a Kubernetes cluster."""
