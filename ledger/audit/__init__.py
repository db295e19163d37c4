"""The audit: a Merkle tree over the log, checkpoints, proofs, and who verifies them."""
