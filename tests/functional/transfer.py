#!/usr/bin/env python3
"""transfer.py: mailboxes into and out of a real maild: files in every format, other IMAP servers (a Dovecot, another maild, and
hostile ones), repeated and interrupted, sessions and checks of a mailbox."""
import imaplib, json, os, socket, subprocess, threading, time
from dovecot import Dovecot
from house import Checks, House, MAILCTL, free_ports, until

check = Checks()
house = House(mailboxes=("ann", "bob", "cyd", "dot"))
check("it starts", house.start(), house.tail())
password = house.dir / "password"
password.write_text("secret\n")


def contents(user, server=None):
    """{folder: sorted [(flags, internaldate, bytes)]} of a mailbox, as IMAP shows it."""
    client = (server or house).imap(user)
    out = {}
    for line in client.list()[1]:
        name = line.decode().split(' "/" ')[1].strip('"')
        status, exists = client.select(f'"{name}"', readonly=True)
        assert status == "OK", name
        if exists == [b"0"]:
            continue
        found = []
        for part in client.fetch("1:*", "(FLAGS INTERNALDATE BODY.PEEK[])")[1] or []:
            if isinstance(part, tuple):
                head = part[0].decode()
                flags = head[head.index("FLAGS (") + 7:].split(")")[0].split()
                date = head[head.index('INTERNALDATE "') + 14:].split('"')[0]
                found.append((tuple(sorted(f for f in flags if f != "\\Recent")), imaplib.Internaldate2tuple(f'INTERNALDATE "{date}"'.encode()), part[1]))
        if found:
            out[name] = sorted(found)
    client.logout()
    return out


def told(done):
    return json.loads(done.stdout) if done.stdout.startswith("{") else {"error": done.stderr}


def import_(user, *arguments, check_=False):
    return house.mailctl("mailbox", "import", f"{user}@example.test", *map(str, arguments), "-o", "json", check=check_)


client = house.imap("ann")
for folder in ("Work", "Work/2024.01", "Entw&APw-rfe &- mehr", "cur"):
    client.create(f'"{folder}"')
bodies = [b"Subject: plain\r\n\r\nFrom here\r\n.\r\n>From there\r\n", b"Subject: bare\n\nlines\n", b"Subject: no end\r\n\r\nx", b"\r\n\r\n", b"Status: RO\r\n\r\nmine\r\n",
          "Subject: größer\r\n\r\n".encode() + b"\xff\xfe\r\n", b"Subject: large\r\n\r\n" + b"0123456789abcdef\r\n" * 20000]
