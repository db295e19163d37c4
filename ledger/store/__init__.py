"""The append-only log, as a persistence module for the `eventsourcing` library."""
