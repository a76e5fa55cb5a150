"""Partners in trouble beside sound ones, and what they cost the others: the whole service over HTTP and SMTP."""
