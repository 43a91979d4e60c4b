#!/usr/bin/env python3
"""imap_faults.py: hostile input to IMAP: one clear answer, bounded memory and time, the next client served."""
import re, socket, statistics, struct, time
from house import Checks, House, until
from imap_client import Imap

check = Checks()
house = House()
SLOW = 20  # seconds that one bad command may take, with sanitizers on a busy machine


def imap(user=None, port="imap"):
    return Imap(house.ports[port], user)


def resident():
    """Resident memory in MiB."""
    return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{house.process.pid}/status").read())[1]) / 1024


def serves():
    try:
        return imap("bob")("STATUS INBOX (MESSAGES)")[-1].startswith("OK")
    except (OSError, EOFError):
        return False


def says(client, data, tag="x"):
    """The tagged answer to raw bytes, "BYE" or "closed"."""
    try:
        client.send(data)
        while True:
            line = client.line(timeout=SLOW)
            if line.startswith(tag + " "):
                return line[len(tag) + 1:]
            if line.startswith("* BYE") or line.startswith("* BAD"):
                return line[2:]
    except (OSError, EOFError):
        return "closed"


class Patient:
    """Asks on a new connection when the last one had enough of bad commands (limit imap_errors)."""

    def __init__(self):
        self.client, self.asked = None, 0

    def __call__(self, command):
        if self.client is None or self.asked == 15:
            self.client, self.asked = imap("ann"), 0
            self.client("SELECT INBOX")
        self.asked += 1
        return says(self.client, b"x " + (command if isinstance(command, bytes) else command.encode()) + b"\r\n")


def refused(answer):
    return answer.startswith(("BAD", "NO", "BYE", "closed"))


def literals():
    """I02, I03, I04: sizes that are none."""
    for name, size in (("I02", "18446744073709551617"), ("I03", "-1"), ("I04", ""), ("I04", "+"), ("I04", "1x"), ("I04", "0x10")):
        for user in (None, "ann"):
            client = imap(user)
            answer = says(client, f"x LOGIN {{{size}}}\r\n" if user is None else f"x CREATE {{{size}}}\r\n")
            check(f"{name}: {{{size}}} is BAD", answer.startswith("BAD"), answer)


def floods():
    """I06, I07, I08, I32: bytes without end, parentheses without bottom."""
    before = resident()
    client = imap()
    try:
        for _ in range(1024):
            client.socket.sendall(b"x" * 65536)
        answer = client.line(timeout=SLOW)
    except (OSError, EOFError):
        answer = "closed"
    check("I06: 64 MB without a line end", refused(answer.removeprefix("* ")), answer)
    check("I07: a million parentheses before sign-in", refused(says(imap(), b"x " + b"(" * 1000000 + b"\r\n")))
    for name, keys in (("(", "(" * 30000), ("NOT", "NOT " * 15000 + "ALL"), ("OR", "OR " * 20000 + "ALL ALL")):
        client = imap("ann")
        client("SELECT INBOX")
        started = time.monotonic()
        answer = says(client, f"x SEARCH {keys}\r\n")
        check(f"I08: deep {name}", refused(answer) and time.monotonic() - started < SLOW, answer)
    client = imap("ann")
    answer = says(client, "x LIST " + "{0+}\r\n" * 5000 + "\r\n")
    check("I32: 5,000 empty literals", refused(answer), answer)
    check(f"memory grew {resident() - before:.0f} MiB at most 96, the next client is served", resident() - before < 96 and serves())


