#!/usr/bin/env python3
"""hostile_dns.py: name servers that are dead, slow, lie or answer nonsense, and what becomes of the mail (faults O12, R05, R06). The
first of two name servers never answers; the second plays the domains below."""
import socket, socketserver, struct, threading, time
from house import Checks, House, free_ports, until
from remote import Remote

check = Checks()
dns, smtp = free_ports(2)
A, NS, CNAME, SOA, MX, TXT = 1, 2, 5, 6, 15, 16
NOERROR, SERVFAIL, NXDOMAIN, REFUSED = 0, 2, 3, 5


def name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".") if label) + b"\0"


def address(text):
    return socket.inet_aton(text)


def mx(preference, host):
    return struct.pack(">H", preference) + name(host)


def record(owner, kind, data):
    return name(owner) + struct.pack(">HHIH", kind, 1, 60, len(data)) + data


HOST = "127.0.0.61"
zone = {  # (name, type): records, or a response code
    ("live.test", MX): [mx(10, "mx.live.test")], ("mx.live.test", A): [address(HOST)],
    ("fails.test", MX): SERVFAIL, ("refused.test", MX): REFUSED,
    ("thousand.test", MX): [mx(i, f"h{i}.thousand.test") for i in range(1000)],
    ("badhost.test", MX): [mx(10, "mx.badhost.test")], ("mx.badhost.test", A): SERVFAIL,
    ("longtext.test", MX): [mx(10, "mx.live.test")],
    ("_mta-sts.longtext.test", TXT): [b"\xff" + b"v" * 255] * 250,
    ("chain0.test", CNAME): [name("chain1.test")],
}
zone |= {(f"h{i}.thousand.test", A): [address("127.0.0.62")] for i in range(1000)}
zone |= {(f"chain{i}.test", CNAME): [name(f"chain{i + 1}.test")] for i in range(1, 60)} | {("chain60.test", MX): [mx(10, "mx.live.test")]}
zone |= {(f"live{i}.test", MX): [mx(10, "mx.live.test")] for i in range(8)}
zone |= {("ring0.test", CNAME): [name("ring1.test")], ("ring1.test", CNAME): [name("ring0.test")]}
asked, silent_asked = [], []
known = {owner for owner, _ in zone} | {"slow.test", "garbage.test", "loops.test", "spoofed.test", "dark.test"}


def reply(query, by_tcp):
    """What the second name server says to one question; None: nothing."""
    end = query.index(b"\0", 12)
    question = query[12:end + 5]
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode().lower())
        at += 1 + query[at]
    owner, kind = ".".join(labels), struct.unpack(">H", query[end + 1:end + 3])[0]
    asked.append((owner, kind, by_tcp))
    head = lambda flags, count: query[:2] + struct.pack(">HHHHH", flags, 1, count, 0, 0) + question
    if owner == "slow.test":
        time.sleep(10)
    if owner == "dark.test":
        return None
    if owner == "garbage.test":
        return query[:2] + b"\x85\x80\xff\xff\xff\xff\xff\xff\xff\xff" + b"\xfe" * 40
    if owner == "loops.test":  # a compressed name that points to itself
        return head(0x8580, 1) + b"\xc0" + bytes([len(head(0, 0))]) + struct.pack(">HHIH", kind, 1, 60, 4) + b"\0\1\xc0\x0c"
    if owner == "spoofed.test":  # somebody else's id
        return bytes([query[0] ^ 0x55, query[1]]) + head(0x8580, 0)[2:]
    found = zone.get((owner, kind), zone.get((owner, CNAME), NOERROR if owner in known else NXDOMAIN))
    if isinstance(found, int):
        return head(0x8580 | found, 0)
    kind = kind if (owner, kind) in zone else CNAME
    body = b"".join(record(owner, kind, data) for data in found)
    if not by_tcp and len(body) > 400:
        return head(0x8780, 0)  # TC: ask again over TCP
    return head(0x8580, len(found)) + body


class Udp(socketserver.BaseRequestHandler):
    def handle(self):
        said = reply(self.request[0], False)
        if said:
            self.request[1].sendto(said, self.client_address)


