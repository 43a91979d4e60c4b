#!/usr/bin/env python3
"""push_latency.py [--quick]: how long after a change was answered, or sent, a session in IDLE and one with NOTIFY is told. Prints rows as
JSON for scripts/bench. MAILD_BUILD names the build."""
import json, pathlib, socket, statistics, sys, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "functional"))
from house import House

COUNT = 30 if "--quick" in sys.argv else 200
house = House(mailboxes=("ann",))
assert house.start(), house.tail()


class Imap:
    def __init__(self):
        self.s = socket.create_connection(("127.0.0.1", house.ports["imap"]))
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.until(b"\r\n")
        self.command("LOGIN ann@example.test secret")

    def until(self, word):
        got = b""
        while word not in got or not got.endswith(b"\r\n"):
            piece = self.s.recv(65536)
            assert piece, got
            got += piece

    def command(self, line, end=b"T OK"):
        self.s.sendall(b"T " + line.encode() + b"\r\n")
        self.until(end)


def times(watcher, change, expected):
    """Milliseconds from sending a change to being told of it."""
    out = []
    for i in range(COUNT):
        began = time.perf_counter()
        worker.s.sendall(b"T " + change(i).encode() + b"\r\n")
        watcher.until(expected)
        out.append((time.perf_counter() - began) * 1000)
        worker.until(b"T OK")
    return out


message = "Subject: x\r\n\r\nx\r\n"
worker, idler = Imap(), Imap()
worker.command("SELECT INBOX")
worker.command(f"APPEND INBOX {{{len(message)}+}}\r\n{message}")
idler.command("SELECT INBOX")
idler.command("IDLE", b"+ idling")
notified = Imap()
rows = []
for name, watcher, change, expected in (
        ("IDLE: flags", idler, lambda i: f"STORE 1 {'+-'[i % 2]}FLAGS.SILENT (\\Flagged)", b" FETCH "),
        ("IDLE: a new message", idler, lambda i: f"APPEND INBOX {{{len(message)}+}}\r\n{message}", b" EXISTS"),
        ("NOTIFY: a new message elsewhere", notified, lambda i: f"APPEND Archive {{{len(message)}+}}\r\n{message}", b"* STATUS Archive ")):
    if watcher is notified:
        notified.command("NOTIFY SET (personal (MessageNew MessageExpunge FlagChange))")
    took = times(watcher, change, expected)
    rows.append({"what": f"push, {name}, median", "value": statistics.median(took), "unit": "ms", "target": None})
    rows.append({"what": "  slowest", "value": max(took), "unit": "ms", "target": "<= 100"})
print(json.dumps(rows))
house.kill()
