"""What `scripts/bench` compares: the same work for `ledger`, a floor, and its peers."""
