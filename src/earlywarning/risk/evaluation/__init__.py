"""How good the top of the list is, for whom, and compared with the rule."""
