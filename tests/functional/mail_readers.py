#!/usr/bin/env python3
"""mail_readers.py: maild as its clients see it: mbsync, offlineimap, neomutt, curl, imapflow and the habits of Thunderbird. A client that
is not installed is told and left out."""
import base64, fcntl, hashlib, imaplib, json, os, pty, re, select, shutil, socket, ssl, struct, subprocess, termios, time, zlib
from house import Checks, House, until

check = Checks()
house = House(mailboxes=("ann", "bob", "cyd", "dot", "eve", "fay"))
check("it starts", house.start(), house.tail())
p = house.ports
CA = house.data / "tls/default.crt"


def fill(user, count=12):
    """Three folders with messages; an IMAP client of that user."""
    client = house.imap(user)
    assert client.create("Work/2024")[0] == "OK"
    assert client.create("Gr&APwA3w-e")[0] == "OK"
    for i in range(count):
        folder = ("INBOX", "Work/2024", "Gr&APwA3w-e")[i % 3]
        client.append(f'"{folder}"', (r"(\Seen)", "", r"(\Flagged)")[i % 3], imaplib.Time2Internaldate(1600000000 + i * 3600),
                      (f"From: Ann <ann@remote.test>\r\nTo: {user}@example.test\r\nSubject: number {i}\r\nDate: Mon, 5 Feb 2024 10:00:0{i % 10} +0000\r\n"
                       f"Message-ID: <{i}.{user}@remote.test>\r\n\r\nFrom here on\r\n.\r\nline {i}\r\n").encode())
    return client


def run(command, seconds=60, **more):
    try:
        return subprocess.run(list(map(str, command)), capture_output=True, text=True, errors="replace", timeout=seconds, **more)
    except subprocess.TimeoutExpired as late:
        return subprocess.CompletedProcess(command, 124, late.stdout or "", f"did not end: {late.stderr}")


def without(program):
    if shutil.which(program):
        return False
    print(f"skip - {program} is not installed")
    return True


def messages_in(folder):
    return sum(len(list((folder / part).iterdir())) for part in ("cur", "new") if (folder / part).is_dir())


def mbsync():
    if without("mbsync"):
        return
    client = fill("ann")
    there = house.dir / "mbsync"
    there.mkdir()
    config = house.dir / "mbsyncrc"
    config.write_text(f"""IMAPStore far
Host localhost
Port {p['imaps']}
User ann@example.test
Pass secret
SSLType IMAPS
CertificateFile {CA}

MaildirStore near
Path {there}/
Inbox {there}/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
SyncState *
""")
    sync = lambda: run(["mbsync", "-c", config, "-a"])
    done = sync()
    check("mbsync: first sync", done.returncode == 0, done.stderr)
    check("mbsync: messages and folders are there", [messages_in(there / f) for f in ("INBOX", "Work/2024", "Gr&APwA3w-e")] == [4, 4, 4])
    # Not the one that is expunged on the other side below.
    mine = next(m for part in ("cur", "new") for m in (there / "INBOX" / part).iterdir() if ",U=3" not in m.name)
    mine.rename(there / "INBOX/cur" / (mine.name.split(":")[0] + ":2,FRS"))
    (there / "Work/2024/new/1.local.host").write_bytes(b"Subject: made locally\n\nhello\n")
    client.select("INBOX")
    client.store("3", "+FLAGS", r"(\Deleted)")
    client.expunge()
    done = sync()
    check("mbsync: second sync, changes on both sides", done.returncode == 0, done.stderr)
    client.noop()
    check("mbsync: flags went up", len(client.search(None, "ANSWERED", "FLAGGED")[1][0].split()) == 1)
    check("mbsync: an expunge came down", messages_in(there / "INBOX") == 3)
    client.select("Work/2024")
    check("mbsync: a new message went up", len(client.search(None, "SUBJECT", '"made locally"')[1][0].split()) == 1)
    done = sync()
    check("mbsync: third sync changes nothing", done.returncode == 0 and messages_in(there / "Work/2024") == 5, done.stderr)
    client.logout()


