#!/usr/bin/env python3
"""mailbox_bench.py [--quick]: a maildrop read over POP3, and a mailbox imported and exported. Prints rows as JSON for scripts/bench.
MAILD_BUILD names the build."""
import json, pathlib, socket, sys, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "functional"))
from house import House

QUICK = "--quick" in sys.argv
COUNT = 2000 if QUICK else 10000
rows = []
note = lambda what, value, unit, target=None: rows.append({"what": what, "value": value, "unit": unit, "target": target})
house = House(mailboxes=("ann", "bob"))
assert house.start(), house.tail()
text = ("0123456789" * 7 + "\n") * 56


def retrieve(window):
    """Messages per second when so many RETR are always under way."""
    s = socket.create_connection(("127.0.0.1", house.ports["pop3"]))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    f = s.makefile("rb")
    f.readline()
    for line in (b"USER ann@example.test", b"PASS secret", b"STAT"):
        s.sendall(line + b"\r\n")
        answer = f.readline()
    count = int(answer.split()[1])
    assert count == COUNT, answer
    asked = got = 0
    tail, buffer = b"", bytearray(1 << 20)
    began = time.perf_counter()
    while got < count:
        if asked < count and got + window - asked >= (window + 1) // 2:
            to = min(count, got + window)
            s.sendall(b"".join(b"RETR %d\r\n" % i for i in range(asked + 1, to + 1)))
            asked = to
        size = s.recv_into(buffer)
        assert size
        data = tail + bytes(buffer[:size])
        got += data.count(b"\r\n.\r\n")
        tail = data[-4:]
    seconds = time.perf_counter() - began
    s.sendall(b"QUIT\r\n")
    s.recv(1000)
    s.close()
    return count / seconds


def mailctl(verb, user, path, *more):
    """Messages per second."""
    began = time.perf_counter()
    answer = json.loads(house.mailctl("mailbox", verb, f"{user}@example.test", str(path), *more, "-o", "json").stdout)
    seconds = time.perf_counter() - began
    assert COUNT in (answer.get("added"), answer.get("present"), answer.get("messages")), answer
    return COUNT / seconds


tree = house.dir / "tree"
(tree / "cur").mkdir(parents=True)
for i in range(COUNT):
    (tree / "cur" / f"{1500000000 + i}.M{i}.x:2,S").write_text(f"Subject: {i}\nMessage-ID: <{i}@bench.test>\n\n{text}")
note(f"mailbox import of {COUNT:,} from a maildir, 4 KiB", mailctl("import", "ann", tree), "messages/s", ">= 5,000")
note("  once more: all are there", mailctl("import", "ann", tree), "messages/s")
cpu = lambda: sum(int(x) for x in open(f"/proc/{house.process.pid}/stat").read().rsplit(")", 1)[1].split()[11:13]) / 100
before = cpu()
note(f"POP3 RETR of {COUNT:,}, 32 at a time", max(retrieve(32) for _ in range(3)), "messages/s", ">= 80,000")
note("  CPU of maild per message", (cpu() - before) / COUNT / 3 * 1000, "ms")
note(f"POP3 RETR of {COUNT:,}, one by one", retrieve(1), "messages/s")
for format in ("maildir", "mbox", "eml"):
    note(f"mailbox export as {format}", mailctl("export", "ann", house.dir / format, "--format", format), "messages/s")
note("mailbox import from mbox", mailctl("import", "bob", house.dir / "mbox"), "messages/s", ">= 5,000")
print(json.dumps(rows))
house.kill()
