#!/usr/bin/env python3
"""outbound.py: how mail leaves, against real software: nsd with a signed zone, Postfix and its smtp-sink, a second maild as smart
host, an HTTPS server for MTA-STS. DANE, MTA-STS, sign-in, direct first, holds, suppressions and the verbs of the queue."""
import atexit, hashlib, http.server, os, shutil, smtplib, ssl, subprocess, threading
from house import MAILCTL, Checks, House, free_ports, until, verifier
from postfix import Postfix
from remote import Remote

check = Checks()
os.environ["PATH"] += ":/usr/sbin:/sbin"
for program in ("nsd", "ldns-signzone", "smtp-sink", "postfix", "openssl"):
    if not shutil.which(program):
        raise SystemExit(f"{program} is not installed: scripts/packages test")
dns, port, relay_port = free_ports(3)
relay = House(mailboxes=("ann",), extra=f"""---
kind: domain
items: {{other.test: {{}}}}
---
kind: mailbox
items: {{carl@other.test: {{password: {{hash: "{verifier('secret')}"}}}}}}
""")
folder = relay.dir


def run(*command, cwd=folder, **more):
    return subprocess.run(command, cwd=cwd, capture_output=True, check=True, **more).stdout


# A CA of our own, and certificates by it.
def certificate(name):
    """(certificate, key) for `name`; the CA itself for None."""
    key, crt = folder / f"{name}.key", folder / f"{name}.crt"
    (folder / "ext").write_text(f"subjectAltName=DNS:{name}\n")
    run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-subj", f"/CN={name}",
        "-out", folder / "request")
    run("openssl", "x509", "-req", "-in", folder / "request", "-CA", folder / "ca.crt", "-CAkey", folder / "ca.key", "-days", "9",
        "-CAcreateserial", "-extfile", folder / "ext", "-out", crt)
    return crt, key


run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out", "ca.crt",
    "-days", "9", "-subj", "/CN=Test CA")


def tlsa(crt):
    """3 1 1 of a certificate (RFC 6698)."""
    pem = run("openssl", "x509", "-in", crt, "-pubkey", "-noout")
    return "3 1 1 " + hashlib.sha256(run("openssl", "pkey", "-pubin", "-outform", "DER", input=pem)).hexdigest()


hosts = {"dane": certificate("mx.dane.test"), "wrong": certificate("mx.wrong.test"), "sts": certificate("mx.sts.test"),
         "policy": certificate("mta-sts.sts.test"), "postfix": certificate("mx.postfix.test")}
(folder / "zone").write_text(f"""$ORIGIN test.
$TTL 60
@ SOA ns.test. hostmaster.test. 1 3600 600 86400 60
@ NS ns.test.
ns A 127.0.0.1
dane MX 10 mx.dane
mx.dane A 127.0.0.2
_{port}._tcp.mx.dane TLSA {tlsa(hosts['dane'][0])}
wrong MX 10 mx.wrong
mx.wrong A 127.0.0.3
_{port}._tcp.mx.wrong TLSA 3 1 1 {'ab' * 32}
stripped MX 10 mx.stripped
mx.stripped A 127.0.0.4
_{port}._tcp.mx.stripped TLSA {tlsa(hosts['dane'][0])}
sts MX 10 mx.sts
mx.sts A 127.0.0.5
_mta-sts.sts TXT "v=STSv1; id=1;"
mta-sts.sts A 127.0.0.6
badsts MX 10 mx.badsts
mx.badsts A 127.0.0.7
_mta-sts.badsts TXT "v=STSv1; id=1;"
mta-sts.badsts CNAME mta-sts.sts
postfix MX 10 mx.postfix
mx.postfix A 127.0.0.8
_{port}._tcp.mx.postfix TLSA {tlsa(hosts['postfix'][0])}
plain MX 10 mx.plain
mx.plain A 127.0.0.9
down MX 10 mx.down
mx.down A 127.0.0.10
alias CNAME plain
mxalias MX 10 mail.mxalias
mail.mxalias CNAME mx.plain
loop CNAME pool
pool CNAME loop
nullmx MX 0 .
inward MX 10 mx.inward
mx.inward A 0.0.0.0
""" + "".join(f"many MX {n} h{n}.many\nh{n}.many A {'127.0.0.9' if n == 25 else f'127.0.1.{n}'}\n" for n in range(1, 26)))
run("ldns-keygen", "-a", "ECDSAP256SHA256", "-k", "test")
key = next(folder.glob("Ktest.*.key")).stem
run("ldns-signzone", "-f", "zone.signed", "zone", key)
(folder / "nsd.conf").write_text(f"""server:
    ip-address: 127.0.0.1@{dns}
    zonesdir: "{folder}"
    username: ""
    pidfile: ""
    database: ""
    xfrdfile: "{folder}/xfrd"
    zonelistfile: "{folder}/zonelist"
    logfile: "{folder}/nsd.log"
remote-control:
    control-enable: no
zone:
    name: test
    zonefile: zone.signed
""")


