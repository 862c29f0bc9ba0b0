"""Whether a school still records, and the ranking still works, as when the models were trained."""
