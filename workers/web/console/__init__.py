"""The operators' console: pages from the server, a file each, behind a sign-in. Every act works without JavaScript."""