def background(*command, **more):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)
    atexit.register(process.kill)
    return process


background("nsd", "-d", "-c", folder / "nsd.conf")
sinks = {name: Remote(address, port, capabilities=("8BITMIME",), pair=pair) for name, address, pair in
         (("dane", "127.0.0.2", hosts["dane"]), ("wrong", "127.0.0.3", hosts["wrong"]), ("stripped", "127.0.0.4", None),
          ("sts", "127.0.0.5", hosts["sts"]), ("badsts", "127.0.0.7", hosts["sts"]))}


class Policy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        text = b"version: STSv1\r\nmode: enforce\r\nmx: mx.sts.test\r\nmax_age: 86400\r\n"
        self.send_response(200 if self.path == "/.well-known/mta-sts.txt" else 404)
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


can_bind_443 = True
try:
    web = http.server.ThreadingHTTPServer(("127.0.0.6", 443), Policy)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*hosts["policy"])
    web.socket = context.wrap_socket(web.socket, server_side=True)
    threading.Thread(target=web.serve_forever, daemon=True).start()
except PermissionError:
    can_bind_443 = False

# smtp-sink of Postfix: no 8BITMIME (-8), no pipelining (-p), and what it got in files.
dumps = folder / "dumps"
dumps.mkdir()
os.chmod(folder, 0o755)
os.chmod(dumps, 0o777)
background("smtp-sink", "-u", "nobody", "-8", "-p", "-h", "smtp-sink.test", "-d", str(dumps / "m."), f"127.0.0.9:{port}", "50")


# A Postfix that takes mail for postfix.test, with TLS, and drops it.
postfix = Postfix(folder / "postfix", f"127.0.0.8:{port}", f"""myhostname = mx.postfix.test
relay_domains = postfix.test
relay_recipient_maps =
relay_transport = discard:
mynetworks = 127.0.0.99/32
smtpd_tls_cert_file = {hosts['postfix'][0]}
smtpd_tls_key_file = {hosts['postfix'][1]}
smtpd_tls_security_level = encrypt
smtpd_tls_loglevel = 1
""")
started = postfix.start()
check("Postfix starts", started.returncode == 0, started.stderr)
house = House(mailboxes=("ann", "bob"), environment={"SSL_CERT_FILE": str(folder / "ca.crt"), "RELAY_PASSWORD": "secret"}, extra=f"""---
kind: resolver
name: resolver
spec: {{servers: ["127.0.0.1:{dns}"], trust_anchor_file: {folder}/{key}.ds}}
---
kind: route
items:
  exchangers: {{domains: ["*"], port: {port}, allow_loopback: true, retry: [2s], ehlo: out.example.test}}
  smart: {{domains: [other.test], relay: "127.0.0.1:{relay.ports['submission']}", tls: required, user: ann@example.test,
           password: {{from: "env:RELAY_PASSWORD"}}}}
  both: {{domains: [down.test], relay: "127.0.0.9:{port}", port: {port}, direct_first: true, allow_loopback: true, retry: [2s]}}
  bob: {{domains: ["*"], senders: [bob@example.test], relay: "127.0.0.9:{port}"}}
  sourced: {{domains: [sourced.test], relay: "127.0.0.4:{port}", tls: none, source: 127.0.0.99}}
  closed: {{domains: [closed.test], relay: "127.0.0.1:{relay_port}", retry: [1h]}}
---
kind: hold
items: {{maintenance: {{recipients: [held.test], reason: their server is being moved}}}}
---
kind: suppression
items: {{gone@plain.test: {{reason: asked not to be written to}}}}
""")
check("the smart host starts", relay.start(), relay.tail())
check("maild starts", house.start(), house.tail())


