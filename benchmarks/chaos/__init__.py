"""The chaos run: a catalogue of injuries, one file a boundary, struck one by one and in mixtures while orders come in
(docs/chaos.md)."""
