"""Views on PostgreSQL: one schema a generation, in the database of the log."""
