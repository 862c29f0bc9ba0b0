"""The pages: the same services as the API, for people. Each works without JavaScript."""