def signing_in():
    """I11, I12, I27, I28, I31: before and at the door."""
    for command in ("SELECT INBOX", "FETCH 1 ALL", "IDLE", "APPEND INBOX {1+}\r\nx", "GETACL INBOX", "NOTIFY NONE", "UNAUTHENTICATE",
                    "COMPRESS DEFLATE", "ESEARCH IN (personal) ALL"):
        answer = says(imap(), f"x {command}\r\n")
        check(f"I31: {command.split()[0]} before sign-in", refused(answer), answer)
    for user in ("' OR '1'='1", "ann@example.test'--", "*", "ann@example.test\\00", "%00", "*)(uid=*", "../ann", "ann@example.test\t", "a" * 3000,
                 "\u00e4nn@example.test", "ann@example.test bob@example.test", "(|(uid=*))", "${jndi:x}"):
        data = user.encode()
        client = imap()
        client.socket.settimeout(SLOW)
        answer = says(client, b"x LOGIN {%d+}\r\n%s secret\r\n" % (len(data), data))
        check(f"I12: user {user[:20]!r}", refused(answer), answer)
    client = imap()
    started = time.monotonic()
    tries = 0
    try:
        while tries < 12 and time.monotonic() - started < 5:
            client.socket.settimeout(5)
            client.send("x LOGIN ann@example.test wrong\r\n")
            line = client.line(timeout=5)
            tries += 1
    except (OSError, EOFError):
        pass
    check("I27: twelve wrong passwords are slowed down", tries < 12, tries)
    check("I27: the right one works from elsewhere", serves())


def timing():
    """I28: the answer to a user who does not exist takes as long as a wrong password."""
    def took(user):
        client = imap()
        started = time.monotonic()
        says(client, f"x LOGIN {user}@example.test wrong\r\n")
        return time.monotonic() - started
    known, unknown = [], []
    for _ in range(3):
        known.append(took("ann"))
        unknown.append(took("nobody"))
    a, b = statistics.median(known), statistics.median(unknown)
    check(f"I28: {a * 1000:.0f} ms and {b * 1000:.0f} ms", abs(a - b) < 0.3 * max(a, b) + 0.015, (known, unknown))


def injection():
    """I10, I11: what was sent ahead of TLS is never answered within it; no password without it."""
    client = imap()
    client.send("x STARTTLS\r\ny LOGIN ann@example.test secret\r\n")
    lines = []
    try:
        while True:
            lines.append(client.line(timeout=5))
    except (OSError, EOFError, UnicodeDecodeError):
        pass
    check("I10: no answer to a command before TLS", not any(line.startswith("y ") for line in lines), lines)
    house.mailctl("listener", "create", "strict", "--protocol", "imap", "--bind", f"127.0.0.1:{house.ports['spare']}", "--tls", "starttls")
    client = imap(port="spare")
    check("I11: LOGINDISABLED is shown", "LOGINDISABLED" in client.greeting and "AUTH=PLAIN" not in client.greeting, client.greeting)
    check("I11: LOGIN without TLS is refused", client("LOGIN ann@example.test secret")[-1].startswith("NO [PRIVACYREQUIRED]"))
    check("I11: so is PLAIN", client("AUTHENTICATE PLAIN AGFubkBleGFtcGxlLnRlc3QAc2VjcmV0")[-1].startswith("NO"))


def appending():
    """I14, I15: too large, and cut short."""
    client = imap("ann")
    answer = says(client, "x APPEND INBOX {107374182400}\r\n")
    check("I14: 100 GB is refused before it is sent", answer.startswith("NO [TOOBIG]"), answer)
    before = client("STATUS INBOX (MESSAGES)")[0]
    for cut in (b"x APPEND INBOX {1000+}\r\nSubject: half", b"x APPEND INBOX {1000}\r\n", b"x APPEND INBOX CATENATE (TEXT {5+}\r\nabcde",
                b"x REPLACE 1 INBOX {5+}\r\nabc", b"x APPEND INBOX {3+}\r\nabc (\\Seen) {900+}\r\nx"):
        half = imap("ann")
        half("SELECT INBOX")
        half.send(cut)
        half.socket.close()
    time.sleep(0.2)
    check("I15: half an APPEND stores nothing", until(lambda: client("STATUS INBOX (MESSAGES)")[0] == before, 5),
          (before, client("STATUS INBOX (MESSAGES)")))


def literal(text):
    data = text.encode("latin-1", "replace") if isinstance(text, str) else text
    return b"{%d+}\r\n%s" % (len(data), data)


