#!/usr/bin/env python3
"""faults.py: hostile input and a full disk against a real maild: bounded memory, one clear answer, the next client served."""
import os, re, socket, struct, subprocess, time
from house import Checks, House, Smtp, until

check = Checks()
house = House()
check("it starts", house.start(), house.tail())
p = house.ports


def resident():
    """Resident memory in MiB."""
    return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{house.process.pid}/status").read())[1]) / 1024


def serves():
    """A new client is served well."""
    try:
        c = Smtp(p["smtp"], 5)
        ok = c.deliver("s@remote.test", ["bob@example.test"], "Subject: alive\r\n\r\nx").startswith("250")
        c.close()
        return ok
    except (OSError, EOFError):
        return False


def raw(port, data, seconds=5):
    """Everything the server says to `data`."""
    out = b""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as s:
        try:
            if callable(data):
                data(s)
            else:
                s.sendall(data)
            while True:
                got = s.recv(65536)
                if not got:
                    break
                out += got
        except (TimeoutError, OSError):
            pass
    return out


def flood(total, piece=b"x" * 65536):
    def send(s):
        s.recv(1000)
        for _ in range(total // len(piece)):
            s.sendall(piece)
    return send


base = resident()
for name, port in (("SMTP", "smtp"), ("IMAP", "imap"), ("POP3", "pop3"), ("LMTP", "lmtp")):
    raw(p[port], flood(64 << 20))
    check(f"{name}: 64 MB without a line end: memory grows {resident() - base:.0f} MiB, the next client is served",
          resident() - base < 64 and serves())
for name, data in {"deep parentheses": b"a SEARCH " + b"(" * 60000 + b"\r\n", "a million parentheses": b"(" * 1000000 + b"\r\n",
                   "literals that overflow": b"a LOGIN {18446744073709551617}\r\nb LOGIN {-1}\r\nc LOGIN {}\r\n",
                   "empty literals": b"a LOGIN " + b"{0+}\r\n " * 5000 + b"\r\n"}.items():
    answer = raw(p["imap"], data + b"z LOGOUT\r\n", 3)
    check(f"IMAP: {name}: BAD or BYE, and alive", (b"BAD" in answer or b"BYE" in answer) and serves(), answer[:200])

for form in ("<c@else.test>", "<c%else.test@example.test>", '<"c@else.test"@example.test>', "<@example.test:c@else.test>",
             "<else.test!c@example.test>", "<c@else.test@example.test>", '<"c@else.test">', "<c@[127.0.0.1]>",
             "<c@else.test\0@example.test>", "<$(touch /tmp/x)@example.test>", "<${run{/bin/true}}@example.test>"):
    reply = Smtp(p["smtp"])
    reply.command("MAIL FROM:<s@remote.test>")
    check(f"no relay by {form!r}", reply.command(f"RCPT TO:{form}")[0] == "5")
for name, end in {"LF.LF": "\n.\n", "LF.CRLF": "\n.\r\n", "CR.CR": "\r.\r", "CRLF.LF": "\r\n.\n", "CR.CRLF": "\r.\r\n"}.items():
    data = ("EHLO x\r\nMAIL FROM:<s@remote.test>\r\nRCPT TO:<ann@example.test>\r\nDATA\r\nSubject: outer\r\n\r\nfirst" + end +
            "MAIL FROM:<smuggled@remote.test>\r\nRCPT TO:<ann@example.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\nQUIT\r\n")
    answer = raw(p["smtp"], data.encode(), 3)
    check(f"{name} does not end a message", answer.count(b"354") == 1 and answer.count(b"queued") <= 1, answer)
client = house.imap()
client.select("INBOX")
check("nothing was smuggled in", not client.search(None, "SUBJECT", "smuggled")[1][0])

cut = Smtp(p["smtp"])
for line in ("MAIL FROM:<s@remote.test>", "RCPT TO:<ann@example.test>", "DATA"):
    cut.command(line)
cut.send("Subject: half\r\n\r\nhalf a mess")
cut.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
cut.close()
time.sleep(0.3)
client.noop()
check("a message cut in its middle is nowhere", not client.search(None, "SUBJECT", "half")[1][0])
for _ in range(300):
    socket.create_connection(("127.0.0.1", p["smtp"])).close()
check("300 connections that say nothing: the next is served", serves())
idle = [socket.create_connection(("127.0.0.1", p["pop3"])) for _ in range(300)]
began = time.time()
check("300 idle connections: the next is served at once", serves() and time.time() - began < 1)
[s.close() for s in idle]
bad = Smtp(p["smtp"])
replies = []
try:
    for _ in range(40):
        replies.append(bad.command("FOO")[:3])
except (EOFError, OSError):
    pass
check("errors are counted and end in 421", "421" in replies and len(replies) <= 25, replies)
second = subprocess.run([house.process.args[0], "serve", "--data-dir", house.data], capture_output=True, text=True, timeout=20)
check("a second maild on the store refuses with 78", second.returncode == 78, second.stderr)
raw_admin = b""
with socket.socket(socket.AF_UNIX) as s:
    s.settimeout(5)
    s.connect(str(house.socket))
    s.sendall(os.urandom(4096) + b"\r\n\r\n")
    try:
        raw_admin = s.recv(4096)
    except OSError:
        pass
check("random bytes on the admin socket: one error, and alive", house.mailctl("status", check=False).returncode == 0, raw_admin)
check(f"memory after all of it: {resident():.0f} MiB, {resident() - base:.0f} more than before", resident() - base < 192)
check("it stops cleanly", house.stop() == 0, house.tail())
check("the store is sound", house.check().returncode == 0)


def full_disk():
    """A store on a small tmpfs: 452 when it is full, expunging still works, and it heals."""
    full = House()
    full.data.chmod(0o700)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m,mode=0700", "tmpfs", full.data], capture_output=True).returncode:
        print("skip - no right to mount a tmpfs: the full disk is not tested")
        return
    try:
        check("it starts on a small disk", full.start(), full.tail())
        ballast = full.data / "ballast"
        c = full.smtp()
        check("mail is taken", c.deliver("s@remote.test", ["ann@example.test"], "Subject: before\r\n\r\nx").startswith("250"))
        def fill():
            free = os.statvfs(full.data)
            size = str(free.f_bavail * free.f_frsize)
            return subprocess.run(["fallocate", "-l", size, ballast], capture_output=True).returncode == 0
        check("the disk can be filled", until(fill)) # maild may take a page just then
        time.sleep(1.5)
        reply = c.deliver("s@remote.test", ["ann@example.test"], "Subject: full\r\n\r\n" + "x" * 3000)
        check("a full disk answers 452 4.3.1", reply.startswith("452 4.3.1"), reply)
        m = full.imap()
        m.select("INBOX")
        check("reading goes on", b"before" in m.fetch("1", "(BODY.PEEK[])")[1][0][1])
        ballast.unlink()
        time.sleep(1.5)
        c = full.smtp()
        reply = c.deliver("s@remote.test", ["ann@example.test"], "Subject: after\r\n\r\nx")
        check("with room again it takes mail by itself", reply.startswith("250"), reply)
        m.noop()
        check("nothing refused is there", [len(m.search(None, "SUBJECT", w)[1][0].split()) for w in ("before", "full", "after")] == [1, 0, 1])
        m.logout()
        check("it stops cleanly", full.stop() == 0, full.tail())
        check("the store is sound", full.check().returncode == 0)
    finally:
        if full.process.poll() is None:
            full.kill()
        subprocess.run(["umount", full.data])


full_disk()
check.finish()
