#!/usr/bin/env python3
"""idle_memory.py [CONNECTIONS]: what a connection that waits in IDLE costs maild, plain, with TLS and with COMPRESS, each selecting its
own user's INBOX; and what further sessions cost that select one folder of 100,000 messages. Prints JSON. MAILD_BUILD names the build."""
import json, pathlib, re, resource, socket, ssl, sys, time, zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "functional"))
from house import House

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
USERS = 100
FOLDER = 20 * COUNT
resource.setrlimit(resource.RLIMIT_NOFILE, (max(COUNT * 2 + 1000, resource.getrlimit(resource.RLIMIT_NOFILE)[0]), resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
house = House(mailboxes=[f"u{i}" for i in range(USERS)])
context = ssl._create_unverified_context()


def kib(what="VmRSS"):
    return int(re.search(what + r":\s+(\d+)", open(f"/proc/{house.process.pid}/status").read())[1])


class Imap:
    def __init__(self, user, port="imap"):
        self.s = socket.create_connection(("127.0.0.1", house.ports[port]), 30)
        if port == "imaps":
            self.s = context.wrap_socket(self.s)
        self.until(b"\r\n")
        self.command(f"LOGIN u{user}@example.test secret")

    packer = unpacker = None

    def compress(self):
        self.command("COMPRESS DEFLATE")
        self.packer, self.unpacker = zlib.compressobj(wbits=-12, memLevel=3), zlib.decompressobj(-15)

    def until(self, end):
        got = b""
        while not got.endswith(b"\r\n") or end not in got:
            piece = self.s.recv(65536)
            assert piece, got
            got += self.unpacker.decompress(piece) if self.unpacker else piece
        return got

    def command(self, line, end=b"T OK"):
        data = b"T " + line.encode() + b"\r\n"
        self.s.sendall(self.packer.compress(data) + self.packer.flush(zlib.Z_SYNC_FLUSH) if self.packer else data)
        return self.until(end)


def settled():
    """Resident memory once it no longer moves."""
    last = kib()
    for _ in range(20):
        time.sleep(0.3)
        now = kib()
        if abs(now - last) < 64:
            return now
        last = now
    return last


def fresh():
    """A new process, in which what is made once (caches, pools of threads) was made, and little was freed again."""
    if house.process:
        house.stop(60)
    assert house.start(), house.tail()
    for i in range(USERS):
        c = Imap(i, "imap")
        c.command("SELECT INBOX")
        c.s.close()
    time.sleep(0.5)


def idle(port, compressed=False):
    fresh()
    before, sessions = settled(), []
    for i in range(COUNT):
        c = Imap(i % USERS, port)
        if compressed:
            c.compress()
        c.command("SELECT INBOX")
        c.command("IDLE", b"+ idling")
        sessions.append(c)
    cost = (settled() - before) / COUNT
    [c.s.close() for c in sessions]
    return cost


result = {"connections": COUNT, "plain_kib": idle("imap"), "tls_kib": idle("imaps"),
          "compressed_kib": idle("imap", True)}
fresh()
filler = Imap(0)
filler.command("CREATE big")
message = b"Subject: x\r\n\r\nx\r\n"
for _ in range(0, FOLDER, 500):
    filler.s.sendall(b"T APPEND big" + b" {%d+}\r\n%s" % (len(message), message) * 500 + b"\r\n")
    filler.until(b"T OK")
first = Imap(0)
assert f"* {FOLDER} EXISTS".encode() in first.command("SELECT big")
before, sessions = settled(), []
for _ in range(200):
    c = Imap(0)
    c.command("SELECT big")
    sessions.append(c)
result |= {"folder": FOLDER, "shared_kib": (settled() - before) / 200}
print(json.dumps(result))
house.kill()
