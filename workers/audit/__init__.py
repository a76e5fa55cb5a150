"""The audit: what must be true of a run, judged from what the outside world saw and from the database.

``workers.audit.registry`` lists every judge; the demo, the quarter, the walk, the chaos run and ``shukka check --journals``
ask that one list.
"""
