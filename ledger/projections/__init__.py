"""Read models: what readers ask, projected from the log; thrown away and rebuilt at will."""
