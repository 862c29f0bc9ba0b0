"""Who may sign in, and their sessions, invitations and second factors."""
