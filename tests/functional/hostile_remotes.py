#!/usr/bin/env python3
"""hostile_remotes.py: remote mail servers that break the rules, each on its own address; what becomes of the mail, that mail to an
honest host goes on, and that maild's memory stays bounded (faults O01, O02, O04-O06, O08, O13-O15, R08, U10, X08)."""
import pathlib, socket, subprocess, threading, time
from house import Checks, House, free_ports, until
from remote import Remote, black_hole

check = Checks()
(port,) = free_ports(1)
house = House(mailboxes=("ann",), extra=f"""---
kind: route
items:
{"".join(f'  {name}: {{domains: [{name}.test], relay: "127.0.0.{number}:{port}", tls: {tls}, retry: [{retry}]}}' + chr(10) for name, number, tls, retry in [
    ("honest", 41, "none", "1s"), ("injects", 42, "opportunistic", "1h"), ("stripped", 43, "required", "1h"), 
    ("flood", 45, "none", "1h"), ("lines", 46, "none", "1h"), ("garbage", 47, "none", "1h"), ("bare", 48, "none", "1h"), ("cuts", 49, "none", "1s"),
    ("picky", 50, "none", "1h"), ("slow", 51, "none", "1h"), ("seven", 52, "none", "1h"), ("reset", 53, "none", "1h"), ("after", 54, "none", "1h"),
    ("nodata", 55, "none", "1h"), ("hole", 56, "none", "1h"), ("chatty", 57, "none", "1h"), ("kills", 58, "none", "1s")])}""")


def reset(connection, _line):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    return b""


def pour(piece, count):
    """Says `piece` over and over, as long as anybody listens."""
    def answer(connection, _line):
        for _ in range(count):
            connection.sendall(piece)
        return b""
    return answer


cut_once = iter([b""])
release_slow = threading.Event()
host = {
    "honest": Remote("127.0.0.41", port),
    "injects": Remote("127.0.0.42", port, {"STAR": b"220 go on\r\n250 injected\r\n250 injected\r\n250 injected\r\n"}, ("STARTTLS", "PIPELINING")),
    "stripped": Remote("127.0.0.43", port),
    "flood": Remote("127.0.0.45", port, {"greeting": pour(b"2" * 65536, 160)}),
    "lines": Remote("127.0.0.46", port, {"greeting": pour(b"220-and so on\r\n" * 1000, 1000)}),
    "garbage": Remote("127.0.0.47", port, {"EHLO": b"\0\xff\xfe999 what\r\n"}),
    "bare": Remote("127.0.0.48", port, {"MAIL": b"250 ok\n250 ok\n250 ok\n"}),
    "cuts": Remote("127.0.0.49", port, {"message": lambda *_: next(cut_once, None)}),
    "picky": Remote("127.0.0.50", port, {"RCPT": lambda _, line: b"550 5.1.1 nobody of that name\r\n" if b"<b@" in line else None}),
    "slow": Remote("127.0.0.51", port, {"message": lambda *_: release_slow.wait(30) and None}),
    "seven": Remote("127.0.0.52", port, capabilities=()),
    "reset": Remote("127.0.0.53", port, {"MAIL": reset}),
    "after": Remote("127.0.0.54", port, {"message": b"554 5.7.1 looks like spam, see https://remote.test/why\r\n"}),
    "nodata": Remote("127.0.0.55", port, {"DATA": b"250 ok, whatever\r\n"}),
    "chatty": Remote("127.0.0.57", port, {"MAIL": b"250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n"}, ()),
    "kills": Remote("127.0.0.58", port, {"message": lambda *_: time.sleep(30)}),
}
hole = black_hole("127.0.0.56", port)
check("maild starts", house.start(), house.tail())
memory = lambda: int(next(l for l in pathlib.Path(f"/proc/{house.process.pid}/status").read_text().splitlines() if l.startswith("VmRSS")).split()[1])
before = memory()


def send(to, message=None):
    done = house.submit(to, message or f"From: ann@example.test\r\nTo: {to}\r\nSubject: hostile\r\n\r\nhello\r\n".encode())
    if done.returncode != 0:
        check(f"mail to {to} is taken", False, done.stderr)


def items(what):
    return house.mailctl_json("queue", "list", "--filter", what)["items"]


def waits(name, words, what):
    """Its mail waits, and the queue says why."""
    def look():
        found = items(f"domain={name}.test")
        return len(found) == 1 and found[0]["status"] == "deferred" and words in (found[0]["last_error"] or {}).get("text", "")
    check(f"{what}: it waits", until(look, 30), items(f"domain={name}.test"))


names = ["injects", "stripped", "flood", "lines", "garbage", "bare", "cuts", "slow", "reset", "after", "nodata", "hole", "chatty"]
for name in names:
    send(f"a@{name}.test")
