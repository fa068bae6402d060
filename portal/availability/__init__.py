"""Whether each application is up: probes, their schedule and their history."""
