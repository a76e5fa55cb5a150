"""The same job by other means: task queues, a durable-execution library and a shop's framework beside Shukka, in one run (docs/peers.md)."""
