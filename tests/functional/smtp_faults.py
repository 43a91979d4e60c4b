#!/usr/bin/env python3
"""smtp_faults.py: hostile input to SMTP, one row a case: what is sent and what must come back. After each row the next client is
served, memory has not grown by more than 64 MiB, and at the end only what was accepted is in the mailbox, whole."""
import os, re, socket, ssl, struct, time
from house import Checks, House, Smtp, until

check = Checks()
# A sanitizer keeps what is freed for a while: little of it, so that what grows is what maild holds.
house = House(environment={"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=8"})
if not check("it starts", house.start(), house.tail()):
    check.finish()
mx, submission = house.ports["smtp"], house.ports["submission"]
ANN = "ann@example.test"
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE


def resident():
    return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{house.process.pid}/status").read())[1]) / 1024


def serves():
    """A new client is served well, in reasonable time."""
    try:
        c = Smtp(mx, 5)
        ok = c.deliver("s@remote.test", ["bob@example.test"], "Subject: alive\r\n\r\nx").startswith("250")
        c.close()
        return ok
    except (OSError, EOFError):
        return False


def hear(s, seconds):
    """What the server says until it ends or is silent for so long."""
    out = b""
    s.settimeout(seconds)
    try:
        while got := s.recv(65536):
            out += got
    except OSError:
        pass
    return out


