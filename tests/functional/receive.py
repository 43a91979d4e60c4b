#!/usr/bin/env python3
"""receive.py: what a listener offers in each state, word by word; PROXY, XCLIENT and ETRN from listed addresses; relaying by
address and certificate; limits per listener; overload, which begins and ends by itself; messages byte for byte."""
import base64, hashlib, pathlib, re, socket, ssl, struct, subprocess, time
from house import Checks, House, Smtp, free_ports, until

check = Checks()
names = ("etrn", "proxied", "proxyimap", "trusted", "small", "slow", "late", "few", "certified", "elsewhere", "crowd", "crowdimap", "crowdpop3", "lmtptls", "otherca")
port = dict(zip(names, free_ports(len(names))))
work = pathlib.Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True).stdout.strip())


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, cwd=work)


def authority(name):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", name + ".key", "-out",
            name + ".pem", "-days", "2", "-subj", "/CN=" + name)


def client_certificate(name, by):
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", name + ".key", "-out", name + ".csr",
            "-subj", "/CN=" + name)
    openssl("x509", "-req", "-in", name + ".csr", "-CA", by + ".pem", "-CAkey", by + ".key", "-CAcreateserial", "-days", "2",
            "-out", name + ".pem")


authority("good-ca")
authority("other-ca")
client_certificate("relay.test", "good-ca")
client_certificate("stranger.test", "good-ca")
(work / "fake").mkdir()
client_certificate("pinned.test", "other-ca")
pinned = hashlib.sha256(ssl.PEM_cert_to_DER_cert((work / "pinned.test.pem").read_text())).hexdigest()
openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "fake/relay.key", "-out",
        "fake/relay.pem", "-days", "2", "-subj", "/CN=relay.test")

bind = lambda name: f'bind: "127.0.0.1:{port[name]}"'
house = House(extra="""---
kind: domain
items: {bücher.test: {}}
---
kind: mailbox
items:
  δοκιμή@bücher.test: {}
---
kind: alias
items:
  jörg@bücher.test: {targets: [ann@example.test]}
---
kind: route
items:
  away: {domains: ["*"], relay: "127.0.0.1:9", tls: none, retry: [1h]}
""", listeners=f"""
  etrn: {{protocol: smtp, {bind("etrn")}, etrn_from: [127.0.0.0/8]}}
  proxied: {{protocol: smtp, {bind("proxied")}, tls: starttls, proxy_from: [127.0.0.1], relay_from: [192.0.2.0/24], max_per_address: 2, allow_from: [192.0.2.0/24, 127.0.0.1]}}
  proxyimap: {{protocol: imap, {bind("proxyimap")}, tls: implicit, proxy_from: [127.0.0.1]}}
  trusted: {{protocol: smtp, {bind("trusted")}, xclient_from: [127.0.0.1], relay_from: [192.0.2.7]}}
  small: {{protocol: smtp, {bind("small")}, max_message_size: 2KiB, max_recipients: 2, max_messages: 2, max_errors: 3}}
  slow: {{protocol: smtp, {bind("slow")}, hello_timeout: 1s, command_timeout: 2s, data_timeout: 1s}}
  late: {{protocol: smtp, {bind("late")}, banner_delay: 1s}}
  few: {{protocol: smtp, {bind("few")}, max_per_address: 2}}
  certified: {{protocol: submission, {bind("certified")}, tls: starttls, client_ca_file: {work}/good-ca.pem, relay_certificates: [relay.test, "sha256:{pinned.upper()}"]}}
  otherca: {{protocol: submission, {bind("otherca")}, tls: starttls, client_ca_file: {work}/other-ca.pem, relay_certificates: [relay.test]}}
  elsewhere: {{protocol: smtp, {bind("elsewhere")}, allow_from: [192.0.2.0/24]}}
  crowd: {{protocol: smtp, {bind("crowd")}, max_connections: 10}}
  crowdimap: {{protocol: imap, {bind("crowdimap")}, max_connections: 10, plaintext_auth: allow}}
  crowdpop3: {{protocol: pop3, {bind("crowdpop3")}, max_connections: 10, plaintext_auth: allow}}
  lmtptls: {{protocol: lmtp, {bind("lmtptls")}, tls: starttls}}
""")
if not check("it starts", house.start(), house.tail()):
    check.finish()
