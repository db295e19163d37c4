"""Feeds of a published archive: as a model, and as Atom, RSS and JSON Feed."""
