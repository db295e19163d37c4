"""Git history taken in: what really changed in a repository of published pages."""
