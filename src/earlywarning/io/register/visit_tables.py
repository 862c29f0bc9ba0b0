"""Contact attempts, visits, follow-ups, and changes people made to a list."""