flags = ["", r"(\Seen)", r"(\Seen \Answered $Label1)", r"(\Flagged \Draft)", r"(\Deleted $Forwarded NonJunk)"]
number = 0
for folder in ("INBOX", "Work", "Work/2024.01", "Entw&APw-rfe &- mehr", "cur"):
    for body in bodies + [bodies[0]]:
        number += 1
        client.append(f'"{folder}"', flags[number % 5], imaplib.Time2Internaldate(1500000000 + number * 86400 // (1 if body is not bodies[0] else 100000)), body)
client.logout()
original = contents("ann")
check("there is something to export", sum(map(len, original.values())) == number, {k: len(v) for k, v in original.items()})

for user, format in (("bob", "maildir"), ("cyd", "mbox"), ("dot", "eml")):
    out = house.dir / format
    done = house.mailctl("mailbox", "export", "ann@example.test", str(out), "--format", format)
    check(f"export as {format}", f"exported {number} messages" in done.stdout, done.stdout)
    check(f"{format}: a directory that is not empty is refused",
          house.mailctl("mailbox", "export", "ann@example.test", str(out), "--format", format, check=False).returncode == 4)
    dry = told(import_(user, out, "--dry-run"))
    check(f"{format}: a dry run tells and adds nothing", dry["added"] == number and not contents(user), dry)
    first = told(import_(user, out))
    check(f"{format}: all of it is imported", first["added"] == number and first["present"] == 0, first)
    check(f"{format}: bytes, flags, dates and folders are what they were", contents(user) == original,
          {k: (len(v), len(original.get(k, []))) for k, v in contents(user).items()})
    again = told(import_(user, out))
    check(f"{format}: once more adds nothing", again["added"] == 0 and again["present"] == number, again)

# An import that is killed on its way is simply repeated.
big = house.dir / "big"
(big / "cur").mkdir(parents=True)
for i in range(2500):
    (big / "cur" / f"{i}.x:2,S").write_bytes(b"Subject: %d\n\n" % i + b"text\n" * 50)
slow = subprocess.Popen([MAILCTL, "--socket", house.socket, "mailbox", "import", "ann@example.test", big, "--folder", "Killed"], stderr=subprocess.DEVNULL)
count = lambda: int(house.mailctl_json("mailbox", "stats", "ann@example.test")["messages"])
until(lambda: count() > number + 200, 30)
slow.kill()
slow.wait()
time.sleep(0.3)
partial = count() - number
began = time.time()
rest = told(import_("ann", big, "--folder", "Killed"))
check(f"killed after {partial} of 2500, repeated: the rest, nothing twice", 0 < partial <= 2500 and rest["added"] + rest["present"] == 2500 and count() == number + 2500, rest)
check("a path that is none", import_("ann", house.dir / "absent").returncode == 3)
check("a mailbox that is none", house.mailctl("mailbox", "import", "nobody@example.test", str(big), check=False).returncode == 3)
check("neither path nor server", import_("ann").returncode == 2)
odd = house.dir / "odd"
(odd / "cur").mkdir(parents=True)
(odd / "cur" / "1").write_bytes(b"\x00\x01\x02 no header\n" * 3)
os.mkfifo(odd / "cur" / "2")
os.symlink("/etc/passwd", odd / "cur" / "3")
os.symlink("/etc", odd / ".Etc")
(odd / ".a..b").mkdir()
(odd / ".a..b" / "cur").mkdir()
done = import_("ann", odd, "--folder", "Odd")
check("a hostile tree: what is sound is taken, the rest is told", done.returncode == 9 and told(done)["added"] == 1 and told(done)["left_out"] == 4, told(done))
quota = house.mailctl("mailbox", "set", "dot@example.test", "--quota", "2MiB")
done = import_("dot", big, "--folder", "Full")
check("a full mailbox ends it with one clear error", done.returncode == 1 and "quota" in done.stderr.lower(), done.stderr)

done = house.mailctl("mailbox", "verify", "ann@example.test")
check("verify reads everything", f"{number + 2501} messages checked, all sound" in done.stdout, done.stdout)
client = house.imap("bob")
sessions = lambda: house.mailctl_json("mailbox", "sessions", "bob@example.test")["items"]
check("sessions shows who is signed in", until(lambda: [s["protocol"] for s in sessions()] == ["imap"], 5), sessions())
check("a dry kick ends nothing", "would end 1 session" in house.mailctl("mailbox", "kick", "bob@example.test", "--dry-run").stdout and client.noop()[0] == "OK")
check("kick ends it", "ended 1 session" in house.mailctl("mailbox", "kick", "bob@example.test").stdout and until(lambda: not sessions(), 5))
check("a session that is none", house.mailctl("mailbox", "kick", "bob@example.test", "--session", "x", check=False).returncode == 3)

# From another maild, over implicit TLS.
second = House(mailboxes=("ann", "eve"))
check("a second maild starts", second.start(), second.tail())
pull = lambda user, port, *more, h=second: h.mailctl("mailbox", "import", f"{user}@example.test", "--imap", f"localhost:{port}", "--password-file", str(password), *more, "-o", "json", check=False)
from_bob = ("--user", "bob@example.test", "--ca-file", str(house.data / "tls/default.crt"))
certificate_names_host = subprocess.run(["openssl", "x509", "-in", house.data / "tls/default.crt", "-noout", "-checkhost", "localhost"], capture_output=True, text=True)
secure = from_bob if "does match" in certificate_names_host.stdout else from_bob + ("--insecure",)
first = told(pull("ann", house.ports["imaps"], *secure))
check("pulled from another maild", first.get("added") == number, first)
check("and it is all the same", contents("ann", second) == original)
again = told(pull("ann", house.ports["imaps"], *secure))
check("once more: nothing", (again.get("added"), again.get("flags_changed")) == (0, 0), again)
there = house.imap("bob")
there.append("Work", r"(\Flagged)", imaplib.Time2Internaldate(1600000000), b"Subject: new\r\n\r\nnew\r\n")
there.select("INBOX")
there.store("1:2", "FLAGS", r"(\Seen pulled)")
there.logout()
third = told(pull("ann", house.ports["imaps"], *secure))
check("then one new message and two changed flags", (third.get("added"), third.get("flags_changed")) == (1, 2), third)
check("which are here", contents("ann", second) == contents("bob"))
wrong = house.dir / "wrong"
wrong.write_text("wrong")
bad = second.mailctl("mailbox", "import", "ann@example.test", "--imap", f"localhost:{house.ports['imaps']}", *secure, "--password-file", str(wrong), check=False)
check("a wrong password: exit code 5", bad.returncode == 5, bad.stderr)
bad = pull("ann", house.ports["imaps"], "--user", "bob@example.test")
check("a certificate that nobody vouches for is refused", bad.returncode != 0 and "certificate" in bad.stderr, bad.stderr)
bad = pull("ann", free_ports(1)[0], *secure)
check("nobody listens: exit code 6", bad.returncode == 6, bad.stderr)

# From Dovecot, with STARTTLS; special use by its attribute, names in modified UTF-7.
if Dovecot.is_there():
    dovecot = Dovecot(house.dir / "dovecot")
    check("Dovecot starts", dovecot.start(), dovecot.log())
    client = dovecot.client()
    client.create("Entw&APw-rfe")
    client.create("Work/2024")
    for i, folder in enumerate(["INBOX", "Gesendet", "Entw&APw-rfe", "Work/2024"] * 25):
        client.append(f'"{folder}"', flags[i % 5], imaplib.Time2Internaldate(1400000000 + i * 3600), b"Subject: %d\r\n\r\nfrom Dovecot\r\n" % i)
    arguments = ("--user", "ann", "--tls", "starttls", "--ca-file", str(dovecot.dir / "certificate.pem"))
    first = told(pull("eve", dovecot.port, *arguments))
    check("pulled from Dovecot", first.get("added") == 100, first)
    here = contents("eve", second)
    check("its folders are here, Gesendet as Sent", {k: len(v) for k, v in here.items()} == {"INBOX": 25, "Sent": 25, "Entw&APw-rfe": 25, "Work/2024": 25},
          {k: len(v) for k, v in here.items()})
    client.select("INBOX", readonly=True)
    theirs = client.fetch("1:*", "(INTERNALDATE)")[1]
    check("dates are theirs", sorted(d for _, d, _ in here["INBOX"]) == sorted(imaplib.Internaldate2tuple(x) for x in theirs))
    client.select("Work/2024")
    client.store("3", "+FLAGS", r"(\Flagged)")
    client.append("INBOX", "", None, b"Subject: later\r\n\r\nx\r\n")
    again = told(pull("eve", dovecot.port, *arguments))
    check("once more: one message, one flag", (again.get("added"), again.get("flags_changed")) == (1, 1), again)
    only = told(pull("ann", dovecot.port, *arguments, "--folders", "Work/2024"))
    check("one folder alone", only.get("added") == 25 and only.get("folders") == ["Work/2024"], only)
    check("a folder that is not there", pull("ann", dovecot.port, *arguments, "--folders", "Nowhere").returncode == 3)
    client.logout()
    dovecot.stop()
else:
    print("skip - dovecot-imapd is not installed: pulling from it is not tested")


def hostile(script):
    """A server that says this to everything, for one connection; its port."""
    listener = socket.create_server(("127.0.0.1", free_ports(1)[0]))

    def serve():
        s, _ = listener.accept()
        with s:
            try:
                script(s, s.makefile("rb"))
            except OSError:
                pass
    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


def answering(fetch):
    """A server that is well behaved up to the FETCH."""
    def script(s, f):
        s.sendall(b"* OK hello\r\n")
        for line in f:
            tag, word = line.split()[:2]
            if word.upper() == b"CAPABILITY":
                s.sendall(b"* CAPABILITY IMAP4rev1\r\n")
            elif word.upper() == b"LIST":
                s.sendall(b'* LIST () "/" INBOX\r\n')
            elif word.upper() == b"EXAMINE":
                s.sendall(b"* 1 EXISTS\r\n* OK [UIDVALIDITY 1] x\r\n")
            elif word.upper() == b"UID" and fetch(s, line):
                continue
            s.sendall(tag + b" OK done\r\n")
    return script


def endless(s, f):
    s.sendall(b"* OK hello\r\n")
    while True:
        s.sendall(b"* OK still here\r\n" * 1000)


def drip(s, f):
    for c in b"* OK " + b"x" * 1000:
        s.sendall(bytes([c]))
        time.sleep(0.05)


cases = {"it says nothing": lambda s, f: time.sleep(5), "it speaks SMTP": lambda s, f: s.sendall(b"220 mx ESMTP\r\n") or time.sleep(5),
         "a line without end": lambda s, f: s.sendall(b"* OK " + b"x" * (4 << 20)), "it drips": drip, "it says BYE": lambda s, f: s.sendall(b"* BYE no\r\n"),
         "a literal of 4 GB": answering(lambda s, l: s.sendall(b"* 1 FETCH (UID 1 BODY[] {4294967295}\r\n") or True),
         "nested deep": answering(lambda s, l: s.sendall(b"* 1 FETCH " + b"(" * 100000 + b"\r\n") or True),
         "it closes in a literal": answering(lambda s, l: s.sendall(b"* 1 FETCH (UID 1 BODY[] {100}\r\nabc") or s.shutdown(socket.SHUT_RDWR) or True),
         "it answers without end": lambda s, f: endless(s, f)}
for what, script in cases.items():
    port = hostile(script)
    began = time.time()
    try:
        done = second.mailctl("mailbox", "import", "ann@example.test", "--imap", f"localhost:{port}", "--tls", "none", "--user", "x", "--password-file", str(password),
                              "--timeout", "2s", check=False)
        check(f"a hostile server: {what}: one error after {time.time() - began:.1f} s", done.returncode not in (0, -11, -6) and done.stderr.count("error:") == 1, done.stderr)
    except subprocess.TimeoutExpired:
        check(f"a hostile server: {what}", False, "mailctl did not end")
# Messages it may tell of, but does not give.
done = pull("ann", hostile(answering(lambda s, l: s.sendall(b"* 1 FETCH (UID 7 FLAGS () RFC822.SIZE 3 INTERNALDATE \" 1-Jan-2024 00:00:00 +0000\")\r\n"))), "--tls", "none", "--user", "x")
check("a server that does not give its messages: nothing is added", told(done).get("added") == 0, done.stderr)


class OldServer:
    """A server of the year 2000: IMAP4rev1 and NAMESPACE alone, everything below INBOX with dots between."""
    def __init__(self):
        self.validity, self.messages = 7, {uid: ["\\Seen", b"Subject: old %d\r\n\r\nx\r\n" % uid] for uid in (3, 4, 9)}
        self.listener = socket.create_server(("127.0.0.1", free_ports(1)[0]))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            s, _ = self.listener.accept()
            with s, s.makefile("rb") as f:
                s.sendall(b"* OK hello\r\n")
                folder = ""
                for line in f:
                    tag, word, *rest = line.decode().split()
                    if word == "EXAMINE":
                        folder = rest[0].strip('"')
                    s.sendall(self.answer(word, rest, self.messages if folder == "INBOX.Old.Mail" else {}) + tag.encode() + b" OK done\r\n")
                    if word == "LOGOUT":
                        break

    def answer(self, word, rest, messages):
        if word == "CAPABILITY":
            return b"* CAPABILITY IMAP4rev1 NAMESPACE\r\n"
        if word == "NAMESPACE":
            return b'* NAMESPACE (("INBOX." ".")) NIL NIL\r\n'
        if word == "LIST":
            return b'* LIST () "." INBOX\r\n* LIST (\\Noselect) "." INBOX.Old\r\n* LIST () "." INBOX.Old.Mail\r\n'
        if word == "EXAMINE":
            return b"* %d EXISTS\r\n* OK [UIDVALIDITY %d] x\r\n" % (len(messages), self.validity)
        if word != "UID":
            return b""
        out = b""
        for number, (uid, (flags, body)) in enumerate(sorted(messages.items()), 1):
            if any(uid in range(int(first), (10 ** 6 if last == "*" else int(last or first)) + 1) or (last == "*" and uid == max(messages))
                   for first, _, last in (piece.partition(":") for piece in rest[1].split(","))):
                what = b"BODY[] {%d}\r\n%s" % (len(body), body) if "BODY" in " ".join(rest) else \
                       b'FLAGS (%s) RFC822.SIZE %d INTERNALDATE " 1-Jan-2024 00:00:%02d +0000"' % (flags.encode(), len(body), uid)
                out += b"* %d FETCH (UID %d %s)\r\n" % (number, uid, what)
        return out


old = OldServer()
again = lambda: told(pull("eve", old.port, "--tls", "none", "--user", "x"))
first = again()
check("a server without CONDSTORE: its folder is named as here", (first.get("added"), first.get("folders")) == (3, ["Old/Mail"]), first)
check("once more: nothing", (lambda r: (r.get("added"), r.get("flags_changed")))(again()) == (0, 0))
mine = second.imap("eve")
mine.select("Old/Mail")
mine.store("1", "FLAGS", r"(\Answered mine)")
check("flags changed here stay as long as nothing changes there", again().get("flags_changed") == 0 and "mine" in str(mine.fetch("1", "(FLAGS)")[1]))
old.messages[4][0] = "\\Flagged"
old.messages[12] = ["", b"Subject: old 12\r\n\r\nx\r\n"]
third = again()
mine.noop()
check("a flag and a message", third.get("added") == 1 and mine.search(None, "FLAGGED")[1] == [b"2"] and mine.search(None, "ALL")[1] == [b"1 2 3 4"], third)
old.validity = 8
fourth = again()
check("another UIDVALIDITY: all is looked at again, nothing is added twice", (fourth.get("added"), fourth.get("present")) == (0, 4), fourth)
mine.select("INBOX")
mine.delete("Old/Mail")
fifth = again()
check("a folder removed here comes again", fifth.get("added") == 4, fifth)
mine.logout()
check("the second stops cleanly", second.stop() == 0, second.tail())
check("it stops cleanly", house.stop() == 0, house.tail())
check("the store is sound", house.check().returncode == 0)
check.finish()
