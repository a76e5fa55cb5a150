"""The embedded engines: one file each, the data directory they live in and the binaries they run from."""
