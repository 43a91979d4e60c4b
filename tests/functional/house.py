"""A real maild in a temporary folder, for functional tests. Each test is a program that prints what it proved and ends with
"N passed, N failed". MAILD_BUILD names the build folder (default build/release)."""
import atexit, imaplib, json, os, pathlib, random, signal, socket, subprocess, sys, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("MAILD_BUILD", ROOT / "build/release"))
MAILD, MAILCTL = BUILD / "maild/maild", BUILD / "mailctl/mailctl"
imaplib._MAXLINE = 50_000_000


def verifier(password):
    """The text form of a SCRAM-SHA-256 verifier (RFC 5802 §3) with few rounds."""
    import base64, hashlib, hmac
    salt = b"saltsaltsaltsalt"
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 4096)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    b64 = lambda b: base64.b64encode(b).decode()
    return f"{{SCRAM-SHA-256}}4096:{b64(salt)}:{b64(stored)}:{b64(server)}"


def free_ports(count):
    """Ports on loopback that nothing uses, below the range the kernel hands out by itself."""
    held = []
    while len(held) < count:
        s = socket.socket()
        try:
            s.bind(("127.0.0.1", random.randrange(12000, 32000)))
            held.append(s)
        except OSError:
            s.close()
    ports = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return ports


def until(what, seconds=20):
    """True as soon as what() is."""
    end = time.time() + seconds
    while time.time() < end:
        if what():
            return True
        time.sleep(0.1)
    return False


class Checks:
    """Counts; prints failures as they happen."""
    def __init__(self):
        self.passed = self.failed = 0

    def __call__(self, what, holds, detail=""):
        if holds:
            self.passed += 1
            print("ok   -", what, flush=True)
        else:
            self.failed += 1
            print("FAIL -", what, str(detail)[:500], flush=True)
        return holds

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed")
        sys.exit(self.failed > 0 or self.passed == 0)