def send(to, sender="ann", body="hello", header=""):
    done = house.submit(to, f"From: {sender}@example.test\r\nTo: {to}\r\nSubject: outbound\r\n{header}\r\n{body}\r\n".encode(), sender)
    return check(f"mail to {to} is taken", done.returncode == 0, done.stderr)


def items(*arguments):
    return house.mailctl_json("queue", "list", *arguments)["items"]


def error_of(domain):
    found = items("--filter", f"domain={domain}")
    return (found[0]["last_error"] or {}).get("text", "") if found else "gone"


def sunk():
    return [p.read_bytes() for p in sorted(dumps.glob("m.*"))]


way = house.mailctl_json("route", "test", "a@dane.test")
check("route test: DANE by a validated zone", way["validated"] and way["hosts"][0]["tls"] == "dane", way)
check("route test: in words", "DNSSEC vouches" in house.mailctl("route", "test", "a@dane.test").stdout)
way = house.mailctl_json("route", "test", "x@down.test", "--sender", "bob@example.test")
check("route test: direct first, then the relay", [h["relay"] for h in way["hosts"]] == [False, True], way)
check("route test: a hold", "being moved" in (house.mailctl_json("route", "test", "a@held.test")["held"] or ""))
send("a@dane.test")
check("DANE: delivered to the host that its TLSA record names", until(lambda: sinks["dane"].messages), house.tail())
check("DANE: encrypted, and the log says how", sinks["dane"].taken and sinks["dane"].taken[0].encrypted and
      until(lambda: "verified by DANE" in house.tail(40)), house.tail())
send("a@wrong.test")
send("a@stripped.test")
check("DANE: another certificate: it waits", until(lambda: "TLS handshake failed" in error_of("wrong.test")), error_of("wrong.test"))
check("DANE: STARTTLS stripped: it waits", until(lambda: "TLS is required" in error_of("stripped.test")), error_of("stripped.test"))
check("DANE: and no address was named in clear", not [line for name in ("wrong", "stripped") for line in sinks[name].lines if b"@" in line])
send("a@postfix.test")
check("a real Postfix takes a message by DANE", until(lambda: "status=sent (postfix.test)" in postfix.log() or "relay=none" in postfix.log() and
      "status=sent" in postfix.log()), postfix.log()[-800:] + house.tail())
check("over TLS", "TLS connection established from" in postfix.log() or "Anonymous TLS connection" in postfix.log(), postfix.log()[-800:])
if can_bind_443:
    send("a@sts.test")
    send("a@badsts.test")
    check("MTA-STS: a host that the policy names, verified", until(lambda: sinks["sts"].messages), error_of("sts.test") + house.tail())
    check("MTA-STS: encrypted", sinks["sts"].taken and sinks["sts"].taken[0].encrypted)
    check("MTA-STS: a policy behind a wrong certificate is none", until(lambda: sinks["badsts"].messages), house.tail())
send("a@plain.test", body="gr\u00fc\u00dfe", header="MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
     "Content-Transfer-Encoding: 8bit\r\n")
check("smtp-sink without 8BITMIME gets quoted-printable", until(lambda: any(b"gr=C3=BC=C3=9Fe" in m for m in sunk())), sunk()[-1:])
check("greeted by the route's name", any(b"out.example.test" in m for m in sunk()), sunk()[-1:])
send("a@alias.test")
send("a@mxalias.test")
check("domains and exchangers behind CNAMEs", until(lambda: all(any(to in m for m in sunk()) for to in (b"a@alias.test", b"a@mxalias.test"))),
      house.tail())