def offlineimap():
    if without("offlineimap"):
        return
    client = fill("bob")
    there = house.dir / "offlineimap"
    config = house.dir / "offlineimaprc"
    config.write_text(f"""[general]
accounts = a
metadata = {house.dir}/offlineimap.meta
[Account a]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = {there}
[Repository far]
type = IMAP
remotehost = localhost
remoteport = {p['imaps']}
remoteuser = bob@example.test
remotepass = secret
ssl = yes
sslcacertfile = {CA}
maxconnections = 3
""")
    sync = lambda: run(["offlineimap", "-c", config, "-o", "-1", "-u", "basic"], 90, env=os.environ | {"HOME": str(house.dir)})
    done = sync()
    if done.returncode != 0 and "certificate" in done.stdout + done.stderr:
        config.write_text(config.read_text().replace(f"sslcacertfile = {CA}", f"cert_fingerprint = {fingerprint()}"))
        done = sync()
    check("offlineimap: first sync", done.returncode == 0, (done.stdout + done.stderr)[-800:])
    count = lambda: sum(messages_in(f) for f in there.iterdir() if f.is_dir())
    check("offlineimap: messages are there", count() == 12, count())
    client.select("INBOX")
    client.append("INBOX", "", None, b"Subject: one more\r\n\r\nx\r\n")
    client.store("1", "+FLAGS", r"(\Deleted)")
    client.expunge()
    done = sync()
    check("offlineimap: a second sync follows", done.returncode == 0 and count() == 12 and any(b"one more" in f.read_bytes() for f in (there / "INBOX").rglob("*") if f.is_file()),
          (done.stdout + done.stderr)[-800:])
    client.logout()


def fingerprint():
    der = ssl.PEM_cert_to_DER_cert(CA.read_text())
    return hashlib.sha1(der).hexdigest()


def neomutt():
    if without("neomutt"):
        return
    client = fill("cyd")
    config = house.dir / "neomuttrc"
    config.write_text(f"""set folder="{house.dir}"
set ssl_ca_certificates_file="{CA}"
set certificate_file="{CA}"
set ssl_verify_host=no
set imap_user="cyd@example.test"
set imap_pass="secret"
set quit=yes
set resolve=no
set mark_old=no
set header_cache=""
set imap_qresync=yes
set imap_condstore=yes
""")
    push = "<first-entry><flag-message><display-message>"
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm", HOME=str(house.dir))
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        os.execvp("neomutt", ["neomutt", "-n", "-F", str(config), "-f", f"imaps://localhost:{p['imaps']}/INBOX", "-e", f"push '{push}'"])
    screen, end = b"", time.time() + 30
    while time.time() < end:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                got = os.read(terminal, 65536)
            except OSError:
                break
            if not got:
                break
            screen += got
        if b"line 0" in screen:
            os.write(terminal, b"q$q") # back to the index, changes to the server, end
    try:
        os.kill(pid, 15)
    except ProcessLookupError:
        pass
    os.waitpid(pid, 0)
    os.close(terminal)
    check("neomutt: lists INBOX", all(f"number {i}".encode() in screen for i in (0, 3, 6, 9)), screen[-300:])
    check("neomutt: shows a message", b"From here on" in screen and b"line 0" in screen, screen[-300:])
    client.select("INBOX")
    check("neomutt: keeps a flag on the server", until(lambda: client.noop() and len(client.search(None, "FLAGGED")[1][0].split()) == 1, 5))
    client.logout()


def curl():
    fill("dot").logout()
    base = ["curl", "-sS", "--max-time", "20", "-k", "-u", "dot@example.test:secret"]
    url = f"imaps://localhost:{p['imaps']}"
    check("curl: LIST", "Work/2024" in run(base + [url + "/"]).stdout)
    check("curl: FETCH by UID", "number 3" in run(base + [url + "/INBOX;UID=2"]).stdout)
    check("curl: a section", "number 3" in run(base + [url + "/INBOX;UID=2;SECTION=HEADER.FIELDS%20(SUBJECT)"]).stdout)
    check("curl: SEARCH", run(base + [url + "/INBOX?SUBJECT%20number"]).stdout.split()[-4:] == ["1", "2", "3", "4"])
    new = house.dir / "new.eml"
    new.write_bytes(b"Subject: by curl\r\n\r\nhello\r\n")
    check("curl: APPEND", run(base + ["-T", new, url + "/INBOX"]).returncode == 0 and "by curl" in run(base + [url + "/INBOX;UID=5"]).stdout)
    check("curl: STARTTLS", "number 0" in run(base + ["--ssl-reqd", f"imap://localhost:{p['imap']}/INBOX;UID=1"]).stdout)
    check("curl: a wrong password", run(base[:-1] + ["dot@example.test:nope", url + "/"]).returncode == 67)


