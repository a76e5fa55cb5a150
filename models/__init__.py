"""Nouns: what Shukka remembers. Tables, states and the set-based statements that read and write them."""
