"""A small IMAP server: one folder, messages with their flags; enough of RFC 3501 for a client that searches, fetches and marks."""

from __future__ import annotations

import re
import socketserver
from threading import Thread
from typing import Final

_LITERAL: Final = re.compile(rb"BODY\.PEEK\[\]<0\.(\d+)>")


class ImapServer:
    """Serves ``messages``, one UID each from 1 on; ``seen`` are the marked ones. ``refuses`` names a command that is answered NO, and
    ``log`` what was asked."""

    def __init__(self, messages: list[bytes], *, user: str = "bounces", password: str = "p w") -> None:
        self.messages = messages
        self.seen: set[int] = set()
        self.refuses = ""
        self.log: list[str] = []
        self.login = f'"{user}" "{password}"', f"{user} {password}", f'{user} "{password}"'
        imap = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(b"* OK ready\r\n")
                for line in self.rfile:
                    tag, _, rest = line.strip().partition(b" ")
                    self.wfile.write(imap.answer(tag, rest))
                    if rest.upper() == b"LOGOUT":
                        return

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, tag: bytes, line: bytes) -> bytes:
        asked = line.decode("latin-1")
        self.log.append(asked.split(" ")[0] if not asked.startswith("UID") else " ".join(asked.split(" ")[:2]))
        verb = asked.upper()
        if self.refuses and verb.startswith(self.refuses):
            return tag + b" NO not now\r\n"
        ok = tag + b" OK done\r\n"
        if verb.startswith("CAPABILITY"):
            return b"* CAPABILITY IMAP4rev1\r\n" + ok
        if verb.startswith("LOGIN"):
            return ok if asked[len("LOGIN ") :] in self.login else tag + b" NO who\r\n"
        if verb.startswith("SELECT"):
            return b"* %d EXISTS\r\n" % len(self.messages) + tag + b" OK [READ-WRITE] selected\r\n"
        if verb.startswith("UID SEARCH"):
            unseen = [str(n) for n in range(1, len(self.messages) + 1) if n not in self.seen]
            return f"* SEARCH {' '.join(unseen)}".rstrip().encode() + b"\r\n" + ok
        if verb.startswith("UID FETCH"):
            uid, most = int(asked.split(" ")[2]), int(_LITERAL.search(line)[1])  # type: ignore[index]
            body = self.messages[uid - 1][:most]
            return b"* %d FETCH (UID %d BODY[]<0> {%d}\r\n%s)\r\n" % (uid, uid, len(body), body) + ok
        if verb.startswith("UID STORE"):
            self.seen |= {int(uid) for uid in asked.split(" ")[2].split(",")}
            return ok
        return (b"* BYE\r\n" if verb == "LOGOUT" else b"") + ok
