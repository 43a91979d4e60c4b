"""The same work on maild and on Postfix + Dovecot, in turns on one machine, medians and ratios. Used by scripts/bench."""
import json, os, pathlib, re, shutil, socket, statistics, subprocess, tempfile, time
from house import BUILD, House, free_ports, verifier
from peer import Peer

MAILBOXES = 20
TICKS = os.sysconf("SC_CLK_TCK")


def processes(roots):
    """stat fields of the process trees below `roots`, from the state on."""
    every = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                every[int(entry.name)] = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                pass
    wanted, found = [r for r in roots if r in every], []
    while wanted:
        parent = wanted.pop()
        found.append(every[parent])
        wanted += [pid for pid, fields in every.items() if int(fields[1]) == parent]
    return found


def cpu_seconds(roots):
    return sum(sum(map(int, fields[11:15])) for fields in processes(roots)) / TICKS


class Ours:
    name = "maild"

    def __init__(self):
        sink = free_ports(1)[0]
        hash_ = verifier("pw")
        self.house = House(mailboxes=("ann",), listeners="", extra=f"""---
kind: domain
items: {{bench.test: {{}}}}
---
kind: mailbox
items:
""" + "".join(f"  u{i}@bench.test: {{password: {{hash: \"{hash_}\"}}}}\n" for i in range(MAILBOXES)))
        assert self.house.start(), self.house.tail()
        self.ports = self.house.ports | {"sink": sink}

    def roots(self):
        return [self.house.process.pid]

    def stop(self):
        assert self.house.stop(60) == 0


class Imap:
    """Whole commands on a raw connection, timed."""
    def __init__(self, server, user):
        self.socket = socket.create_connection(("127.0.0.1", server.ports["imap"]))
        self.socket.settimeout(300)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.recv(65536)
        self(f"LOGIN {user}@bench.test pw")

    def __call__(self, command):
        """(seconds, the last 8,000 bytes the server said)"""
        began, tail = time.perf_counter(), b""
        self.socket.sendall(b"T " + command.encode() + b"\r\n")
        while True:
            got = self.socket.recv(1 << 20)
            assert got, "the server closed"
            tail = (tail + got)[-8000:]
            last = tail.rstrip(b"\r\n").rsplit(b"\r\n", 1)[-1]
            if tail.endswith(b"\r\n") and last.startswith(b"T "):
                assert last.startswith(b"T OK"), last
                return time.perf_counter() - began, tail


def client_load(server, mode, port, connections, count, *more):
    done = json.loads(subprocess.run([BUILD / "tests/bench/client_load", mode, str(server.ports[port]), str(connections), str(count), *map(str, more)],
                                     capture_output=True, text=True, check=True, timeout=300).stdout)
    assert done["failed"] == 0, done
    return done


watchers = {}


def stored(server):
    """Messages in all inboxes."""
    if server not in watchers:
        watchers[server] = [Imap(server, f"u{i}") for i in range(MAILBOXES)]
    return sum(int(re.search(rb"MESSAGES (\d+)", imap("STATUS INBOX (MESSAGES)")[1])[1]) for imap in watchers[server])


def delivery(connections, size, count):
    def work(server):
        before, used = stored(server), cpu_seconds(server.roots())
        began = time.time()
        done = json.loads(subprocess.run([BUILD / "tests/bench/smtp_load", str(server.ports["smtp"]), str(connections), str(count), str(size), str(MAILBOXES)],
                                         capture_output=True, text=True, check=True, timeout=300).stdout)
        assert done["failed"] == 0, done
        while stored(server) < before + count:
            assert time.time() < began + 300, "not everything was delivered"
            time.sleep(0.05)
        return {"accepted/s": done["per_second"], "CPU ms each": (cpu_seconds(server.roots()) - used) / count * 1000}
    return work


