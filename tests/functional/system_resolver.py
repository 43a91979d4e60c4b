#!/usr/bin/env python3
"""system_resolver.py: without name servers of its own maild asks the system's; when /etc/resolv.conf changes while it runs, the new
ones are asked within seconds (faults R06). Needs root: it plays in network and mount namespaces of its own."""
import os, pathlib, socket, tempfile, threading
from namespaces import enter

if "RESOLV_CONF" not in os.environ:
    with tempfile.TemporaryDirectory(prefix="resolv.") as folder:
        listed = pathlib.Path(folder) / "resolv.conf"
        listed.write_text("nameserver 192.0.2.53\n")
        enter("""for n in 53 54 60; do ip addr add 192.0.2.$n/32 dev lo; done
mount --bind "$RESOLV_CONF" /etc/resolv.conf
""", {"RESOLV_CONF": str(listed)})

from house import Checks, House, until
from remote import Remote

check = Checks()
port = 2525
asked = {"192.0.2.53": 0, "192.0.2.54": 0}


def name_server(address):
    """Every name has one MX and one address; everything else has no records."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 53))
    while True:
        query, client = server.recvfrom(4096)
        asked[address] += 1
        end = query.index(b"\0", 12)
        kind, question = query[end + 1:end + 3], query[12:end + 5]
        data = {b"\0\x0f": b"\0\x0a\x02mx\xc0\x0c", b"\0\x01": socket.inet_aton("192.0.2.60")}.get(kind)
        if data is None or end == 12:
            server.sendto(query[:2] + b"\x85\x80\0\1\0\0\0\0\0\0" + question, client)
        else:
            server.sendto(query[:2] + b"\x85\x80\0\1\0\1\0\0\0\0" + question + b"\xc0\x0c" + kind + b"\0\1\0\0\0\x3c" +
                          len(data).to_bytes(2, "big") + data, client)


for address in asked:
    threading.Thread(target=name_server, args=(address,), daemon=True).start()
remote = Remote("192.0.2.60", port)
house = House(mailboxes=("ann",), extra=f"""---
kind: route
items: {{exchangers: {{domains: ["*"], port: {port}, allow_loopback: true, tls: none, retry: [1s]}}}}
""")
check("maild starts", house.start(), house.tail())


def send(to):
    done = house.submit(to, f"From: ann@example.test\r\nTo: {to}\r\nSubject: dns\r\n\r\nhello\r\n".encode())
    check(f"mail to {to} is taken", done.returncode == 0, done.stderr)


send("a@one.example.net")
check("the system's name server is asked", until(lambda: remote.messages) and asked["192.0.2.53"] > 0, house.tail())
check("and no other", asked["192.0.2.54"] == 0)
pathlib.Path(os.environ["RESOLV_CONF"]).write_text("nameserver 192.0.2.54\n")
names = iter(range(1000))


def new_is_asked():
    send(f"a@n{next(names)}.example.net")
    return asked["192.0.2.54"] > 0


check("after a change the new one is asked, within five seconds", until(new_is_asked, 5), house.tail())
before, arrived = asked["192.0.2.53"], len(remote.messages)
send("a@two.example.net")
check("and the former no more", until(lambda: len(remote.messages) > arrived and any(b"two.example" in m for m in remote.messages)) and
      asked["192.0.2.53"] == before, asked)
check("it stops cleanly", house.stop() == 0, house.tail())
check.finish()