def names():
    """I16, I22, I24: names that lead elsewhere, to others, or out of the line."""
    ask = Patient()
    odd = ["../bob", "/etc/passwd", "a/../../b", "~bob/INBOX", "#news.x", "a*b", "a%b", "a\x00b", "a\x07b", "a\x7fb", "a" * 4096, "/".join("d" * 400),
           "a//b", "/a", ".", "..", "a/.", "&", "&AGEAYg-", "&-x", "a\rb", "a\nb", "a\r\n* BYE now", "\"", "\\", " ", "INBOX/../x", "\xff\xfe"]
    for name in odd:
        for command in (b"CREATE %s", b"SELECT %s", b"RENAME %s Renamed", b"SUBSCRIBE %s", b"GETACL %s", b"GETMETADATA %s /private/x"):
            answer = ask(command % literal(name))
            if not answer.startswith(("OK", "NO", "BAD")):
                check(f"I16: {command} {name[:20]!r}", False, answer)
    client = imap("ann")
    listed = client('LIST "" "*"')
    check("I16, I24: LIST is well-formed", all(re.match(r'\* LIST \([^)]*\) "/" ("([^"\\]|\\.)*"|[^ "(){%*\\]+|\{\d+\}\r\n.*)$', line, re.S)
                                              for line in listed[:-1]), listed)
    check("I24: no line of it was made by a name", not any(line.startswith("* BYE") for line in listed), listed)
    found = []
    for name in ("Other Users/bob@example.test/INBOX", "Other Users/BOB@example.test/inbox", "other users/bob@example.test/INBOX", "bob@example.test/INBOX",
                 "/bob/INBOX", "../bob@example.test/INBOX", "~bob@example.test/INBOX", "user/bob", "user.bob", "#shared/bob/INBOX",
                 "Other Users/bob@example.test/../bob@example.test/INBOX", "Other Users/bob@example.test//INBOX", "Public/INBOX", "shared/bob"):
        for command in ('SELECT "%s"', 'STATUS "%s" (MESSAGES)', 'COPY 1 "%s"', 'MYRIGHTS "%s"', 'SETACL "%s" ann@example.test lr'):
            answer = ask(command % name)
            if not answer.startswith(("NO", "BAD")):
                found.append((command % name, answer))
    check("I22: no spelling leads to another user", not found, found)


def searching():
    """I18, I19, I34: odd keys, odd sections, threads in circles."""
    ask = Patient()
    odd = []
    for query in ('CHARSET KLINGON TEXT "x"', "SINCE 99-Foo-2020", "SINCE 31-Feb-2020", "BEFORE 1-Jan-99999", "KLINGON", "UID", "LARGER -1",
                  "LARGER 99999999999999999999", "HEADER", "KEYWORD (", "YOUNGER 0", "MODSEQ x", "1:", "0", "RETURN (PARTIAL 1:) ALL",
                  "RETURN (PARTIAL 1:99999999999) ALL", 'TEXT "\\', "$ $ $"):
        answer = ask("SEARCH " + query)
        if not answer.startswith(("NO", "BAD", "OK")):
            odd.append((query, answer))
    answer = ask(b"SEARCH TEXT " + literal("y" * 1000000))
    check("I18: a megabyte to look for", answer.startswith(("OK", "NO", "BAD")), answer)
    check("I18: an unknown charset", ask('SEARCH CHARSET KLINGON TEXT "x"').startswith("NO [BADCHARSET"))
    sections = ["BODY[" + ".".join("1" * 1000) + "]", "BODY[99999999999]", "BODY[0]", "BODY[1.]", "BODY[]<1>", "BODY[]<0.0>", "BODY[]<-1.5>",
                "BODY[]<0.99999999999999999999>", "BODY[HEADER.FIELDS ()]", "BINARY[1.TEXT]", "BODY[MIME]", "BODY[1", "RFC822.PEEK", "BODY[]<18446744073709551615.1>",
                "BODY.PEEK[HEADER.FIELDS (" + " ".join(f"X-{i}" for i in range(5000)) + ")]"]
    for section in sections:
        answer = ask(f"FETCH 1 {section}")
        if not answer.startswith(("NO", "BAD", "OK")):
            odd.append((section[:40], answer))
    check("I18, I19: every one was answered, the session lives", not odd and serves(), odd)
    client = imap("ann")
    client("SELECT INBOX")
    for i, refs in enumerate((["2", "3"], ["3", "1"], ["1", "2"], ["4"])):
        client.append(f"Message-ID: <{i + 1}@x>\r\nReferences: {' '.join(f'<{r}@x>' for r in refs)}\r\nIn-Reply-To: <{refs[0]}@x>\r\n"
                      f"Subject: Re: circle\r\n\r\nx\r\n")
    for command in ("THREAD REFERENCES UTF-8 ALL", "THREAD ORDEREDSUBJECT UTF-8 ALL", "SORT (SUBJECT DATE) UTF-8 ALL"):
        check(f"I34: {command} ends", client(command)[-1].startswith("OK"))


