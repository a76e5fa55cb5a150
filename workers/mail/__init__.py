"""Mail: intents rendered to bytes once (``rendering``), then handed to an SMTP server (``smtp``)."""