IMAPFLOW = """
const { ImapFlow } = require('imapflow');
(async () => {
  const c = new ImapFlow({ host: 'localhost', port: +process.argv[2], secure: true, auth: { user: 'eve@example.test', pass: 'secret' },
    tls: { rejectUnauthorized: false }, logger: false });
  const out = {};
  await c.connect();
  out.folders = (await c.list()).map(f => [f.path, f.specialUse || '']);
  out.status = await c.status('INBOX', { messages: true, unseen: true, uidNext: true });
  const lock = await c.getMailboxLock('INBOX');
  out.exists = c.mailbox.exists;
  out.subjects = [];
  for await (const m of c.fetch('1:*', { envelope: true, bodyStructure: true, flags: true, internalDate: true, source: true }))
    out.subjects.push([m.envelope.subject, m.bodyStructure.type, m.source.length > 100, m.internalDate instanceof Date]);
  await c.messageFlagsAdd('1', ['\\\\Flagged', '$Label1']);
  out.flagged = await c.search({ flagged: true });
  out.appended = (await c.append('INBOX', 'Subject: by imapflow\\r\\n\\r\\nx\\r\\n', ['\\\\Seen'], new Date('2024-01-01T00:00:00Z'))).uid;
  out.moved = (await c.messageMove('1', 'Archive')).uidMap.size;
  out.download = (await (async () => { const { content } = await c.download('1', undefined); let n = 0; for await (const x of content) n += x.length; return n; })()) > 100;
  lock.release();
  await c.mailboxCreate('Größe/x');
  await c.mailboxRename('Größe/x', 'Größe/y');
  out.renamed = (await c.list()).some(f => f.path === 'Größe/y');
  await c.mailboxDelete('Größe/y');
  await c.logout();
  console.log(JSON.stringify(out));
})().catch(e => { console.error(e); process.exit(1); });
"""


def imapflow():
    if without("npm") or without("node"):
        return
    there = house.dir / "npm"
    there.mkdir()
    done = run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", there, "imapflow"], 120, cwd=there)
    if done.returncode != 0:
        print("skip - npm cannot install imapflow:", done.stderr[-200:])
        return
    fill("eve").logout()
    (there / "x.cjs").write_text(IMAPFLOW)
    done = run(["node", there / "x.cjs", p["imaps"]], 60, cwd=there)
    out = json.loads(done.stdout) if done.returncode == 0 else {}
    check("imapflow: connects, lists, selects", out.get("exists") == 4 and ["Sent", "\\Sent"] in out.get("folders", []), done.stderr[-800:] or out)
    check("imapflow: envelopes, structures, sources", [s[0] for s in out.get("subjects", [])] == [f"number {i}" for i in (0, 3, 6, 9)] and all(s[1] == "text/plain" and s[2] and s[3] for s in out["subjects"]), out)
    check("imapflow: flags, search, append, move, download, rename", out.get("flagged") == [1] and out.get("appended") == 5 and out.get("moved") == 1 and out.get("download") and out.get("renamed"), out)


class Raw:
    """A TLS connection that may be compressed on the way (RFC 4978)."""
    def __init__(self):
        self.s = ssl._create_unverified_context().wrap_socket(socket.create_connection(("localhost", p["imaps"]), 20), server_hostname="localhost")
        self.inflate = self.deflate = None
        self.held, self.tag = b"", 0
        self.line()

    def receive(self):
        got = self.s.recv(65536)
        assert got, "closed"
        self.held += self.inflate.decompress(got) if self.inflate else got

    def line(self):
        """One response with its literals."""
        out = b""
        while True:
            while b"\r\n" not in self.held:
                self.receive()
            line, self.held = self.held.split(b"\r\n", 1)
            out += line + b"\r\n"
            literal = re.search(rb"\{(\d+)\}$", line)
            if not literal:
                return out
            while len(self.held) < int(literal[1]):
                self.receive()
            out, self.held = out + self.held[:int(literal[1])], self.held[int(literal[1]):]

    def send(self, data):
        data = data if isinstance(data, bytes) else data.encode()
        self.s.sendall(self.deflate.compress(data) + self.deflate.flush(zlib.Z_SYNC_FLUSH) if self.deflate else data)

    def tells(self, what):
        """Whether one of the next lines has it."""
        return any(what in self.line() for _ in range(5))

    def command(self, text):
        self.tag += 1
        tag = f"{self.tag} ".encode()
        self.send(tag + text.encode() + b"\r\n")
        out = []
        while True:
            line = self.line()
            out.append(line)
            if line.startswith(tag):
                assert line.startswith(tag + b"OK"), (text, line)
                return out

    def compress(self):
        self.command("COMPRESS DEFLATE")
        self.inflate, self.deflate = zlib.decompressobj(-15), zlib.compressobj(6, zlib.DEFLATED, -15)


