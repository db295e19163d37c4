"""Published pages: read into a model, and rendered from it."""
