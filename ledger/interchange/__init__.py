"""Importers and exporters: foreign shapes into commands, and back."""