def folder(server, name, count):
    imap = Imap(server, "u0")
    if name.encode() not in imap('LIST "" *')[1]:
        imap(f"CREATE {name}")
        message = "From: Ann Archer <ann@remote.test>\r\nSubject: number\r\nDate: Mon, 5 Feb 2024 10:00:00 +0000\r\n\r\n" + "some text of a mail\r\n" * 190
        for _ in range(0, count, 100):
            imap(f"APPEND {name}" + f" {{{len(message)}+}}\r\n{message}" * 100)
    return imap


def mailbox_work(count):
    def work(server):
        imap = folder(server, "mid", count)
        out = {"SELECT ms": imap("SELECT mid")[0] * 1000, "FETCH ENVELOPE ms": imap("FETCH 1:* (FLAGS UID ENVELOPE)")[0] * 1000,
               "SEARCH TEXT ms": imap("SEARCH TEXT zzyqqx")[0] * 1000, "STORE ms": imap("STORE 1:* +FLAGS.SILENT (\\Flagged)")[0] * 1000}
        imap("STORE 1:* -FLAGS.SILENT (\\Flagged)")
        done = client_load(server, "fetch", "imap", 1, 1)
        return out | {"bodies MB/s": done["bytes"] / done["seconds"] / 1e6}
    return work


def pop3_work(count):
    def work(server):
        imap = Imap(server, "u0")
        message = "Subject: to be fetched\r\n\r\n" + "some text of a mail\r\n" * 190
        for _ in range(int(re.search(rb"MESSAGES (\d+)", imap("STATUS INBOX (MESSAGES)")[1])[1]), count, 100):
            imap("APPEND INBOX" + f" {{{len(message)}+}}\r\n{message}" * 100)
        return {"RETR/s": client_load(server, "retr", "pop3", 1, count)["per_second"]}
    return work


def load_profile(seconds):
    def work(server):
        done = subprocess.run([BUILD / "tests/bench/imap_profile", str(server.ports["imap"]), "clients=50", "user=u1%d@bench.test", "users=10", f"secs={seconds}"],
                              capture_output=True, text=True, timeout=300)
        return {"commands/s": json.loads(done.stdout)["per_second"]}
    return work


def compare(note, quick):
    """note(what, value, unit, target) is told every median of maild and its ratio to the peer's."""
    scale = 10 if quick else 1
    rate = lambda *args: lambda server: {"/s": client_load(server, *args)["per_second"]}
    work = {
        "deliveries 4 KiB, 50 connections": delivery(50, 4096, 3000 // scale),
        "deliveries 4 KiB, 10 connections": delivery(10, 4096, 2000 // scale),
        "deliveries 100 KiB, 50 connections": delivery(50, 102400, 500 // scale),
        "IMAP sign-in": rate("login", "imap", 10, 600 // scale),
        "IMAP sign-in, full TLS handshake": rate("login", "imaps", 10, 600 // scale, "tls"),
        "APPEND of 4 KiB, 10 connections": rate("append", "imap", 10, 2000 // scale),
        "a folder of 10,000": mailbox_work(10000 // scale),
        "POP3 RETR of 10,000": pop3_work(10000 // scale),
        "IMAP load profile, 50 clients": load_profile(2 if quick else 8),
    }
    home = tempfile.mkdtemp(prefix="peer.")
    peer = Peer(home, dict(zip(("smtp", "imap", "imaps", "pop3", "sink"), free_ports(5))), MAILBOXES)
    servers = [Ours(), peer]
    try:
        for what, run in work.items():
            runs = {server.name: [] for server in servers}
            for _ in range(1 if quick else 3):
                for server in servers:
                    runs[server.name].append(run(server))
            for measure in runs["maild"][0]:
                ours, theirs = (statistics.median(one[measure] for one in runs[server.name]) for server in servers)
                note(f"{what}: {measure}", ours, f"{theirs:,.2f} {peer.name}", f"{ours / theirs:.2f} x" if theirs else "")
    finally:
        for imap in sum(watchers.values(), []):
            imap.socket.close()
        for server in servers:
            server.stop()
        shutil.rmtree(home, ignore_errors=True)
