#!/usr/bin/env python3
"""live_configuration.py: listeners, certificates, domains and mailboxes change while sessions go on."""
import hashlib, socket, ssl, time
from house import Checks, House, Smtp, free_ports, verifier

check = Checks()
house = House()
check("it starts", house.start(), house.tail())
p = house.ports


def refused(port):
    try:
        socket.create_connection(("127.0.0.1", port), 2).close()
        return False
    except OSError:
        return True


def fingerprint():
    context = ssl._create_unverified_context()
    with socket.create_connection(("127.0.0.1", p["imaps"]), 5) as raw, context.wrap_socket(raw) as s:
        return hashlib.sha256(s.getpeercert(True)).hexdigest()


kept, moved = house.imap(), Smtp(p["smtp"])
house.mailctl("listener", "create", "extra", "--protocol", "smtp", "--bind", f"127.0.0.1:{p['spare']}", "--tls", "none")
check("a new listener accepts at once", Smtp(p["spare"]).greeting.startswith("220"))
(other,) = free_ports(1)
house.mailctl("listener", "set", "mx", "--bind", f"127.0.0.1:{other}")
check("a moved listener accepts at its new address", Smtp(other).greeting.startswith("220"))
check("and no longer at the old one", refused(p["smtp"]))
check("its session goes on", moved.deliver("s@remote.test", ["ann@example.test"], "Subject: moved\r\n\r\nx").startswith("250"))
check("a session of another listener goes on", kept.select("INBOX")[0] == "OK")
house.mailctl("listener", "delete", "extra", "--yes")
check("a removed listener is closed", refused(p["spare"]))

before = fingerprint()
tls_session = ssl._create_unverified_context().wrap_socket(socket.create_connection(("127.0.0.1", p["imaps"]), 5))
tls_session.recv(1000)
house.mailctl("certificate", "set", "default", "--self-signed", "--names", "other.example.test")
check("a new certificate is shown to new sessions", fingerprint() != before)
tls_session.sendall(b"a NOOP\r\n")
check("a TLS session with the old one goes on", b"a OK" in tls_session.recv(1000))
bad = house.mailctl("certificate", "set", "default", "--self-signed=false", "--certificate-file", "/absent.crt", "--key-file",
                    "/absent.key", check=False)
check("files that are not there leave the certificate in service", fingerprint() != before, bad.stderr)

smtp = Smtp(other)
check("an unknown domain is relay", smtp.command("MAIL FROM:<s@remote.test>").startswith("250") and
      smtp.command("RCPT TO:<cat@new.test>").startswith("5"))
house.mailctl("domain", "create", "new.test")
house.mailctl("mailbox", "create", "cat@new.test", "--password-stdin", input="pussy")
check("a new mailbox gets mail in a session that was open before", smtp.command("RCPT TO:<cat@new.test>").startswith("250"))
house.mailctl("mailbox", "set", "cat@new.test", "--enabled=false")
check("a disabled one does not", smtp.command("RCPT TO:<cat@new.test>").startswith("5"))

ann = house.imap()
house.mailctl("mailbox", "set", "ann@example.test", "--enabled=false")
time.sleep(0.3)
try:
    ended = ann.noop()[0] != "OK"
except Exception:
    ended = True
check("disabling a mailbox ends its sessions", ended)
house.mailctl("mailbox", "set", "ann@example.test", "--enabled")
bob = house.imap("bob")
house.mailctl("mailbox", "password", "bob@example.test", "--password-stdin", input="another")
time.sleep(0.3)
try:
    ended = bob.noop()[0] != "OK"
except Exception:
    ended = True
check("a new password ends the sessions of the old one", ended)
check("and signs in", house.imap("bob", "another").select()[0] == "OK")

taken = house.mailctl("listener", "create", "taken", "--protocol", "imap", "--bind", f"127.0.0.1:{p['pop3']}", check=False)
check("an address in use is an error, or shown in status", taken.returncode != 0 or
      any(l["error"] for l in house.mailctl_json("status")["listeners"] if l["name"] == "taken"))
house.mailctl("listener", "delete", "taken", "--yes", check=False)
second = house.mailctl("domain", "create", "after.test")
check("later changes still work", second.returncode == 0)
check("it stops cleanly", house.stop() == 0, house.tail())
check("it starts again with everything, --apply skipped", house.start() and house.imap("bob", "another").select()[0] == "OK", house.tail())
check("it stops cleanly again", house.stop() == 0, house.tail())
check.finish()
