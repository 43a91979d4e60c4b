#!/usr/bin/env python3
"""pop3.py: POP3 at a real maild: what CAPA says in each state and over each transport, the exclusive lock, unique-ids over a
restart, access per mailbox, and hostile clients."""
import re, socket, ssl, time
from house import Checks, House, until

check = Checks()
house = House(mailboxes=("ann", "bob", "cyd"), listeners='  pop3s: {protocol: pop3, bind: "127.0.0.1:%d", tls: implicit}\n' % 0)
house.site.write_text(house.site.read_text().replace('"127.0.0.1:0"', f'"127.0.0.1:{house.ports["pop3s"]}"'))
strict = f'  strict: {{protocol: pop3, bind: "127.0.0.1:{house.ports["spare"]}", tls: starttls}}\n'
house.site.write_text(house.site.read_text().replace("  pop3s:", strict + "  pop3s:"))
check("it starts", house.start(), house.tail())
p = house.ports
insecure = ssl._create_unverified_context()


class Pop:
    """A POP3 client that hides nothing."""
    def __init__(self, port="pop3", tls=False, timeout=20):
        self.s = socket.create_connection(("127.0.0.1", p[port]), timeout)
        if tls:
            self.s = insecure.wrap_socket(self.s)
        self.f = self.s.makefile("rb")
        self.greeting = self.line()

    def line(self):
        return self.f.readline().decode("utf-8", "replace").rstrip("\r\n")

    def send(self, data):
        self.s.sendall(data if isinstance(data, bytes) else data.encode())

    def command(self, text):
        """The first line of the answer; nothing once the server has closed."""
        try:
            self.send(text + "\r\n")
            return self.line()
        except (BrokenPipeError, ConnectionResetError):
            return ""

    def lines(self, text):
        """The lines of a multi-line answer."""
        assert self.command(text).startswith("+OK"), text
        out = []
        while (line := self.line()) != ".":
            out.append(line[1:] if line.startswith(".") else line)
        return out

    def sign_in(self, user="ann", password="secret"):
        self.command(f"USER {user}@example.test")
        return self.command(f"PASS {password}")

    def stls(self):
        assert self.command("STLS").startswith("+OK")
        self.s = insecure.wrap_socket(self.s)
        self.f = self.s.makefile("rb")

    def close(self):
        self.f.close()
        self.s.close()


def deliver(subject, to="ann"):
    c = house.smtp()
    reply = c.deliver("s@remote.test", [f"{to}@example.test"], f"Subject: {subject}\r\n\r\n{subject}\r\n..dot")
    c.close()
    return reply.startswith("250")


always = {"TOP", "UIDL", "PIPELINING", "RESP-CODES", "AUTH-RESP-CODE", "EXPIRE NEVER", "UTF8", "LANG", "IMPLEMENTATION maild"}
passwords = {"USER", "SASL SCRAM-SHA-256 PLAIN LOGIN"}
bound = {"USER", "SASL SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN"}


def words(client, expected, what):
    said = client.lines("CAPA")
    check(f"CAPA {what}", len(said) == len(set(said)) and set(said) in expected, sorted(said))


c = Pop("spare")
words(c, [always | {"STLS"}], "before TLS where passwords need it")
c.stls()
words(c, [always | passwords, always | bound], "after STLS")
c.sign_in()
words(c, [always | passwords, always | bound], "after STLS and sign-in")
check("STLS within TLS is refused", c.command("STLS").startswith("-ERR"))
c.close()
c = Pop("pop3s", tls=True)
words(c, [always | passwords, always | bound], "on the port with TLS from the start")
c.close()
c = Pop()
words(c, [always | passwords | {"STLS"}], "before sign-in where passwords may go in the clear")
check("sign-in", until(lambda: c.sign_in().startswith("+OK"), 5))
words(c, [always | passwords | {"STLS"}], "after sign-in there")
c.command("QUIT")

for subject in ("one", "two", "three"):
    check(f"delivered {subject}", deliver(subject))
first = Pop()
check("the first session gets the maildrop", first.sign_in() == "+OK 3 messages")
ids = first.lines("UIDL")
second = Pop()
check("P06: a second session is told [IN-USE]", second.sign_in().startswith("-ERR [IN-USE]"))
check("P06: and the first is unharmed", first.lines("UIDL") == ids)
check("another mailbox is free", Pop().sign_in("bob") == "+OK 0 messages")
first.command("DELE 2")
check("QUIT ends with the deletion", first.command("QUIT").startswith("+OK"))
check("QUIT gives the lock back before it answers", second.sign_in() == "+OK 2 messages")
left = [line.split()[1] for line in second.lines("UIDL")]
check("unique-ids stay with their messages", left == [ids[0].split()[1], ids[2].split()[1]], left)
second.command("DELE 1")
second.close()
again = Pop()
check("P05: DELE and a cut connection: the message is still there", until(lambda: again.sign_in() == "+OK 2 messages"))
again.close()
client = house.imap()
client.select("INBOX")
dropped = Pop()
until(lambda: dropped.sign_in().startswith("+OK"))
client.store("1", "+FLAGS", r"(\Deleted)")
client.expunge()
check("a message expunged meanwhile is refused, the session goes on",
      dropped.command("RETR 1").startswith("-ERR [SYS/TEMP]") and dropped.command("NOOP").startswith("+OK"))
dropped.command("QUIT")
client.logout()

check("it stops", house.stop() == 0, house.tail())
check("it starts again", house.start(), house.tail())
c = Pop()
c.sign_in()
check("unique-ids are the same after a restart", [line.split()[1] for line in c.lines("UIDL")] == left[1:])
check("each is 1 to 70 characters without spaces (RFC 1939 §7)", all(re.fullmatch(r"[!-~]{1,70}", i) for i in left))
c.command("QUIT")

