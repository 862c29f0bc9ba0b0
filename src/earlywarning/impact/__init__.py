"""Did the visits help: estimators, their rules, and what may be said. No file or database here."""
