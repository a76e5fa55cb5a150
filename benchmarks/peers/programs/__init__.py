"""The job as each peer's own documentation teaches to write it: one file a peer."""
