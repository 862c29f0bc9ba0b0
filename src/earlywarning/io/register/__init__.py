"""The register: people, and what is written about them daily."""
