#!/usr/bin/env python3
"""mail_exchanger.py: a message leaves by MX through a real name server (nsd) on loopback, and what cannot be delivered comes
back as a report."""
import atexit, re, shutil, subprocess, time
from house import Checks, House, free_ports, until
from remote import Remote, refuse

check = Checks()
nsd = shutil.which("nsd") or shutil.which("nsd", path="/usr/sbin")
if not nsd:
    raise SystemExit("nsd is not installed: scripts/packages test")
dns, sink = free_ports(2)


house = House(extra=f"""---
kind: resolver
name: resolver
spec: {{servers: ["127.0.0.1:{dns}"]}}
---
kind: route
items:
  everything: {{domains: ["*"], port: {sink}, allow_loopback: true, tls: none, retry: [2s]}}
""")
zone = house.dir / "remote.test.zone"
zone.write_text("""$ORIGIN remote.test.
$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
@ MX 10 dead
@ MX 20 mail
dead A 127.0.0.9
mail A 127.0.0.1
nullmx MX 0 .
nomx A 127.0.0.1
""")
(house.dir / "nsd.conf").write_text(f"""server:
    ip-address: 127.0.0.1@{dns}
    zonesdir: "{house.dir}"
    username: ""
    pidfile: ""
    database: ""
    xfrdfile: "{house.dir}/xfrd"
    zonelistfile: "{house.dir}/zonelist"
    logfile: "{house.dir}/nsd.log"
remote-control:
    control-enable: no
zone:
    name: remote.test
    zonefile: remote.test.zone
""")
server = subprocess.Popen([nsd, "-d", "-c", house.dir / "nsd.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
atexit.register(server.kill)
time.sleep(0.5)
check("the name server runs", server.poll() is None, (house.dir / "nsd.log").read_text() if (house.dir / "nsd.log").exists() else "")
unknown = refuse(b"unknown", b"550 5.1.1 No such person in this sink\r\n")
later = refuse(b"later", b"451 4.7.1 Greylisted, come back\r\n", 1)
peer = Remote("127.0.0.1", sink, {"RCPT": lambda *asked: unknown(*asked) or later(*asked)})
check("maild starts", house.start(), house.tail())


def send(to):
    return house.submit(to, f"From: ann@example.test\r\nTo: {to}\r\nSubject: by MX\r\n\r\n.leading dot\r\nend\r\n".encode())


done = send("good@remote.test")
check("submission takes it", done.returncode == 0, done.stderr)
check("it arrives through the second MX, the first being dead", until(lambda: len(peer.messages) == 1), house.tail())
if peer.messages:
    check("its bytes are dot-stuffed and whole", b"\r\n..leading dot\r\nend\r\n.\r\n" in peer.messages[0], peer.messages[0])
check("the queue is empty then", until(lambda: not house.mailctl_json("queue", "list")["items"]))
send("later@remote.test")
check("a 4xx is tried again and delivered", until(lambda: len(peer.messages) == 2, 30), house.tail())
send("unknown@remote.test")
send("someone@nullmx.remote.test")
send("someone@absent.remote.test")

check("three reports come back", until(lambda: len(house.reports()) == 3, 30), house.tail())
texts = house.reports()
check("with the remote's own words", any("No such person in this sink" in t for t in texts))
check("as multipart/report of delivery-status", all("report-type=delivery-status" in t.replace('"', "") for t in texts))
check("for null MX and for a domain that does not exist", any("5.1.10" in t for t in texts) and
      any(re.search(r"Status: 5\.1\.2", t) for t in texts), [re.findall(r"Status: .*", t) for t in texts])
check("the queue is empty at the end", until(lambda: not house.mailctl_json("queue", "list")["items"]))
check("it stops cleanly", house.stop() == 0, house.tail())
check.finish()
