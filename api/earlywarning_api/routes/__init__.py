"""The routes: parse, ask, answer. Each is closed to whoever `access` does not let in."""