begin = time.time()
send("a@honest.test")
check("mail to an honest host goes on", until(lambda: host["honest"].messages), house.tail())
print(f"     after {(time.time() - begin) * 1000:.0f} ms")
waits("injects", "before the TLS handshake", "answers injected before the TLS handshake")
check("and nothing was said after them", not any(line[:4] == b"MAIL" for line in host["injects"].lines), host["injects"].lines)
waits("stripped", "TLS is required", "STARTTLS stripped")
check("and no address was named in clear", not any(b"@stripped" in line for line in host["stripped"].lines))
waits("flood", "too long", "a greeting of ten megabytes in one line")
waits("lines", "lines", "a greeting of a million lines")
waits("garbage", "EHLO", "garbage for a reply")
waits("bare", "bare LF", "replies that end in a bare LF")
waits("reset", "", "a connection reset after MAIL")
waits("nodata", "unexpected answer to DATA", "250 to DATA")
waits("chatty", "unexpected answer to DATA", "more answers than questions")
check("a connection cut after the final dot: sent again", until(lambda: len(host["cuts"].messages) == 2 and not items("domain=cuts.test"), 30),
      (len(host["cuts"].messages), items("domain=cuts.test")))
check("a refusal after the final dot is told with the remote's own words", until(lambda: any("looks like spam, see https://remote.test/why" in t and
      "Diagnostic-Code: smtp; 554 5.7.1" in t for t in house.reports())), house.tail())

# Three recipients of one message, one of them refused: one report about that one.
path = house.dir / "three"
path.write_bytes(b"From: ann@example.test\r\nSubject: three\r\n\r\nhello\r\n")
subprocess.run(["curl", "-sS", "--max-time", "20", "--cacert", house.data / "tls/default.crt", "--ssl-reqd", "-u", "ann@example.test:secret",
                "--mail-from", "ann@example.test", *(w for r in "abc" for w in ("--mail-rcpt", f"{r}@picky.test")), "-T", path,
                f"smtp://127.0.0.1:{house.ports['submission']}/client.test"], check=True)
check("one of three recipients is refused: one report about that one", until(lambda: sum("picky.test" in t for t in house.reports()) == 1) and
      all("a@picky.test" not in t and "c@picky.test" not in t for t in house.reports() if "b@picky.test" in t), house.reports()[-1:])
check("the others got it once", len(host["picky"].messages) == 1)

# What leaves has CR LF only and stuffed dots, in seven bits where the remote knows no more; and what cannot be so comes back.
send("a@seven.test", "From: ann@example.test\r\nSubject: seven\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
     "Content-Transfer-Encoding: 8bit\r\n\r\n.dot\r\n..two\r\ngr\u00fc\u00dfe\r\n".encode())
check("8-bit text for a server without 8BITMIME", until(lambda: host["seven"].messages), house.tail())
got = host["seven"].messages[0] if host["seven"].messages else b""
check("seven bits, dots stuffed, CR LF only", max(got, default=200) < 128 and b"\r\n..dot\r\n...two\r\ngr=C3=BC=C3=9Fe\r\n" in got and
      b"\n" not in got.replace(b"\r\n", b"") and b"\r" not in got.replace(b"\r\n", b""), got[-200:])
send("gr\u00fc\u00dfe@seven.test", "From: ann@example.test\r\nSubject: utf8\r\n\r\nhello\r\n".encode())
check("an international address for a server without SMTPUTF8 comes back", until(lambda: any("5.6.7" in t for t in house.reports())), house.tail())

# An administrator's verbs on what is being delivered.
one = items("domain=slow.test")
check("a slow remote: the item is active", one and one[0]["status"] == "active", one)
house.mailctl("queue", "hold", one[0]["id"])
check("hold of an active item is taken", items("domain=slow.test")[0]["status"] in ("active", "held"))
check("retry and route leave it alone", house.mailctl("queue", "retry", one[0]["id"], check=False).returncode == 3)
house.mailctl("queue", "drop", one[0]["id"], "--silent", "--yes")
release_slow.set()
check("drop waits for the end of the attempt", until(lambda: not items("domain=slow.test")), items("domain=slow.test"))
check("and the remote got it once", len(host["slow"].messages) == 1)

after = memory()
print(f"     memory {before // 1024} MiB before, {after // 1024} MiB after")
check("memory stays bounded", after < before + 200 * 1024, (before, after))

# Poison: maild dies three times over the same message; then it is held and the rest goes.
send("a@kills.test")
for turn in range(3):
    check("the message is being sent", until(lambda: any(i["status"] == "active" for i in items("domain=kills.test"))), items("domain=kills.test"))
    until(lambda: len(host["kills"].messages) > turn)
    house.kill()
    check("maild starts again", house.start(), house.tail())
check("what maild died over three times is held, and says so", until(lambda: [i["status"] for i in items("domain=kills.test")] == ["held"]) and
      "the server died" in items("domain=kills.test")[0]["last_error"]["text"], items("domain=kills.test"))
honest = len(host["honest"].messages)
send("b@honest.test")
check("other mail goes", until(lambda: len(host["honest"].messages) > honest), house.tail())
check("it stops cleanly", house.stop() == 0, house.tail())
check.finish()
