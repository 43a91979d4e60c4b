#!/usr/bin/env python3
"""mime_faults.py: hostile MIME by SMTP, read by IMAP: bounded time, every byte comes back, every structure is well-formed, and the next
message is served. Cases M02 to M30."""
import base64, random, re, socket, time
from house import Checks, House
from imap_client import Imap

check = Checks()
house = House()
SLOW = 20  # seconds for one message with sanitizers on a busy machine
chance = random.Random(1)
plain = "From: a@remote.test\r\nDate: Mon, 5 Feb 2024 10:00:00 +0000\r\nMessage-ID: <{0}@remote.test>\r\nSubject: {0}\r\nMIME-Version: 1.0\r\n"


def send(message):
    """By SMTP with dots stuffed; the last reply."""
    s = socket.create_connection(("127.0.0.1", house.ports["smtp"]), 30)
    f = s.makefile("rwb")
    say = lambda line: (f.write(line), f.flush(), f.readline())[2]
    f.readline()
    for line in (b"HELO x\r\n", b"MAIL FROM:<s@remote.test>\r\n", b"RCPT TO:<ann@example.test>\r\n", b"DATA\r\n"):
        reply = say(line)
    body = message if isinstance(message, bytes) else message.encode("utf-8", "surrogateescape")
    reply = say(b"\r\n".join(b"." + line if line.startswith(b".") else line for line in body.split(b"\r\n")) + b"\r\n.\r\n")
    s.close()
    return body + b"\r\n", reply


def well_formed(text):
    """One IMAP value: parentheses and strings close."""
    depth, at = 0, 0
    while at < len(text):
        c = text[at]
        if c == '"':
            at += 1
            while text[at] != '"':
                at += 2 if text[at] == "\\" else 1
        elif c == "{" and (size := re.match(r"\{(\d+)\}\r\n", text[at:])):
            at += size.end() + int(size[1]) - 1
        elif c in "()":
            depth += 1 if c == "(" else -1
            if depth < 0:
                return False
        elif c in "\r\n":
            return False
        at += 1
    return depth == 0


def multipart(parts, boundary="b"):
    return (f'Content-Type: multipart/mixed; boundary="{boundary}"\r\n\r\n' +
            "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}--\r\n")


def nested(depth, boundary=lambda i: f"b{i}"):
    top = "".join(f'Content-Type: multipart/mixed; boundary="{boundary(i)}"\r\n\r\n--{boundary(i)}\r\n' for i in range(depth))
    return top + "\r\nx\r\n" + "".join(f"--{boundary(i)}--\r\n" for i in reversed(range(depth)))


raw = lambda size: bytes(chance.randrange(256) for _ in range(size))
b64 = lambda data: base64.b64encode(data).decode()
folded = lambda text: "\r\n".join(text[i:i + 76] for i in range(0, len(text), 76))
froms = {"M16": "From: a@one.test\r\nFrom: b@two.test", "M18": "From : a@one.test\r\nFrom: b@two.test", "M19": "From\r\n : a@one.test\r\nFrom: b@two.test",
         "M20": "From: a@one.test, b@two.test", "M22": "From: <@one.test,@two.test:b@three.test>", "M23": 'From: "a\\@one.test"@two.test',
         "M24": "From: a@one.test:b@two.test;"}
