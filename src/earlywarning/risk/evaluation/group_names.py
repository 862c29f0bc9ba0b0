"""How groups are named; light, for whoever only shows them."""

BY = " × "
"""Between two attributes whose groups are looked at together."""