def talk(data, port=mx, seconds=3):
    """The replies to bytes sent at once, after the greeting."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as s:
        s.recv(1000)
        try:
            s.sendall(data if isinstance(data, bytes) else data.encode())
        except OSError:
            pass
        return hear(s, seconds)


def codes(answer):
    """The code of each reply, without the lines that go on."""
    return [line[:3].decode() for line in answer.split(b"\r\n") if line and line[3:4] != b"-"]


envelope = f"EHLO c.test\r\nMAIL FROM:<s@remote.test>\r\nRCPT TO:<{ANN}>\r\n"
smuggled = f"MAIL FROM:<evil@remote.test>\r\nRCPT TO:<{ANN}>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\nQUIT\r\n"
refused = lambda answer: answer and codes(answer)[-1][0] == "5"


def smuggle(end):
    """One reply to the message: a 5xx and the end, or one 250 that holds it all."""
    got = codes(talk(envelope + "DATA\r\nSubject: outer\r\n\r\nfirst" + end + smuggled))
    return got in (["250"] * 3 + ["354", "554"], ["250"] * 3 + ["354", "250", "221"]), got


def relay(address):
    def case():
        got = codes(talk(b"EHLO c.test\r\nMAIL FROM:<s@remote.test>\r\nRCPT TO:" + address.encode() + b"\r\nDATA\r\nQUIT\r\n"))
        return len(got) >= 4 and got[2][0] == "5" and "354" not in got, got
    return case


def says(data, *wanted, port=mx):
    """Those codes, in that order; `...` stands for anything at the end."""
    def case():
        answer = talk(data, port)
        got = codes(answer)
        fits = got[:len(wanted) - 1] == list(wanted[:-1]) if wanted[-1] == "..." else got == list(wanted)
        return fits, answer[-300:]
    return case


def starttls():
    s = socket.create_connection(("127.0.0.1", submission), timeout=10)
    s.recv(1000)
    s.sendall(b"EHLO c.test\r\n")
    while b"250 " not in s.recv(4000):
        pass
    return s


def injected():
    s = starttls()
    s.sendall(b"STARTTLS\r\nEHLO evil.test\r\n")
    got = hear(s, 2)
    return got.startswith(b"554") and b"evil" not in got, got


def forgotten():
    s = starttls()
    s.sendall(b"STARTTLS\r\n")
    s.recv(100)
    s = context.wrap_socket(s)
    s.sendall(f"RCPT TO:<{ANN}>\r\nQUIT\r\n".encode())
    got = hear(s, 2)
    return codes(got) == ["503", "221"], got


def flood(total, piece):
    def case():
        with socket.create_connection(("127.0.0.1", mx), timeout=20) as s:
            s.recv(1000)
            try:
                for _ in range(total // len(piece)):
                    s.sendall(piece)
            except OSError:
                pass
            got = hear(s, 3)
        return not got or codes(got)[-1][0] in "45", got[-200:]
    return case


def message(header, body="x", then="QUIT\r\n", good=("250", "5")):
    """A whole message: accepted or refused, and the session goes on."""
    def case():
        got = codes(talk(envelope.encode() + b"DATA\r\n" + (header + "\r\n" + body).encode() + b"\r\n.\r\n" + then.encode(), seconds=15))
        return len(got) >= 5 and got[4].startswith(good) and got[-1] == "221", got
    return case


def many_recipients():
    answer = talk("EHLO c.test\r\nMAIL FROM:<s@remote.test>\r\n" + f"RCPT TO:<{ANN}>\r\n" * 3000 + "QUIT\r\n", seconds=10)
    got = codes(answer)
    return got.count("250") - 2 >= 100 and got.count("452") >= 1 and got[-1] == "221", (got.count("250"), got.count("452"))


def bad_commands():
    got = codes(talk("WIZ\r\n" * 200, seconds=25))
    return got[-1] == "421" and len(got) <= 101, got


def churn():
    for _ in range(500):
        socket.create_connection(("127.0.0.1", mx)).close()
    for _ in range(100):
        s = socket.create_connection(("127.0.0.1", mx))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()
    return serves(), ""


def early():
    with socket.create_connection(("127.0.0.1", mx), timeout=10) as s:
        s.sendall((envelope + "DATA\r\nSubject: early\r\n\r\nx\r\n.\r\nQUIT\r\n").encode())
        got = codes(hear(s, 3))
    return got in (["220", "250", "250", "250", "354", "250", "221"], ["554"]), got


def cut():
    s = socket.create_connection(("127.0.0.1", mx), timeout=10)
    s.recv(1000)
    s.sendall((envelope + "DATA\r\nSubject: cut\r\n\r\nhalf a mess").encode())
    time.sleep(0.3)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()
    return True, ""


def half_close():
    s = socket.create_connection(("127.0.0.1", mx), timeout=10)
    s.sendall((envelope + "DATA\r\nSubject: halfclosed\r\n\r\nwhole\r\n.\r\n").encode())
    s.shutdown(socket.SHUT_WR)
    got = codes(hear(s, 5))
    return got[-1] == "250", got


def same_for_all(command):
    """Known and unknown names get the same answer."""
    known, unknown = (talk(f"EHLO c.test\r\n{command} {who}\r\nQUIT\r\n").splitlines()[-2] for who in (ANN, "nobody@example.test"))
    return known == unknown and known[:3] in (b"252", b"502"), (known, unknown)


def hello(argument):
    def case():
        got = codes(talk(f"EHLO {argument}\r\nNOOP\r\nQUIT\r\n"))
        return len(got) == 3 and got[0] in ("250", "500", "501") and got[1:] == ["250", "221"], got
    return case


def tls_garbage(data, hold=0):
    def case():
        s = starttls()
        s.sendall(b"STARTTLS\r\n")
        s.recv(100)
        try:
            s.sendall(data)
            for _ in range(hold):
                s.sendall(data)
        except OSError:
            pass
        ok = serves()
        s.settimeout(5)
        try:
            s.shutdown(socket.SHUT_WR)
            while s.recv(65536):
                pass
            closed = True
        except TimeoutError:
            closed = False
        except OSError:
            closed = True
        return ok and closed, (ok, closed)
    return case


def envelope_of_many():
    ok, got = message("To: " + ",\r\n ".join(f"a{i}@b.test" for i in range(50000)) + "\r\nSubject: many addresses\r\n")()
    began = time.time()
    client = house.imap()
    client.select("INBOX")
    numbers = client.search(None, "SUBJECT", '"many addresses"')[1][0].split()
    shown = not numbers or client.fetch(numbers[-1], "(ENVELOPE)")[0] == "OK"
    client.logout()
    return ok and shown and time.time() - began < 20, got


hello_client_hello = bytes.fromhex("16030102000100")
rows = [
    ("S01 LF.LF ends no message", lambda: smuggle("\n.\n")),
    ("S02 LF.CRLF ends no message", lambda: smuggle("\n.\r\n")),
    ("S03 CR.CR ends no message", lambda: smuggle("\r.\r")),
    ("S05 CR.CRLF ends no message", lambda: smuggle("\r.\r\n")),
    ("S06 LF.CR ends no message", lambda: smuggle("\n.\r")),
    ("S07 CRLF.LF ends no message", lambda: smuggle("\r\n.\n")),
    ("S09 CRLF NUL.CRLF ends no message", lambda: smuggle("\r\n\0.\r\n")),
    ("S10 CRLF.CRCRLF ends no message", lambda: smuggle("\r\n.\r\r\n")),
    ("S11 CRCRLF.CRCRLF ends no message", lambda: smuggle("\r\r\n.\r\r\n")),
    ("S13 what is sent along with STARTTLS is not run", injected),
    ("S14 what was said before TLS is forgotten", forgotten),
    ("S15 no AUTH in clear", says("EHLO c.test\r\nAUTH PLAIN AGFubkBleGFtcGxlLnRlc3QAc2VjcmV0\r\nQUIT\r\n", "250", "538", "221", port=submission)),
    ("S17 64 MB without a line end", flood(64 << 20, b"x" * 65536)),
    ("S18 a header line of 20 MB", message("X-Long: " + "y" * (20 << 20) + "\r\n")),
    ("S19 NUL in commands", says(b"EHLO c.test\r\nNO\0OP\r\nMAIL FROM:<s@remote.test\0>\r\nQUIT\r\n", "250", "500", "500", "221")),
    ("S21 an empty quoted local part", relay('<""@example.test>')),
    *[("S22 shell words in an address", relay(f"<{a}@example.test>")) for a in ("`id`", "$(id)", ";id;", "|id", '"() { :;}; id"')],
    *[("S23 expansions are data", relay(f"<{a}@example.test>")) for a in ("${run{/bin/id}}", "%s%n", "{{7*7}}", "${jndi:ldap://x}")],
    ("S25 no relay: plain", relay("<c@else.test>")),
    ("S26 no relay: percent", relay("<c%else.test@example.test>")),
    ("S27 no relay: quoted at", relay('<"c@else.test"@example.test>')),
    ("S29 no relay: bang", relay("<else.test!c@example.test>")),
    ("S30 no relay: literal", relay("<c@[192.0.2.1]>")),
    ("S31 no relay: two ats", relay("<c@else.test@example.test>")),
    ("S33 no relay: NUL", relay("<c@else.test\0@example.test>")),
    ("S34 3000 recipients", many_recipients),
    ("S35 bad commands end in 421", bad_commands),
    ("S37 BDAT of negative size", says(envelope + "BDAT -1\r\nQUIT\r\n", "250", "250", "250", "501", "221")),
    ("S38 BDAT without a number", says(envelope + "BDAT .\r\nBDAT\r\nBDAT LAST\r\nQUIT\r\n", "250", "250", "250", "501", "501", "501", "221")),
    ("S39 BDAT beyond 64 bits", says(envelope + "BDAT 18446744073709551617 LAST\r\nQUIT\r\n", "250", "250", "250", "501", "221")),
    ("S41 a chunk without a transaction is not run", says("EHLO c.test\r\nBDAT 19 LAST\r\nMAIL FROM:<a@b.c>\r\nQUIT\r\n", "250", "503", "221")),
    ("S42 DATA after BDAT", says(envelope + "BDAT 6\r\nabcd\r\nDATA\r\nQUIT\r\n", "250", "250", "250", "250", "503", "221")),
    ("S43 DATA with nobody to get it", says("EHLO c.test\r\nMAIL FROM:<>\r\nRCPT TO:<nobody@example.test>\r\nDATA\r\nQUIT\r\n",
                                            "250", "250", "550", "503", "221")),
    ("S45 500 connections closed, 100 reset", churn),
    ("S46 a whole transaction before the greeting", early),
    ("S47 HTTP is closed on", says(f"POST / HTTP/1.1\r\nHost: x\r\n\r\n{envelope}DATA\r\nSubject: http\r\n\r\nx\r\n.\r\n", "554")),
    ("S49 150 Received fields", message("Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000\r\n" * 150, good=("5",))),
    ("S50 100,000 header lines", message("".join(f"X-{i}: x\r\n" for i in range(100000)))),
    ("S51 a body line of 500 KB is not cut", message("Subject: longline\r\n", "z" * 500000 + "." + "z" * 100)),
    ("S53 a connection cut in DATA", cut),
    ("S54 half-closed after the dot", half_close),
    ("S55 VRFY tells nothing", lambda: same_for_all("VRFY")),
    ("S55 EXPN tells nothing", lambda: same_for_all("EXPN")),
    *[(f"S57 EHLO {name}", hello(a)) for name, a in (("empty", ""), ("of 60 KB", "a" * 60000), ("broken IPv6", "[IPv6:::::1]"), ("half a literal", "[1.2.3"),
                                                     ("control", "a\x01b"), ("percent", "%s%n"), ("8-bit", "\u00e9.test"))],
    *[(f"S58 {c} from a stranger", says(f"EHLO c.test\r\n{c}\r\nQUIT\r\n", "250", code, "221"))
      for c, code in (("WIZ", "500"), ("DEBUG", "500"), ("XCLIENT ADDR=127.0.0.1", "500"), ("XFORWARD ADDR=127.0.0.1", "500"), ("TURN", "500"),
                      ("ETRN example.test", "502"), ("XEXCH50 1 2", "500"))],
    *[(f"S59 deep {name} in an address", relay(a)) for name, a in (("comments", "<" + "(" * 900 + "a@b.test>"), ("quotes", "<" + '"' * 901 + "@b.test>"),
                                                                  ("routes", "<" + "@a.test," * 120 + "@a.test:c@else.test>"))],
    ("S61 garbage for a ClientHello", tls_garbage(os.urandom(4096))),
    ("S61 a truncated ClientHello", tls_garbage(hello_client_hello)),
    ("S61 an endless ClientHello", tls_garbage(b"\x16\x03\x01\x3f\xff\x01\x00\xff\xff" + b"\0" * 16000, 200)),
    ("S62 an unknown recipient is refused in session", says("EHLO c.test\r\nMAIL FROM:<s@remote.test>\r\nRCPT TO:<nobody@example.test>\r\nQUIT\r\n",
                                                           "250", "250", "550", "221")),
    ("S63 50,000 addresses in To", envelope_of_many),
]


def told():
    """Lines in the log, without those of mail and sign-ins that went well."""
    lines = (house.dir / "log").read_text(errors="replace").splitlines()
    return sum("event=smtp_accepted" not in line and "event=auth_ok" not in line for line in lines)


base = resident()
for name, case in rows:
    began, before, lines = time.time(), resident(), told()
    try:
        ok, detail = case()
    except (OSError, EOFError) as problem:
        ok, detail = False, repr(problem)
    grown = resident() - before
    more = told() - lines
    check(name, ok and grown < 64 and more <= 5 and serves(),
          f"{detail} grown {grown:.0f} MiB, {time.time() - began:.1f} s, {more} lines in the log")
    if os.environ.get("TIMES"):
        print(f"       {time.time() - began:.1f} s")

check(f"all of it: {resident() - base:.0f} MiB more than before", resident() - base < 192)
client = house.imap()
client.select("INBOX")
count = lambda subject: len(client.search(None, "SUBJECT", f'"{subject}"')[1][0].split())
check("nothing was smuggled, cut or run", [count(w) for w in ("smuggled", "cut", "http")] == [0, 0, 0])
check("half-closed and early: one copy, whole", [count(w) for w in ("halfclosed", "early")] == [1, 1])
numbers = client.search(None, "SUBJECT", "longline")[1][0].split()
check("the long line is whole, if it was taken", not numbers or
      b"z" * 500000 + b"." + b"z" * 100 in client.fetch(numbers[0], "(BODY.PEEK[])")[1][0][1])
client.logout()
check("nobody got a bounce", house.mailctl_json("queue", "list")["items"] == [])
check("it stops cleanly", house.stop() == 0, house.tail())
check("the store is sound", house.check().returncode == 0)
check.finish()
