"""Views in SQLite files: one file a generation, in a folder beside the log."""
