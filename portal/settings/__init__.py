"""The configuration: from a YAML file and environment variables to one frozen value, every mistake with its place."""
