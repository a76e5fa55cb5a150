"""How simulated suppliers that nobody posts to hear of their work and answer: a list to fetch, a mailbox with a page, a folder."""
