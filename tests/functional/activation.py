#!/usr/bin/env python3
"""activation.py: sockets bound by a parent process (LISTEN_FDS), and what maild tells its supervisor (NOTIFY_SOCKET)."""
import os, signal, socket, sys, time
from house import Checks, House, Smtp, free_ports

check = Checks()
house = House(listeners="""  named: {protocol: imap, bind: "fd:imap", tls: none, plaintext_auth: allow}
  numbered: {protocol: pop3, bind: "fd:5", tls: none, plaintext_auth: allow}
""")
p = house.ports

mx = socket.create_server(("127.0.0.1", p["smtp"]))  # the address that the listener mx names
imap4, imap6 = socket.create_server(("127.0.0.1", 0)), None
pop3 = socket.create_server(("127.0.0.1", 0))
admin = socket.socket(socket.AF_UNIX)
admin.bind(str(house.socket))
admin.listen()
stray = socket.create_server(("127.0.0.1", 0))
sockets = [mx, imap4, pop3, admin, stray]
names = "mx:imap:pop:admin:stray"
try:
    imap6 = socket.create_server(("::1", 0), family=socket.AF_INET6)
    sockets.append(imap6)
    names += ":imap"
except OSError:
    pass  # no IPv6 here

notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind(str(house.dir / "notify"))
notify.settimeout(10)
os.environ["NOTIFY_SOCKET"] = str(house.dir / "notify")
os.environ["WATCHDOG_USEC"] = "400000"

# Puts the sockets where sd_listen_fds(3) wants them and becomes maild, so that its process id is known.
BECOME = """import os, sys
fds, names, whose = sys.argv[1].split(","), sys.argv[2], sys.argv[3]
high = [os.dup2(int(fd), 100 + i) for i, fd in enumerate(fds)]
for i, fd in enumerate(high):
    os.dup2(fd, 3 + i)
    os.close(fd)
os.environ |= {"LISTEN_FDS": str(len(fds)), "LISTEN_FDNAMES": names, "LISTEN_PID": str(os.getpid() if whose == "own" else 1)}
os.execv(sys.argv[4], sys.argv[4:])"""


def start(whose="own"):
    fds = [s.fileno() for s in sockets]
    return house.start(prefix=[sys.executable, "-c", BECOME, ",".join(map(str, fds)), names, whose], pass_fds=fds)


def ready(seconds=10):
    """What the supervisor heard up to READY=1."""
    heard = []
    end = time.time() + seconds
    while time.time() < end and not any(h.startswith("READY=1") for h in heard):
        heard.append(notify.recv(1000).decode())
    return heard


def greeting(s):
    return s.makefile("rb").readline()


early = socket.create_connection(mx.getsockname(), 20)
check("it starts", start(), house.tail())
heard = ready()
check("READY=1 once it serves", heard and heard[-1].startswith("READY=1"), heard)
check("a client that came before maild is served", greeting(early).startswith(b"220"))
check("a socket is found by its address", Smtp(p["smtp"]).deliver("s@remote.test", ["ann@example.test"], "Subject: x\r\n\r\nx").startswith("250"))
check("a socket is found by its name", greeting(socket.create_connection(imap4.getsockname(), 20)).startswith(b"* OK"))
if imap6:
    check("so is another of that name", greeting(socket.create_connection(imap6.getsockname()[:2], 20)).startswith(b"* OK"))
check("a socket is found by its number", greeting(socket.create_connection(pop3.getsockname(), 20)).startswith(b"+OK"))
status = house.mailctl_json("status")
check("the admin socket is the inherited one, all listeners are open",
      all(l["state"] == "open" for l in status["listeners"]), status)
check("listeners without a socket are bound as ever", greeting(socket.create_connection(("127.0.0.1", p["imap"]), 20)).startswith(b"* OK"))
check("a socket that nobody uses is told", "no listener uses this inherited socket" in house.tail(50) and "stray" in house.tail(50))
fds = os.listdir(f"/proc/{house.process.pid}/fd")
check("nothing else was inherited", len(fds) < 60, fds)
while not notify.recv(1000).startswith(b"WATCHDOG=1"):
    pass
check("the watchdog hears from it", True)
house.process.send_signal(signal.SIGHUP)
heard = ready()
check("RELOADING=1, then READY=1", any(h.startswith("RELOADING=1\nMONOTONIC_USEC=") for h in heard) and heard[-1].startswith("READY=1"), heard)

house.mailctl("listener", "set", "named", "--enabled=false")
house.mailctl("listener", "set", "named", "--enabled")
check("a listener may be closed and opened again", greeting(socket.create_connection(imap4.getsockname(), 20)).startswith(b"* OK"))

check("it stops cleanly", house.stop() == 0, house.tail())
heard = []
notify.settimeout(1)
try:
    while True:
        heard.append(notify.recv(1000))
except TimeoutError:
    pass
check("STOPPING=1", any(h.startswith(b"STOPPING=1") for h in heard), heard)
notify.settimeout(10)
waiting = socket.create_connection(mx.getsockname(), 20)
check("the parent's socket still takes connections, and its file is there", house.socket.exists())
check("it starts again", start(), house.tail())
check("who waited through the restart is served", greeting(waiting).startswith(b"220"))
status = house.stop()
check("it stops again", status == 0, (status, house.tail(4)))

for s in sockets:
    s.close()
house.socket.unlink()
sockets = [stray := socket.create_server(("127.0.0.1", 0))]
names = "imap"
check("sockets meant for another process are not taken: exit 78", not start("other") and house.process.wait(5) == 78, house.process.poll())
check("and the reason names the socket", "no socket named imap was passed" in house.tail(), house.tail())
check.finish()