cases = {
    "M02: 20,000 parts": multipart(["\r\nx"] * 20000),
    "M03: a message in a message, 1,000 deep": "Content-Type: message/rfc822\r\n\r\n" * 1000 + "Subject: last\r\n\r\nx\r\n",
    "M03: 1,000 multiparts deep": nested(1000),
    "M04: one boundary for all": nested(500, lambda i: "same"),
    "M06: odd headers": "no colon here\r\n   \r\n: first\r\n\u00e4\u00f6: x\r\nX-\x01: y\r\nX: \r\n\t\r\n y\r\n\r\nx\r\n",
    "M07: 20,000 continuations": 'Content-Type: text/plain; ' + ";\r\n ".join(f"name*{i}*=%41" for i in range(20000)) + "\r\n\r\nx\r\n",
    "M08: encoded words": "Subject: " + "\r\n ".join(["=?utf-8?q?=C3=A4?="] * 30000) + "\r\nX: =?klingon?b?AAAA?= =?utf-8?b?!!!?= =?utf-8?q?=Z?= =?utf-8?q?=?utf-8?q?a?=?=\r\n\r\nx\r\n",
    "M10: groups": "To: a: b: c@x;;, unended: <d@x>, \"q\\\r\nCc: ;,;:<>,(,\r\nBcc: undisclosed-recipients:;\r\n\r\nx\r\n",
    "M11: 200,000 comments": "To: " + "(" * 200000 + "\r\nContent-Type: text/plain" + "(" * 100000 + "\r\n\r\nx\r\n",
    "M12: impossible dates": "Date: Foo, 99 Bar 99999 99:99:99 +9999\r\nResent-Date: -1\r\n\r\nx\r\n",
    "M14: 5 MB of base64 in lines of 900": "Content-Transfer-Encoding: base64\r\n\r\n" + "\r\n".join(["QUJD" * 225] * 5600) + "=\r\n===\r\n",
    "M14: a lying encoding": "Content-Transfer-Encoding: base64\r\nContent-Type: text/plain; charset=utf-16\r\n\r\nthis = is not base64 \u20ac\r\n",
    "M15: something like a zip bomb": multipart(["Content-Type: application/zip; name=42.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n" + folded(b64(b"PK\3\4" + raw(40000)))]),
    "M26: nothing but an empty line": None,
    "M26: no empty line": None,
    "M27: a megabyte of References": "References: " + "\r\n ".join(f"<{i}.{i}.{i}@remote.example.test>" for i in range(30000)) + "\r\n\r\nx\r\n",
    "M28: encrypted and broken parts": 'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary="b"\r\n\r\n--b\r\nContent-Type: application/pgp-encrypted\r\n\r\n'
                                       "Version: 1\r\n--b\r\nContent-Type: application/octet-stream\r\n\r\n-----BEGIN PGP MESSAGE-----\r\nbroken\r\n",
    "M30: TNEF and uuencode": multipart(["Content-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64\r\n\r\n" + folded(b64(raw(5000))),
                                         "\r\nbegin 644 x\r\n_too short\r\nend"]),
} | {f"{name}: From is ambiguous": value + "\r\n\r\nx\r\n" for name, value in froms.items()}


def case(name, text):
    if text is None:
        message = b"\r\n" if "empty" in name.split(":")[1] and "nothing" in name else b"just text, no header"
    else:
        head = plain.format(name[:3])
        if name[:3] in froms:
            head = head.replace("From: a@remote.test\r\n", "")
        if name.startswith(("M08", "M12")):
            head = "".join(line for line in head.splitlines(True) if not line.startswith(("Subject", "Date") if name[:3] == "M08" else "Date"))
        message = head + text
    began = time.monotonic()
    sent, reply = send(message)
    if reply[:1] == b"5" and reply[3:4] == b" ":
        check(f"{name}: refused", True)
        return
    if not check(f"{name}: taken in", reply.startswith(b"250"), reply):
        return
    imap("NOOP")
    there = re.search(r"(\d+) EXISTS", "\n".join(imap("SELECT INBOX")))[1]
    answer = imap(f"FETCH {there} (ENVELOPE BODY BODYSTRUCTURE)")
    data = re.sub(r"^\* \d+ FETCH ", "", answer[0], flags=re.S)
    check(f"{name}: the structure is well-formed", answer[-1].startswith("OK") and well_formed(data), data[:200])
    check(f"{name}: no verdict is invented", "dmarc=pass" not in imap(f"FETCH {there} BODY.PEEK[HEADER]")[0])
    body = imap(f"FETCH {there} BODY.PEEK[]")[0].encode("utf-8", "surrogateescape")
    check(f"{name}: every byte comes back", sent.rstrip(b"\r\n") in body, (len(sent), len(body)))
    odd = [line for line in (imap(f"FETCH {there} (BODY.PEEK[1] BODY.PEEK[1.MIME] BODY.PEEK[TEXT] PREVIEW)")[-1], imap(f"FETCH {there} BINARY.PEEK[1]")[-1],
                             imap('SEARCH SUBJECT "x" BODY "zzz" SENTSINCE 1-Jan-2000')[-1], imap("SORT (SUBJECT FROM TO DATE) UTF-8 ALL")[-1],
                             imap("THREAD REFERENCES UTF-8 ALL")[-1]) if not line.startswith(("OK", "NO [UNKNOWN-CTE]"))]
    took = time.monotonic() - began
    check(f"{name}: {took:.1f} s, every question answered", not odd and took < SLOW, odd)
    imap(f"STORE {there} +FLAGS.SILENT (\\Deleted)")
    imap("EXPUNGE")


try:
    check("it starts", house.start(), house.tail())
    imap = Imap(house.ports["imap"], "ann")
    for name, text in cases.items():
        case(name, text)
    check("it stops cleanly", house.stop() == 0, house.tail())
finally:
    house.destroy()
check.finish()
