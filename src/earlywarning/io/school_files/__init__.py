"""Readers of the files that schools really have, one module a layout; see `interface`."""
