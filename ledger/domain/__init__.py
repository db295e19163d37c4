"""The rules of news entries: pure, without I/O; time and randomness are passed in."""
