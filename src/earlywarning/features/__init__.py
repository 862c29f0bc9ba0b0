"""What is known about a student as of a date, and the outcomes of the quarter after it."""