p = house.ports
log = lambda: (house.dir / "log").read_text()


class Client(Smtp):
    """With TLS, client certificates and the words of EHLO."""
    def tls(self, certificate=None):
        reply = self.command("STARTTLS")
        if not reply.startswith("220"):
            raise OSError(reply)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if certificate:
            context.load_cert_chain(f"{certificate}.pem", f"{certificate}.key")
        self.f.close()
        self.s = context.wrap_socket(self.s)
        self.f = self.s.makefile("rb")
        return self

    def words(self, hello="EHLO"):
        return [line[4:] for line in self.command(hello + " client.test").splitlines()[1:]]


def ends_with(port_number, data=b"", seconds=10):
    """Everything a raw connection says until it ends."""
    out = b""
    with socket.create_connection(("127.0.0.1", port_number), timeout=seconds) as s:
        try:
            s.sendall(data)
            while got := s.recv(65536):
                out += got
        except OSError as problem:
            out += b" " + type(problem).__name__.encode()
    return out


# --- EHLO, word by word ---
common = ["PIPELINING", "SIZE 52428800", "8BITMIME", "SMTPUTF8", "CHUNKING", "BINARYMIME", "DSN", "ENHANCEDSTATUSCODES"]
limits, auth = "LIMITS RCPTMAX=1000 MAILMAX=10000", "AUTH SCRAM-SHA-256 PLAIN LOGIN"
hold = re.compile(r"FUTURERELEASE 2592000 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def same(what, got, middle=(), end=(), limit_words=limits):
    wanted = common + list(middle) + [limit_words, "VRFY", *end]
    got = ["FUTURERELEASE" if hold.fullmatch(w) else w for w in got]
    got = [w if not w.startswith("AUTH ") else auth if set(auth.split()) <= set(w.split()) else w for w in got]
    check(f"EHLO {what}: exactly the words of this state", got == wanted, got)


later = ["FUTURERELEASE", "MT-PRIORITY"]
same("smtp, plain", Client(p["smtp"]).words(), ["STARTTLS"])
same("smtp, inside TLS", Client(p["smtp"]).tls().words(), ["REQUIRETLS"])
same("smtp, without TLS", Client(port["etrn"], hello="").words(), [], ["ETRN"])
same("smtp, to a trusted client", Client(port["trusted"]).words(), [], ["XCLIENT NAME ADDR PORT HELO"])
same("submission, plain", Client(p["submission"]).words(), ["STARTTLS", *later])
c = Client(p["submission"]).tls()
same("submission, inside TLS", c.words(), [auth, "REQUIRETLS", *later])
plain = base64.b64encode(b"\0ann@example.test\0secret").decode()
check("sign-in", c.command("AUTH PLAIN " + plain).startswith("235"))
same("submission, signed in", c.words(), ["REQUIRETLS", *later])
same("lmtp, plain", Client(p["lmtp"], hello="LHLO").words("LHLO"))
same("lmtp, with TLS to come", Client(port["lmtptls"], hello="LHLO").words("LHLO"), ["STARTTLS"])
same("lmtp, inside TLS", Client(port["lmtptls"], hello="LHLO").tls().words("LHLO"), ["REQUIRETLS"])
small = [w.replace("SIZE 52428800", "SIZE 2048") for w in common]
check("EHLO of a listener with limits of its own", Client(port["small"]).words() == small + ["LIMITS RCPTMAX=2 MAILMAX=2", "VRFY"])

# --- PROXY ---
def proxied(header, port_number=None):
    s = socket.create_connection(("127.0.0.1", port_number or port["proxied"]), timeout=10)
    s.sendall(header)
    return s


def v2(source, command=0x21):
    body = socket.inet_aton(source) + socket.inet_aton("198.51.100.1") + struct.pack(">HH", 4321, 25)
    return b"\r\n\r\n\0\r\nQUIT\n" + bytes([command, 0x11]) + struct.pack(">H", len(body)) + body


def over(s, lines):
    f = s.makefile("rb")
    out = f.readline()
    for line in lines:
        s.sendall(line.encode() + b"\r\n")
        while (reply := f.readline())[3:4] == b"-":
            pass
        out += reply
    return out.decode()


relay = ["EHLO c.test", "MAIL FROM:<x@y.test>", "RCPT TO:<z@far.test>", "QUIT"]
codes = lambda text: " ".join(line[:3] for line in text.splitlines())
for name, header, wanted in (("version 1", b"PROXY TCP4 192.0.2.9 198.51.100.1 4321 25\r\n", "220 250 250 250 221"),
                             ("version 2", v2("192.0.2.9"), "220 250 250 250 221"),
                             ("UNKNOWN", b"PROXY UNKNOWN\r\n", "220 250 250 550 221"),
                             ("LOCAL", v2("192.0.2.9", 0x20), "220 250 250 550 221")):
    got = over(proxied(header), relay)
    check(f"PROXY {name}: the address it names decides", codes(got) == wanted, got)
check("PROXY: an address that may not connect is turned away", b"554 5.7.1" in ends_with(port["proxied"], v2("203.0.113.1")))
check("PROXY: no header, no session", ends_with(port["proxied"], b"EHLO c.test\r\n") in (b"", b" ConnectionResetError"))
check("PROXY: a broken header ends it", ends_with(port["proxied"], b"PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n") in (b"", b" ConnectionResetError"))
check("PROXY: from others it is no command", b"500 5.5.2" in ends_with(p["smtp"], b"PROXY UNKNOWN\r\nQUIT\r\n"))
check("PROXY: the log says so", until(lambda: "proxy_refused" in log()))
held = [proxied(v2("192.0.2.20")) for _ in range(2)]
check("PROXY: two connections of one address", all(s.recv(100).startswith(b"220") for s in held))
check("PROXY: a third is too many, another address is not", proxied(v2("192.0.2.20")).recv(100).startswith(b"421") and
      proxied(v2("192.0.2.21")).recv(100).startswith(b"220"))
[s.close() for s in held]
s = proxied(b"PROXY TCP4 192.0.2.9 198.51.100.1 4321 993\r\n", port["proxyimap"])
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
check("PROXY: before TLS, on IMAP", context.wrap_socket(s).recv(100).startswith(b"* OK"))

# --- XCLIENT and ETRN ---
c = Client(port["trusted"])
check("XCLIENT: a stranger has no such command", Client(p["smtp"]).command("XCLIENT ADDR=192.0.2.7").startswith("500"))
check("XCLIENT: greeted anew", c.command("XCLIENT ADDR=192.0.2.7 HELO=spoken.test NAME=named.test").startswith("220"))
c.command("EHLO own.test")
reply = c.deliver("x@y.test", ["ann@example.test"], "Subject: spoken for\r\n\r\nx")
check("XCLIENT: and served", reply.startswith("250"), reply)
box = house.imap()
box.select("INBOX")
fetch = lambda subject: box.fetch(box.search(None, "SUBJECT", f'"{subject}"')[1][0].split()[-1], "(BODY.PEEK[])")[1][0][1]
check("XCLIENT: the trace names whom it spoke for", b"from spoken.test (named.test [192.0.2.7])" in fetch("spoken for"), fetch("spoken for"))
trace = house.mailctl("message", "trace", house.mailctl_json("why", "--subject", "spoken")["items"][0]["id"]).stdout
check("XCLIENT: so does its story", "127.0.0.1 speaks for 192.0.2.7 (named.test)" in trace, trace)
check("XCLIENT: it may relay then", c.command("MAIL FROM:<x@y.test>")[:3] + c.command("RCPT TO:<z@far.test>")[:3] == "250250")
c = Client(p["submission"]).tls()
c.command("EHLO c.test")
c.command("AUTH PLAIN " + plain)
check("a message for far.test is queued", c.deliver("ann@example.test", ["z@far.test"], "From: ann@example.test\r\n\r\nx").startswith("250"))
items = lambda: house.mailctl_json("queue", "list", "--filter", "domain=far.test")["items"]
check("it is deferred", until(lambda: items() and items()[0]["status"] == "deferred"), items())
tries = items()[0]["attempts"]
reply = Client(port["etrn"]).command("ETRN far.test")
check("ETRN: what waited is tried", reply.startswith("253 2.0.0 OK, 1 pending") and until(lambda: items()[0]["attempts"] > tries), reply)
check("ETRN: nothing waits elsewhere", Client(port["etrn"]).command("ETRN nothing.test").startswith("251"))

# --- later release and priority ---
for parameter in (" HOLDFOR=86400 MT-PRIORITY=4",):
    c.command("MAIL FROM:<ann@example.test>" + parameter)
    c.command("RCPT TO:<z@future.test>")
    c.command("DATA")
    c.send("From: ann@example.test\r\n\r\nlater\r\n.\r\n")
    check("HOLDFOR and MT-PRIORITY are taken", c.reply().startswith("250"))
item = house.mailctl_json("queue", "list", "--filter", "domain=future.test")["items"][0]
due = time.mktime(time.strptime(item["next_attempt"][:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone - time.time()
check("it waits a day in the queue, shown", 86000 < due < 86500 and item["attempts"] == 0, item)
check("with its priority", item.get("priority") == 1, item)
check("ETRN does not hurry it", Client(port["etrn"]).command("ETRN future.test").startswith("251"))

# A message for a mailbox of ours waits as well, and is then there, once.
c.command("MAIL FROM:<ann@example.test> HOLDFOR=2 ENVID=held")
c.command("RCPT TO:<bob@example.test> NOTIFY=SUCCESS")
c.command("DATA")
c.send("From: ann@example.test\r\nSubject: held for bob\r\n\r\nlater\r\n.\r\n")
check("HOLDFOR for a mailbox here", c.reply().startswith("250"))
bob = house.imap("bob")


def found():
    bob.select("INBOX")
    return bob.search(None, "SUBJECT", '"held for bob"')[1][0].split()


check("it is not there at once, but in the queue", not found() and house.mailctl_json("queue", "list", "--filter", "domain=example.test")["items"])
check("it comes when its time has come", until(lambda: len(found()) == 1, 15), house.tail())
check("and is not in the queue any more", until(lambda: not house.mailctl_json("queue", "list", "--filter", "domain=example.test")["items"]))
check("its sender is told, who asked for it", until(lambda: any("Action: delivered" in t and "Original-Envelope-Id: held" in t for t in house.reports())),
      house.reports())
check("once", len(found()) == 1)
bob.logout()

# --- relaying by certificate ---
def relays(certificate):
    c = Client(port["certified"]).tls(certificate and work / certificate)
    c.command("EHLO c.test")
    return c.command("MAIL FROM:<x@y.test>")[:3] + " " + c.command("RCPT TO:<z@far.test>")[:3]


check("no certificate: sign-in is asked for", relays("").startswith("530"))
check("a name that the CA vouches for may relay", relays("relay.test") == "250 250")
check("another name of the same CA may not", relays("stranger.test").startswith("530"))
check("a fingerprint may, whoever signed it", relays("pinned.test") == "250 250")
check("the right name without the CA may not", relays("fake/relay").startswith("530"))

context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname, context.verify_mode, context.maximum_version = False, ssl.CERT_NONE, ssl.TLSVersion.TLSv1_2
context.load_cert_chain(work / "relay.test.pem", work / "relay.test.key")


def with_session(number, session):
    """A connection with the certificate, resuming a TLS session: whether it was, the session, and the answer to MAIL."""
    c = Smtp(number)
    c.command("STARTTLS")
    s = context.wrap_socket(c.s, session=session)
    f = s.makefile("rb")
    s.sendall(b"HELO c.test\r\nMAIL FROM:<x@y.test>\r\n")
    f.readline()
    return s.session_reused, s.session, f.readline()[:3]


reused, session, reply = with_session(port["certified"], None)
check("a TLS session made with a certificate", not reused and reply == b"250", reply)
reused, _, reply = with_session(port["certified"], session)
check("is resumed with it", reused and reply == b"250", (reused, reply))
reused, _, reply = with_session(port["otherca"], session)
check("but not where another CA counts", not reused and reply == b"530", (reused, reply))

# --- limits of a listener ---
c = Client(port["small"])
check("size", c.command("MAIL FROM:<x@y.test> SIZE=3000").startswith("552 5.3.4"))
c.command("MAIL FROM:<x@y.test>")
check("recipients", [c.command("RCPT TO:<ann@example.test>")[:3] for _ in range(3)] == ["250", "250", "452"])
c.command("RSET")
c.command("MAIL FROM:<x@y.test>")
c.command("RSET")
check("messages in a session", c.command("MAIL FROM:<x@y.test>").startswith("421 4.7.0"))
c = Client(port["small"])
check("errors", [c.command("FOO")[:3] for _ in range(3)][-1] == "500" and c.reply().startswith("421 4.7.0"))
check("time for EHLO", ends_with(port["slow"]).endswith(b"421 4.4.2 Nothing came in time\r\n"))
began = time.time()
check("time for a command", b"421 4.4.2" in ends_with(port["slow"], b"EHLO c.test\r\n") and time.time() - began > 1.5)
check("time for a message", b"421 4.4.2" in ends_with(port["slow"], b"EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<ann@example.test>\r\nDATA\r\nx"))
began = time.time()
check("the banner comes late", Smtp(port["late"]).greeting.startswith("220") and time.time() - began >= 0.9)
check("who speaks before it is turned away", ends_with(port["late"], b"EHLO c.test\r\n").startswith(b"554 5.5.1"))
two = [Smtp(port["few"]) for _ in range(2)]
check("connections of one address", ends_with(port["few"]).startswith(b"421 4.3.2"))
two[0].close()
check("and room again when one ends", until(lambda: ends_with(port["few"], b"QUIT\r\n").startswith(b"220"), 5))
check("address ranges", ends_with(port["elsewhere"]).startswith(b"554 5.7.1"))
shown = house.mailctl("explain", "limits").stdout
check("mailctl explain limits names them", all(w in shown for w in ("smtp_messages", "connections_per_address", "overload_percent")), shown[:300])
check("mailctl explain listener.min_rate says what 0 means", "smtp_bytes_per_second" in house.mailctl("explain", "listener.min_rate").stdout)

# --- overload ---
def overloaded():
    status = house.mailctl_json("status")
    return [l["name"] for l in status["listeners"] if l["overloaded"]] if status["overloaded"] else []


check("no overload at first", overloaded() == [])
crowd = [Smtp(port["crowd"]) for _ in range(7)]
check("nor with 7 of 10", overloaded() == [])
crowd.append(Smtp(port["crowd"]))
check("overload with 8 of 10, of that listener alone", until(lambda: overloaded() == ["crowd"], 5))
check("shown in the metrics", 'maild_overloaded{listener="crowd"} 1' in house.mailctl("server", "metrics").stdout)
hasty = Smtp(port["crowd"])
check("one error ends a session then", hasty.command("FOO").startswith("500") and hasty.reply().startswith("421 4.7.0"))
check("who says nothing is sent away after 10 s, not 300, until it ends by itself", until(lambda: overloaded() == [], 25))


def sent_away(client):
    client.s.settimeout(0.2)
    try:
        return client.reply().startswith("421 4.4.2")
    except OSError:
        return False


gone = sum(sent_away(c) for c in crowd)
check("no more of them than that takes", 2 <= gone < 8, gone)
check("both told in the log", until(lambda: "overload_began" in log() and "overload_ended" in log()))
calm = Smtp(port["crowd"])
check("errors are forgiven again", calm.command("FOO").startswith("500") and calm.command("NOOP").startswith("250"))



class Reader:
    """A client of a mailbox that has just connected."""
    def __init__(self, name):
        self.s = socket.create_connection(("127.0.0.1", port[name]), timeout=15)
        self.f = self.s.makefile("rb")
        self.greeting = self.f.readline()

    def say(self, line):
        self.s.sendall(line + b"\r\n")
        return self.f.readline()

    def last_words(self):
        self.s.settimeout(0.2)
        try:
            return self.f.readline()
        except OSError:
            return b""


sign_in = {"crowdimap": (b"a LOGIN ann@example.test secret",), "crowdpop3": (b"USER ann@example.test", b"PASS secret")}
readers = {name: [Reader(name) for _ in range(8)] for name in sign_in}
check("IMAP and POP3 listeners have their overload", until(lambda: sorted(overloaded()) == ["crowdimap", "crowdpop3"], 5), overloaded())
inside = {}
for name, lines in sign_in.items():
    inside[name] = readers[name].pop()
    for line in lines:
        answer = inside[name].say(line)
    check(f"one signs in meanwhile ({name})", b"OK" in answer, answer)
hurried = {name: Reader(name) for name in sign_in}
check("one error ends an IMAP session then", hurried["crowdimap"].say(b"a BOGUS").startswith(b"a BAD") and
      hurried["crowdimap"].f.readline().startswith(b"* BYE"))
check("and a POP3 session", hurried["crowdpop3"].say(b"BOGUS").startswith(b"-ERR") and hurried["crowdpop3"].f.readline() == b"")
check("who does not sign in is sent away after 10 s, not 60", until(lambda: overloaded() == [], 25))
for name, words in (("crowdimap", b"* BYE [UNAVAILABLE]"), ("crowdpop3", b"-ERR [SYS/TEMP]")):
    told = [r.last_words() for r in readers[name]]
    check(f"and told why ({name})", 2 <= sum(t.startswith(words) for t in told), told)
check("who has signed in stays", b"OK" in inside["crowdimap"].say(b"b NOOP") and b"OK" in inside["crowdpop3"].say(b"NOOP"))

# --- byte for byte ---
body = bytes(range(256)) * 300 + b"\n.\n\r.\r\r\n.\r\nlast\0"
message = b"Subject: binary\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n" + body
for name, number, hello in (("smtp", p["smtp"], "EHLO"), ("lmtp", p["lmtp"], "LHLO")):
    c = Smtp(number, hello=hello)
    c.command("MAIL FROM:<x@y.test> BODY=BINARYMIME")
    c.command("RCPT TO:<ann@example.test>")
    c.send(f"BDAT {1000}\r\n".encode() + message[:1000])
    c.reply()
    c.send(f"BDAT {len(message) - 1000} LAST\r\n".encode() + message[1000:])
    check(f"BINARYMIME by {name} is taken", c.reply().startswith("250"))
    box.noop()
    check(f"BINARYMIME by {name} comes back byte for byte", fetch("binary").endswith(message), len(fetch("binary")))
c = Smtp(p["smtp"])
check("SMTPUTF8 in sender, recipient and domain", c.command("MAIL FROM:<jörg@müller.test> SMTPUTF8").startswith("250") and
      c.command("RCPT TO:<δοκιμή@bücher.test>").startswith("250") and c.command("RCPT TO:<δοκιμή@xn--bcher-kva.test>").startswith("250"))
c.command("RCPT TO:<ann@example.test>")
c.command("DATA")
c.send("From: Jörg <jörg@müller.test>\r\nSubject: grüße\r\n\r\nδ\r\n.\r\n")
check("SMTPUTF8 headers are taken", c.reply().startswith("250"))
check("and kept as they are", until(lambda: (box.noop(), "Subject: grüße\r\n\r\nδ\r\n".encode() in box.fetch("*", "(BODY.PEEK[])")[1][0][1])[1], 5))
c.command("MAIL FROM:<jörg@bücher.test> SMTPUTF8")
c.command("RCPT TO:<δοκιμή@bücher.test> NOTIFY=SUCCESS ORCPT=utf-8;δοκιμή@bücher.test")
c.command("DATA")
c.send("Subject: told\r\n\r\nx\r\n.\r\n")
c.reply()
told = lambda: [t for t in house.reports() if "δοκιμή" in t]
check("SMTPUTF8 in a report (RFC 6533)", until(told) and all(w in told()[0] for w in ("message/global-delivery-status", "Final-Recipient: utf-8; δοκιμή@", "Original-Recipient: utf-8; δοκιμή@",
      "Action: delivered")), told())
box.logout()
check("it stops cleanly", house.stop() == 0, house.tail())
check("the store is sound", house.check().returncode == 0)
subprocess.run(["rm", "-rf", work])
check.finish()