nested = ("Subject: Grüße\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/global\r\n\r\n"
          "From: Jörg <jörg@example.test>\r\nSubject: Ä\r\n\r\nÖ\r\n--b\r\nContent-Type: text/plain; charset=utf-8; name=\"ü.txt\"\r\n\r\n")
# The second is still sent by its parts in ASCII, in more than one piece; the third is over the limit for that.
sizes = (10, 900_000, 1_100_000)
client = house.imap("cyd")
for size in sizes:
    client.append("INBOX", None, None, (nested + "ß" + ("\r\n" + "x" * 70) * (size // 72) + "\r\n--b--\r\n").encode())
client.logout()
c = Pop()
c.sign_in("cyd")
small, large, huge = (c.lines(f"RETR {n}") for n in (1, 2, 3))
for name, lines in (("small", small), ("large", large)):
    check(f"RFC 6856 §4: without UTF8 a {name} message has ASCII headers in its parts too, its bodies stay", lines[0].isascii() and
          lines[4:8] == ["Content-Type: message/rfc822", "", "From: =?utf-8?Q?J=C3=B6rg?= <invalid@internationalized-address.invalid>", "Subject: =?utf-8?Q?=C3=84?="] and
          lines[9] == "Ö" and 'name="__.txt"' in lines[11] and lines[13] == "ß" and lines[-1] == "--b--", lines[:14])
check("of one over the limit only its own header", huge[0].isascii() and huge[4] == "Content-Type: message/global" and huge[7] == "Subject: Ä", huge[:14])
told = int(c.command("RETR 1").split()[1])
check("the octets it announces are those of the surrogate", told == sum(len(line.encode()) + 2 for line in small), told)
while c.line() != ".":
    pass
check("TOP shows the same", c.lines("TOP 1 5") == small[:8], c.lines("TOP 1 5"))
c.command("QUIT")
c = Pop()
c.command("UTF8")
c.sign_in("cyd")
check("with UTF8 all of it comes as it was stored", "\r\n".join(c.lines("RETR 1")).startswith(nested))
c.command("QUIT")

house.mailctl("mailbox", "set", "cyd@example.test", "--protocols", "imap")
c = Pop()
check("a mailbox without POP3 is refused with [AUTH]", c.sign_in("cyd").startswith("-ERR [AUTH]"))
house.mailctl("mailbox", "set", "cyd@example.test", "--protocols", "imap,pop3")
check("and taken once it has it", c.sign_in("cyd").startswith("+OK"))
c.close()

rss = lambda: int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{house.process.pid}/status").read())[1]) / 1024
before = rss()
c = Pop()
try:
    for _ in range(512):
        c.send(b"x" * 65536)
except OSError:
    pass
try:
    said = c.line()
except OSError:
    said = ""
check(f"P01: a line of 32 MB before sign-in ends it, memory grows {rss() - before:.0f} MiB", rss() - before < 32 and said[:4] in ("-ERR", ""), said)
c.close()
c = Pop()
c.sign_in("bob")
numbers = ("0", "-1", "4294967297", "18446744073709551616", "abc", "1 1 1", "+1", "0x1", "1\0")
answers = [c.command(f"{verb} {n}") for verb in ("RETR", "DELE", "LIST", "UIDL") for n in numbers[:4]]
check("P02: numbers that are none: -ERR", all(a.startswith("-ERR") for a in answers), answers)
c.close()
c = Pop()
c.sign_in("bob")
answers = [c.command(f"TOP {n} 1") for n in numbers]
check("P02: and for TOP", all(a.startswith("-ERR") for a in answers), answers)
c.close()
c = Pop()
c.send("STLS\r\nUSER ann@example.test\r\nPASS secret\r\nSTAT\r\n")
said = c.f.read().decode(errors="replace")
check("P04: commands sent with STLS are dropped", "+OK now" not in said and "messages" not in said, said)
c.close()
c = Pop()
hostile = ["USER " + "%s%n" * 50, "USER ../../etc/passwd", "USER ann@example.test' OR 1=1", "USER \x00ann", "APOP ann " + "f" * 32, "AUTH PLAIN ====",
           "AUTH PLAIN " + "A" * 400, "AUTH \x01\x02", "AUTH SCRAM-SHA-256 biwsbj0scj0="]
answers = [c.command(h) for h in hostile]
c.command("*") if answers[-1].startswith("+") else None
check("P08: hostile USER, APOP and AUTH lines: an answer each, none lets in",
      all(a[:4] in ("-ERR", "+OK ", "+ ") or a.startswith("+") for a in answers) and c.command("STAT").startswith("-ERR"), answers)
c.close()
idle = [socket.create_connection(("127.0.0.1", p["pop3"])) for _ in range(200)]
began = time.time()
c = Pop()
check(f"P10: 200 idle connections: the next is greeted in {time.time() - began:.2f} s", c.greeting.startswith("+OK") and time.time() - began < 2)
[s.close() for s in idle]
c.close()

c = Pop(timeout=60)
began, tries = time.time(), 0
while tries < 10 and (answer := c.sign_in("bob", "wrong")).startswith("-ERR"):
    tries += 1
check(f"P09: wrong passwords: closed after {tries}, in {time.time() - began:.0f} s", tries < 10 and time.time() - began > 2)
check("and the account is not locked", Pop().sign_in("bob").startswith("+OK"))
check("it stops cleanly", house.stop() == 0, house.tail())
check("the store is sound", house.check().returncode == 0)
check.finish()
