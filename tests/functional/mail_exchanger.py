#!/usr/bin/env python3
"""mail_exchanger.py: a message leaves by MX through a real name server (nsd) on loopback, and what cannot be delivered comes
back as a report."""
import atexit, os, re, shutil, socket, subprocess, threading, time
from house import Checks, House, free_ports, until

check = Checks()
nsd = shutil.which("nsd") or shutil.which("nsd", path="/usr/sbin")
if not nsd:
    raise SystemExit("nsd is not installed: scripts/packages test")
dns, sink = free_ports(2)


class Sink(threading.Thread):
    """A mail server that takes mail for good@, and has its own words for others."""
    def __init__(self):
        super().__init__(daemon=True)
        self.server = socket.create_server(("127.0.0.1", sink))
        self.messages, self.connections, self.slow = [], 0, 0

    def run(self):
        while True:
            connection, _ = self.server.accept()
            self.connections += 1
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        f = connection.makefile("rwb", buffering=0)
        say = lambda line: f.write(line.encode() + b"\r\n")
        recipients = []
        say("220 sink.test ESMTP")
        for line in f:
            word = line.split()[0].upper().decode() if line.split() else ""
            if word == "EHLO":
                say("250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 1000000")
            elif word == "RCPT":
                if b"unknown" in line:
                    say("550 5.1.1 No such person in this sink")
                elif b"later" in line and self.slow < 1:
                    self.slow += 1
                    say("451 4.7.1 Greylisted, come back")
                else:
                    recipients.append(line)
                    say("250 2.1.5 fine")
            elif word == "DATA":
                if not recipients:
                    say("503 5.5.1 no recipients")
                    continue
                say("354 go on")
                message = b""
                while not message.endswith(b"\r\n.\r\n"):
                    message += f.readline()
                self.messages.append((list(recipients), message))
                recipients.clear()
                say("250 2.0.0 in the sink")
            elif word == "QUIT":
                say("221 bye")
                break
            else:
                say("250 ok")
        connection.close()


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
peer = Sink()
peer.start()
check("maild starts", house.start(), house.tail())


def send(to):
    return house.submit(to, f"From: ann@example.test\r\nTo: {to}\r\nSubject: by MX\r\n\r\n.leading dot\r\nend\r\n".encode())


done = send("good@remote.test")
check("submission takes it", done.returncode == 0, done.stderr)
check("it arrives through the second MX, the first being dead", until(lambda: len(peer.messages) == 1), house.tail())
if peer.messages:
    check("its bytes are dot-stuffed and whole", b"\r\n..leading dot\r\nend\r\n.\r\n" in peer.messages[0][1], peer.messages[0][1])
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