def keywords():
    """I23."""
    client = imap("ann")
    client("SELECT INBOX")
    many = client("STORE 1 FLAGS (" + " ".join(f"k{i}" for i in range(5000)) + ")")[-1]
    check("I23: 5,000 keywords", many.startswith(("NO", "BAD")), many)
    check("I23: one of 7 KB", client("STORE 1 +FLAGS (" + "k" * 7000 + ")")[-1].startswith(("NO", "BAD")))
    flags = client("FETCH 1 FLAGS")[0]
    check("I23: the flags are sane", re.fullmatch(r"\* 1 FETCH \(FLAGS \([^()]*\)\)", flags) and len(flags) < 2000, flags[:200])


def back_pressure():
    """I20: replies that nobody reads."""
    before = resident()
    client = imap("ann")
    client("SELECT INBOX")
    client.append("Subject: large\r\n\r\n" + "x" * 20000)
    client.socket.settimeout(3)
    sent = 0
    commands = b"".join(b"p%d UID FETCH 1:* BODY.PEEK[]\r\n" % i for i in range(20000))
    try:
        while sent < len(commands):
            sent += client.socket.send(commands[sent:sent + 65536])
    except (TimeoutError, OSError):
        pass
    time.sleep(3)
    grown = resident() - before
    check(f"I20: 20,000 commands whose replies wait: {grown:.0f} MiB", grown < 64)
    client.socket.close()
    check("I20: the next client is served", serves())


def lines():
    """I30: odd tags and lines."""
    dead = []
    for data in (b"\r\n", b"+\r\n", b"*\r\n", b"* OK\r\n", b"t" * 10240 + b" NOOP\r\n", b"x NOOP\rx NOOP\r\n", b"x NOOP\n", b"x NO\x00OP\r\n", b"\xff\xfe NOOP\r\n",
                 b"x \xc3\xa4\r\n", b"x\r\n", b"x  NOOP\r\n", b"x NOOP \r\n", b" x NOOP\r\n", b"x+ NOOP\r\n", b"(x) NOOP\r\n", b"x UID\r\n", b"x UID NOOP\r\n"):
        client = imap("ann")
        try:
            client.send(data)
            client.send(b"live NOOP\r\n")
            while not client.line(timeout=SLOW).startswith(("live OK", "* BYE")):
                pass
            alive = True
        except (OSError, EOFError):
            alive = serves()
        if not alive:
            dead.append(data[:16])
    check("I30: odd lines end no server", not dead and serves(), dead)


def churn():
    """I26."""
    for i in range(600):
        s = socket.create_connection(("127.0.0.1", house.ports["imap"]), 10)
        if i % 2:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()
    check("I26: 600 connections closed or reset", until(serves, 20))


try:
    check("it starts", house.start(), house.tail())
    imap("ann").append("Subject: first\r\n\r\nx\r\n")
    for case in (literals, floods, signing_in, timing, injection, appending, names, searching, keywords, back_pressure, lines, churn):
        case()
    check("it stops cleanly", house.stop() == 0, house.tail())
finally:
    house.destroy()
check.finish()
