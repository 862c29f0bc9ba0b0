"""What was laid down before outcomes were known, for judging whether visits helped."""
