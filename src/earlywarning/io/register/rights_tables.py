"""The audit, consent, objections and requests of families, and what was exported."""