send("a@loop.test")
check("a CNAME loop: it waits", until(lambda: error_of("loop.test") not in ("", "gone")), error_of("loop.test"))
send("a@many.test")
check("of 25 exchangers at most 20 are tried", until(lambda: "connect" in error_of("many.test")), error_of("many.test"))
check("so the 25th got nothing", not any(b"a@many.test" in m for m in sunk()))
send("carl@other.test")


def carl():
    import imaplib
    client = imaplib.IMAP4("127.0.0.1", relay.ports["imap"])
    client.login("carl@other.test", "secret")
    count = int(client.select("INBOX")[1][0])
    client.logout()
    return count


check("the smart host takes it after sign-in over TLS", until(lambda: carl() == 1), house.tail())
send("a@down.test")
check("direct first, then the smart host", until(lambda: any(b"a@down.test" in m for m in sunk())), house.tail())
send("x@dane.test", sender="bob")
check("a sender's own route", until(lambda: any(b"x@dane.test" in m for m in sunk())), house.tail())
check("so the exchanger got nothing more", len(sinks["dane"].messages) == 1)
send("a@sourced.test")
check("a route's own source address", until(lambda: "127.0.0.99" in sinks["stripped"].peers), sinks["stripped"].peers)


def send_with_notify(to, notify, body="hello"):
    with smtplib.SMTP("127.0.0.1", house.ports["submission"], local_hostname="client.test") as client:
        client.starttls(context=ssl._create_unverified_context())
        client.login("ann@example.test", "secret")
        client.sendmail("ann@example.test", [to], f"From: ann@example.test\r\nTo: {to}\r\nSubject: told\r\n\r\n{body}\r\n",
                        ["ENVID=told+2B1", "RET=HDRS"], [f"NOTIFY={notify}", f"ORCPT=rfc822;{to}"])


told = lambda *words: any(all(w in t for w in words) for t in house.reports())
send_with_notify("bob@example.test", "SUCCESS")
check("NOTIFY=SUCCESS: delivered here", until(lambda: told("Action: delivered", "bob@example.test", "Original-Envelope-Id: told+1")), house.reports()[-1:])
send_with_notify("bob@example.test", "SUCCESS", "a long line\r\n" * 20000)
check("NOTIFY=SUCCESS: a large message: its header is given back",
      until(lambda: sum("text/rfc822-headers" in t and "Subject: told" in t for t in house.reports()) == 2), house.reports()[-1:])
send_with_notify("told@dane.test", "SUCCESS,FAILURE")
check("NOTIFY=SUCCESS: a server without DSN: relayed", until(lambda: told("Action: relayed", "Original-Recipient: rfc822; told@dane.test")), house.tail())
send_with_notify("told@postfix.test", "SUCCESS")
check("NOTIFY=SUCCESS: Postfix offers DSN and tells the sender itself", until(lambda: "sender delivery status notification" in postfix.log()),
      postfix.log()[-600:])
check("so we do not", not told("told@postfix.test"))
watch = subprocess.Popen([MAILCTL, "--socket", house.socket, "queue", "watch", "--filter", "domain=held.test"], stdout=subprocess.PIPE, text=True)
seen = []
threading.Thread(target=lambda: seen.extend(iter(watch.stdout.readline, "")), daemon=True).start()
send("gone@plain.test")
send("a@nullmx.test")
send("large@nullmx.test", body="another long line\r\n" * 20000)

check("a suppressed recipient: the sender is told", until(lambda: any("asked not to be written to" in t for t in house.reports())), house.tail())
check("null MX: returned at once", until(lambda: any("5.1.10" in t and "a@nullmx.test" in t for t in house.reports())), house.tail())
check("a large message that fails: its header is given back", until(lambda: told("large@nullmx.test", "text/rfc822-headers", "Subject: outbound")) and
      not told("large@nullmx.test", "another long line"), house.reports()[-1:])
