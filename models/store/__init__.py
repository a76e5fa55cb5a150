"""The set-based statements: a fixed number of them a batch, whatever its size."""
