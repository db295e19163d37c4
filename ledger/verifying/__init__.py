"""Verifying: the whole log read twice, held against its stored tree and against checkpoints."""
