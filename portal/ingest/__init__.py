"""What carries objects from the cluster through the sources into the catalog."""
