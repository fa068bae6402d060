"""A cluster that is not there: the same door as the real one, over a folder of manifests or a script."""
