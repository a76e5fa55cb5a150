"""The set-based statements: a fixed number of them a batch, whatever its size. Only ``pipelines`` calls them, and only
``pipelines.engine.run`` those of ``write`` and ``admit``."""