class House:
    """maild with the usual listeners, domain example.test and the given mailboxes (password: secret)."""
    def __init__(self, mailboxes=("ann", "bob"), extra="", environment=None, listeners=""):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="maild."))
        self.data = self.dir / "data"
        self.data.mkdir()
        self.ports = dict(zip(("smtp", "submission", "submissions", "imap", "imaps", "pop3", "pop3s", "lmtp", "spare"),
                              free_ports(9)))
        self.environment = environment or {}
        self.process = None
        self.site = self.dir / "site.yaml"
        self.site.write_text(self._site(mailboxes, listeners) + extra)
        atexit.register(self.destroy)

    def _site(self, mailboxes, listeners):
        p = self.ports
        boxes = "".join(f"  {m}@example.test: {{password: {{hash: \"{verifier('secret')}\"}}}}\n" for m in mailboxes)
        return f"""kind: server
name: server
spec: {{hostname: mx.example.test, postmaster: {mailboxes[0]}@example.test}}
---
kind: certificate
items: {{default: {{self_signed: true}}}}
---
kind: listener
items:
  mx: {{protocol: smtp, bind: "127.0.0.1:{p['smtp']}", tls: starttls}}
  submission: {{protocol: submission, bind: "127.0.0.1:{p['submission']}", tls: starttls}}
  imap: {{protocol: imap, bind: "127.0.0.1:{p['imap']}", tls: starttls, plaintext_auth: allow}}
  imaps: {{protocol: imap, bind: "127.0.0.1:{p['imaps']}", tls: implicit}}
  pop3: {{protocol: pop3, bind: "127.0.0.1:{p['pop3']}", tls: starttls, plaintext_auth: allow}}
  lmtp: {{protocol: lmtp, bind: "127.0.0.1:{p['lmtp']}", tls: none}}
{listeners}---
kind: domain
items: {{example.test: {{}}}}
---
kind: mailbox
items:
{boxes}"""

    @property
    def socket(self):
        return self.data / "admin.sock"

    def start(self, environment=None, wait=20, prefix=(), arguments=(), socket_path=None, **popen):
        self.log = open(self.dir / "log", "ab")
        command = [*prefix, MAILD, "serve", "--data-dir", self.data, "--apply", self.site, *arguments]
        self.process = subprocess.Popen(command, stderr=self.log, env=os.environ | self.environment | (environment or {}), **popen)
        end = time.time() + wait
        while time.time() < end:
            if self.process.poll() is not None:
                return False
            try:
                with socket.socket(socket.AF_UNIX) as s:
                    s.connect(str(socket_path or self.socket))
                return True
            except OSError:
                time.sleep(0.02)
        raise SystemExit("maild did not open its socket:\n" + self.tail())

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, wait=20):
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(wait)

    def tail(self, lines=15):
        return "\n".join((self.dir / "log").read_text(errors="replace").splitlines()[-lines:])

    def mailctl(self, *arguments, input=None, check=True):
        done = subprocess.run([MAILCTL, "--socket", self.socket, *arguments], capture_output=True, text=True, input=input,
                              timeout=60)
        if check and done.returncode != 0:
            raise SystemExit(f"mailctl {' '.join(map(str, arguments))}: {done.returncode}\n{done.stderr}\n{self.tail()}")
        return done

    def mailctl_json(self, *arguments):
        return json.loads(self.mailctl(*arguments, "-o", "json").stdout)

    def imap(self, user="ann", password="secret"):
        client = imaplib.IMAP4("127.0.0.1", self.ports["imap"])
        client.login(f"{user}@example.test", password)
        return client

    def reports(self):
        """The delivery reports in Ann's inbox, as text."""
        client = self.imap()
        client.select("INBOX")
        found = client.search(None, "HEADER", "Content-Type", "multipart/report")[1][0].split()
        texts = [client.fetch(n, "(BODY.PEEK[])")[1][0][1].decode() for n in found]
        client.logout()
        return texts

    def submit(self, to, message, sender="ann"):
        """Sends bytes over submission with TLS and sign-in, through curl; the finished process."""
        path = self.dir / "message"
        path.write_bytes(message)
        address = f"{sender}@example.test"
        return subprocess.run(["curl", "-sS", "--max-time", "20", "--cacert", self.data / "tls/default.crt", "--ssl-reqd",
                               "-u", f"{address}:secret", "--mail-from", address, "--mail-rcpt", to,
                               "-T", path, f"smtp://127.0.0.1:{self.ports['submission']}/client.test"], capture_output=True, text=True)

    def smtp(self, port="smtp", timeout=30):
        return Smtp(self.ports[port], timeout)

    def check(self):
        """maild check on the stopped store."""
        return subprocess.run([MAILD, "check", "--data-dir", self.data], capture_output=True, text=True)

    def destroy(self):
        if self.process and self.process.poll() is None:
            self.kill()
        if "KEEP" not in os.environ:
            subprocess.run(["rm", "-rf", self.dir])


class Smtp:
    """A plain SMTP or LMTP client that hides nothing."""
    def __init__(self, port, timeout=30, hello="EHLO"):
        self.s = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.f = self.s.makefile("rb")
        self.greeting = self.reply()
        if hello:
            self.command(f"{hello} client.test")

    def reply(self):
        out = b""
        while True:
            line = self.f.readline()
            if not line:
                raise EOFError(out)
            out += line
            if line[3:4] != b"-":
                return out.decode("utf-8", "replace")

    def send(self, data):
        self.s.sendall(data.encode() if isinstance(data, str) else data)

    def command(self, line):
        self.send(line + "\r\n")
        return self.reply()

    def deliver(self, sender, recipients, message):
        """The reply to the final dot, or the first refusal."""
        for line in [f"MAIL FROM:<{sender}>"] + [f"RCPT TO:<{r}>" for r in recipients] + ["DATA"]:
            reply = self.command(line)
            if reply[0] not in "23":
                return reply
        self.send(message + "\r\n.\r\n")
        return self.reply()

    def close(self):
        self.f.close()
        self.s.close()
