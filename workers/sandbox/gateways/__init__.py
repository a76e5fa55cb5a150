"""Fakes of real payment gateways (決済代行の模擬サーバー), one file each, found by name: ``python -m workers.sandbox.gateways NAME``.

Each keeps what the real one keeps (gateways.md 10): its own way to authenticate, to know a repetition, to refuse, to round
its sums and to tell of what happened. A file declares ``PROVIDER``, a class of ``provider.Provider`` made from its options.
"""
