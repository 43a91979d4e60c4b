#!/usr/bin/env python3
"""syncs.py: counts syncs: kill -9 proves nothing about syncing, this does. A message delivered alone is synced before its 250
(a small one with its rows, in one sync; a large one before them, in two). Deliveries at the same time share theirs."""
import os, struct, threading
from house import Checks, House, Smtp

check = Checks()
house = House()
counter = house.dir / "syncs"
house.start({"LD_PRELOAD": os.environ["POWER_CUT"], "POWER_CUT_DIR": str(house.data), "POWER_CUT_COUNT": str(counter)})
count = lambda: struct.unpack("Q", counter.read_bytes()[:8])[0]

client = house.smtp()
least = None
for n in range(50):
    for line in ("MAIL FROM:<s@remote.test>", "RCPT TO:<ann@example.test>", "DATA"):
        client.command(line)
    before = count()
    reply = client.command(f"Subject: {n}\r\n\r\nx\r\n.")
    after = count()
    assert reply.startswith("250"), reply
    least = min(least if least is not None else 99, after - before)
check(f"a small message delivered alone is synced before its 250 (at least {least} syncs)", least >= 1)
for line in ("MAIL FROM:<s@remote.test>", "RCPT TO:<ann@example.test>", "DATA"):
    client.command(line)
before = count()
reply = client.command("Subject: large\r\n\r\n" + "x" * 70 * 1024 + "\r\n.")
check(f"a large one has its bytes synced before its rows ({count() - before} syncs)", reply.startswith("250") and
      count() - before >= 2, reply)

imap = house.imap()
for what, act in (("APPEND", lambda: imap.append("INBOX", None, None, b"Subject: a\r\n\r\nx\r\n")),
                  ("STORE", lambda: (imap.store("1", "+FLAGS.SILENT", r"(\Deleted)"))),
                  ("EXPUNGE", lambda: imap.expunge())):
    if what == "STORE":
        imap.select("INBOX")
    before = count()
    act()
    check(f"{what} is synced before its OK ({count() - before} syncs)", count() > before)

def deliver():
    c = Smtp(house.ports["smtp"])
    for n in range(50):
        assert c.deliver("s@remote.test", ["bob@example.test"], f"Subject: {n}\r\n\r\nx").startswith("250")

before = count()
threads = [threading.Thread(target=deliver) for _ in range(10)]
[t.start() for t in threads]
[t.join() for t in threads]
together = count() - before
check(f"500 messages over 10 connections share their syncs ({together} of 500)", together < 500)
check("it stops cleanly", house.stop() == 0)
check.finish()
