"""The static site: which files it has, and how they come into a folder."""
