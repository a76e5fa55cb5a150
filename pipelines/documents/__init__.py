"""The documents of an order (帳票): what may be issued, what each says to the yen, and how one is numbered and kept (A.13).

``permission`` answers whether a kind may be issued now; ``writing`` makes its ``Document``, which is plain data; a typesetter
outside makes the bytes of that; ``issue`` numbers and keeps them.
"""