def thunderbird():
    """Five connections that begin alike; one waits in IDLE while the others work."""
    fill("fay").logout()
    initial = base64.b64encode(b"\0fay@example.test\0secret").decode()
    connections = []
    for _ in range(5):
        c = Raw()
        before = b"".join(c.command("CAPABILITY"))
        assert b"AUTH=PLAIN" in before and b"SASL-IR" in before, before
        c.command(f"AUTHENTICATE PLAIN {initial}")
        words = b"".join(c.command("CAPABILITY"))
        c.command('ID ("name" "Thunderbird" "version" "115.7.0")')
        if b"COMPRESS=DEFLATE" in words:
            c.compress()
        c.command("NAMESPACE")
        connections.append(c)
    check("Thunderbird: five connections sign in, say who they are" + (", compress" if connections[0].inflate else ""), len(connections) == 5)
    first, second, third = connections[:3]
    listed = b"".join(first.command('LIST (SUBSCRIBED) "" "*" RETURN (SPECIAL-USE)') + first.command('LSUB "" "*"') + first.command('LIST "" "*"'))
    check("Thunderbird: LIST with subscriptions and special use", b"\\Sent" in listed and b"Work/2024" in listed, listed)
    selected = b"".join(first.command('SELECT "INBOX" (CONDSTORE)'))
    check("Thunderbird: SELECT with CONDSTORE", b"HIGHESTMODSEQ" in selected and b"UIDVALIDITY" in selected, selected)
    headers = ("From To Cc Bcc Subject Date Message-ID Priority X-Priority References Newsgroups In-Reply-To Content-Type Reply-To List-Unsubscribe Received")
    fetched = b"".join(first.command(f"UID fetch 1:* (UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS ({headers})])"))
    check("Thunderbird: its header fetch", fetched.count(b"Subject: number") >= 2 and b"Message-ID" in fetched, fetched[:300])
    first.tag += 1
    first.send(f"{first.tag} IDLE\r\n")
    assert first.line().startswith(b"+")
    second.command('SELECT "INBOX"')
    began = time.time()
    second.command("UID STORE 1 +FLAGS (\\Flagged $label4)")
    check(f"Thunderbird: IDLE tells a flag, after {(time.time() - began) * 1000:.0f} ms", first.tells(b"FETCH"))
    third.tag += 1
    message = b"Subject: sent\r\n\r\nx\r\n"
    third.send(f'{third.tag} APPEND "Sent" (\\Seen) {{{len(message)}}}\r\n'.encode())
    assert third.line().startswith(b"+")
    third.send(message + b"\r\n")
    check("Thunderbird: APPEND to Sent tells its UID", b"APPENDUID" in third.line())
    second.command('UID move 1 "Trash"')
    check("Thunderbird: IDLE tells the move", first.tells(b"EXPUNGE"))
    first.send("DONE\r\n")
    check("Thunderbird: IDLE ends", first.tells(b" OK IDLE"))
    third.command('SELECT "Trash" (CONDSTORE)')
    check("Thunderbird: CHANGEDSINCE", b"$label4" in b"".join(third.command("UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1)")))
    for c in connections:
        c.command("LOGOUT")


for client in (mbsync, offlineimap, neomutt, curl, imapflow, thunderbird):
    client()
check("it stops cleanly", house.stop() == 0, house.tail())
check("the store is sound", house.check().returncode == 0)
check.finish()
