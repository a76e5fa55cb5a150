"""Pages for people who have no account: plain HTML from the server, opened by a signed link."""
