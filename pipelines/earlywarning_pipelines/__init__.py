"""The commands: each step loads, calls the library and saves."""
