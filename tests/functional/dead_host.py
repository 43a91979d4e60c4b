#!/usr/bin/env python3
"""dead_host.py: ten thousand messages for a host that does not answer never slow mail to one that does (faults O16). Prints what it
measured; then the host comes back and gets them all, over few connections."""
import statistics, threading, time
from house import Checks, House, Smtp, free_ports, until
from remote import Remote, black_hole

COUNT = 10_000
check = Checks()
(port,) = free_ports(1)
house = House(mailboxes=("ann",), extra=f"""---
kind: route
items:
  dead: {{domains: [dead.test], relay: "127.0.0.31:{port}", tls: none, retry: [5s]}}
  live: {{domains: [live.test], relay: "127.0.0.32:{port}", tls: none, retry: [5s]}}
""")
text = house.site.read_text().replace("tls: starttls}", "tls: starttls, relay_from: [127.0.0.1/32]}", 1)
house.site.write_text(text)
live = Remote("127.0.0.32", port)
hole = black_hole("127.0.0.31", port)
check("maild starts", house.start(), house.tail())


def send(to, count, connections=1):
    """`count` messages, one recipient each, as fast as they are taken."""
    def one(share):
        client = Smtp(house.ports["smtp"], 60)
        for i in range(share):
            client.send(f"MAIL FROM:<ann@example.test>\r\nRCPT TO:<{to}>\r\nDATA\r\n")
            replies = [client.reply() for _ in range(3)]
            assert replies[2].startswith("354"), replies
            client.send(f"Subject: {i}\r\n\r\nhello\r\n.\r\n")
            assert client.reply().startswith("250")
        client.close()
    threads = [threading.Thread(target=one, args=(count // connections,)) for _ in range(connections)]
    [t.start() for t in threads]
    [t.join() for t in threads]


def delays(count):
    """How long each of so many messages to the live host takes from its MAIL to its arrival there, in milliseconds."""
    taken = []
    for _ in range(count):
        before, begin = len(live.messages), time.time()
        send("x@live.test", 1)
        if not until(lambda: len(live.messages) > before, 30):
            raise SystemExit("mail to the live host does not arrive\n" + house.tail())
        taken.append((live.arrived[before] - begin) * 1000)
    return taken


def count(what):
    return sum(i["count"] for i in house.mailctl_json("queue", "summary", "--filter", what)["items"])


alone = delays(20)
begin = time.time()
send("x@dead.test", COUNT, 20)
queued = time.time() - begin
check(f"{COUNT} messages for the dead host are queued ({COUNT / queued:.0f}/s)", count("domain=dead.test") == COUNT)
beside = delays(30)
print(f"     mail to the live host: median {statistics.median(alone):.0f} ms alone, {statistics.median(beside):.0f} ms beside, "
      f"worst {max(alone):.0f} and {max(beside):.0f} ms")
check("mail to the live host is as quick beside them", statistics.median(beside) < 3 * statistics.median(alone) + 50, (alone, beside))
check("and never waits for them", max(beside) < 3000, beside)
begin = time.time()
page = house.mailctl_json("queue", "list", "--limit", "100")["items"]
listed = (time.time() - begin) * 1000
begin = time.time()
found = house.mailctl_json("queue", "list", "--limit", "100", "--filter", "domain=dead.test")["items"]
filtered = (time.time() - begin) * 1000
print(f"     first page of the queue in {listed:.0f} ms, filtered by domain in {filtered:.0f} ms, the command's start included")
check("the queue shows its first page at once", len(page) == 100 and len(found) == 100 and listed < 1000 and filtered < 1000, (listed, filtered))

# The host comes back.
[s.close() for s in hole]
dead = Remote("127.0.0.31", port)
begin = time.time()
house.mailctl("queue", "retry", "--filter", "domain=dead.test")
drained = until(lambda: len(dead.messages) >= COUNT and count("domain=dead.test") == 0, 90)
print(f"     all delivered {time.time() - begin:.1f} s after its return, over at most {dead.most_open} connections at a time")
check("the host that comes back gets each of them once", drained and len(dead.messages) == COUNT, (len(dead.messages), house.tail()))
check("over at most 20 connections at a time", 0 < dead.most_open <= 20, dead.most_open)
check("it stops cleanly", house.stop() == 0, house.tail())
check.finish()
