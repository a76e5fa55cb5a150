"""Pages for people who have no key: each is opened by a signed link (``workers.web.links``)."""
