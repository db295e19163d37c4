"""The audit report: what happened to an entry or to the archive, as a reader can check it."""