class Tcp(socketserver.StreamRequestHandler):
    def handle(self):
        while size := self.rfile.read(2):
            said = reply(self.rfile.read(struct.unpack(">H", size)[0]), True)
            if said:
                self.wfile.write(struct.pack(">H", len(said)) + said)


class Silent(socketserver.BaseRequestHandler):
    def handle(self):
        silent_asked.append(1)


socketserver.ThreadingTCPServer.allow_reuse_address = True
for kind, where, handler in ((socketserver.ThreadingUDPServer, "127.0.0.63", Silent), (socketserver.ThreadingUDPServer, "127.0.0.64", Udp),
                             (socketserver.ThreadingTCPServer, "127.0.0.64", Tcp)):
    server = kind((where, dns), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()

live = Remote(HOST, smtp)
many = Remote("127.0.0.62", smtp, {"greeting": b"421 4.3.2 not now\r\n"})
house = House(mailboxes=("ann",), extra=f"""---
kind: resolver
name: resolver
spec: {{servers: ["127.0.0.63:{dns}", "127.0.0.64:{dns}"]}}
---
kind: route
items: {{exchangers: {{domains: ["*"], port: {smtp}, allow_loopback: true, retry: [1h], tls: none}}}}
""")
check("maild starts", house.start(), house.tail())


def send(to):
    done = house.submit(to, f"From: ann@example.test\r\nTo: {to}\r\nSubject: dns\r\n\r\nhello\r\n".encode())
    check(f"mail to {to} is taken", done.returncode == 0, done.stderr)


def item(domain):
    found = house.mailctl_json("queue", "list", "--filter", f"domain={domain}")["items"]
    return found[0] if found else None


def error(domain):
    return ((item(domain) or {}).get("last_error") or {}).get("text", "")


delays = []
for i in range(8):
    begin = time.time()
    send(f"a@live{i}.test")
    until(lambda: len(live.messages) > i, 10)
    delays.append(time.time() - begin)
print(f"     eight domains one after the other, each delivered after at most {max(delays):.1f} s; the dead server was asked {len(silent_asked)} times")
check("the first name server is dead: the second is asked within five seconds", len(live.messages) == 8 and max(delays) < 5, (delays, house.tail()))
check("though the first was tried", silent_asked)
for domain in ("slow", "dark", "garbage", "loops", "spoofed", "fails", "refused", "badhost", "ring0", "chain0", "thousand", "longtext", "absent"):
    send(f"a@{domain}.test")
begin = time.time()
send("b@live.test")
check("look-ups that hang hold up nobody", until(lambda: len(live.messages) >= 9, 5), house.tail())
print(f"     mail beside them: {(time.time() - begin) * 1000:.0f} ms")
for domain, what in (("fails", "SERVFAIL"), ("refused", "REFUSED"), ("badhost", "SERVFAIL for the exchanger's address"), ("slow", "an answer after ten seconds"),
                     ("dark", "no answer at all"), ("garbage", "an answer that is none"), ("loops", "a name compressed into itself"),
                     ("spoofed", "an answer with another's id"), ("ring0", "CNAMEs in a ring"), ("chain0", "a chain of sixty CNAMEs")):
    check(f"{what}: it waits", until(lambda: error(f"{domain}.test") != "", 30) and item(f"{domain}.test")["status"] == "deferred" and
          "name server" in error(f"{domain}.test"), (item(f"{domain}.test"), house.tail(5)))
check("NXDOMAIN: returned at once", until(lambda: any("5.1.2" in t and "a@absent.test" in t for t in house.reports())), house.tail())
check("a truncated answer is asked for again over TCP", until(lambda: ("thousand.test", MX, True) in asked))
check("of a thousand exchangers twenty are tried", until(lambda: many.connections == 20) and error("thousand.test").startswith("421"),
      (many.connections, error("thousand.test")))
check("and no more are looked up", len({o for o, _, _ in asked if o.endswith(".thousand.test")}) <= 20)
check("64 KB of text where a policy should be: mail goes", until(lambda: len(live.messages) >= 10), error("longtext.test"))
check("and the server still knows where mail goes", house.mailctl_json("route", "test", "a@live.test")["hosts"][0]["address"] == HOST)
check("it stops cleanly", house.stop() == 0, house.tail())
check.finish()
