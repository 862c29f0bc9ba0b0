"""The outside world: files, databases and the model registry."""