send("a@held.test")
check("a hold rule holds", until(lambda: [i["status"] for i in items("--filter", "domain=held.test")] == ["held"]), items())
check("with its reason", "being moved" in error_of("held.test"))
check("queue watch shows it", until(lambda: any("a@held.test" in line and "held" in line for line in seen)), seen)
watch.kill()

held = items("--filter", "domain=held.test")[0]["id"]
house.mailctl("queue", "release", held)
check("what was let go passes the rule", until(lambda: error_of("held.test") == "gone"), error_of("held.test"))
send("b@held.test")
check("nobody else does", until(lambda: [i["status"] for i in items("--filter", "domain=held.test")] == ["held"]), items())
house.mailctl("hold", "create", "night", "--recipients", "plain.test", "--action", "pause", "--reason", "they sleep")
send("night@plain.test")
check("a pause keeps it waiting, and says so", until(lambda: "they sleep" in error_of("plain.test")), items())
check("without an attempt", items("--filter", "domain=plain.test")[0]["attempts"] == 0)
house.mailctl("hold", "delete", "night", "--yes")
house.mailctl("queue", "retry", "--filter", "domain=plain.test")
check("and it goes once the rule is gone", until(lambda: any(b"night@plain.test" in m for m in sunk())), items())

for i in range(3):
    send(f"c{i}@closed.test")
check("three wait for a closed port", until(lambda: len(items("--filter", "domain=closed.test,status=deferred")) == 3), items())
summary = house.mailctl_json("queue", "summary", "--filter", "domain=closed.test")["items"]
check("the summary honours its filter", len(summary) == 1 and summary[0]["count"] == 3 and summary[0]["ages"]["5m"] == 3, summary)
by_status = {i["status"]: i["count"] for i in house.mailctl_json("queue", "summary", "--by", "status")["items"]}
check("and counts by status", by_status.get("held") == 1 and by_status.get("deferred", 0) >= 3, by_status)
by_age = house.mailctl_json("queue", "summary", "--by", "age")["items"]
check("and by age", by_age and by_age[0]["age"] == "5m", by_age)
last = items("--sort=-recipient", "--limit", "1", "--filter", "domain=closed.test")
check("the last of a sorted list", [i["recipient"] for i in last] == ["c2@closed.test"], last)
check("what it cannot be sorted by is named", house.mailctl("queue", "list", "--sort", "colour", check=False).returncode == 2)
done = house.mailctl("queue", "priority", "--filter", "recipient=c0@closed.test", "--to", "high")
check("priority", items("--filter", "priority=1")[0]["recipient"] == "c0@closed.test", done.stdout)
house.mailctl("queue", "route", "--filter", "recipient=c0@closed.test", "--to", "bob")
check("queue route sends it another way", until(lambda: any(b"c0@closed.test" in m for m in sunk())), items())
check("an unknown route is refused", house.mailctl("queue", "route", "--filter", "domain=closed.test", "--to", "nowhere", check=False).returncode == 3)
one = items("--filter", "recipient=c1@closed.test")[0]["id"]
house.mailctl("queue", "hold", one)
check("hold by id", items("--filter", "recipient=c1@closed.test")[0]["status"] == "held")
check("dump writes the message", "Subject: outbound" in house.mailctl("queue", "dump", one).stdout)
house.mailctl("queue", "drop", one, "--silent", "--yes")
check("drop --silent", not items("--filter", "recipient=c1@closed.test"))
house.mailctl("queue", "drop", "--filter", "recipient=c2@closed.test", "--notify", "--yes")
check("drop --notify tells the sender", until(lambda: any("c2@closed.test" in t for t in house.reports())), house.tail())
check("nothing of it is left", not items("--filter", "domain=closed.test"), items())
check("it stops cleanly", house.stop() == 0, house.tail())
check("so does the smart host", relay.stop() == 0)
check.finish()
