#!/usr/bin/env python3
"""queue_size.py: a queue of a hundred thousand items is as handy as a small one: its first page, filters by any field, sorted lists,
counts, and a change of many items while mail goes on. Prints the times; the program's start and the sanitizers are in them."""
import http.client, json, socket, statistics, threading, time, urllib.parse
from house import Checks, House, Smtp, free_ports, until
from remote import Remote, black_hole

MESSAGES, EACH = 100, 1000
check = Checks()
(port,) = free_ports(1)
house = House(mailboxes=("ann",), extra=f"""---
kind: route
items:
  dead: {{domains: ["*.dead.test"], relay: "127.0.0.33:{port}", tls: none, retry: [1h]}}
  live: {{domains: [live.test], relay: "127.0.0.34:{port}", tls: none}}
""")
house.site.write_text(house.site.read_text().replace("tls: starttls}", "tls: starttls, relay_from: [127.0.0.1/32]}", 1))
hole = black_hole("127.0.0.33", port)
live = Remote("127.0.0.34", port)
check("maild starts", house.start(), house.tail())


def fill(first, count):
    client = Smtp(house.ports["smtp"], 120)
    for m in range(first, first + count):
        recipients = [f"r{m}-{i}@d{i % 100}.dead.test" for i in range(EACH)]
        client.send(f"MAIL FROM:<user{m}@example.test>\r\n" + "".join(f"RCPT TO:<{r}>\r\n" for r in recipients) + "DATA\r\n")
        replies = [client.reply() for _ in range(EACH + 2)]
        assert replies[-1].startswith("354") and all(r.startswith("250") for r in replies[:-1]), replies[-3:]
        client.send(f"Message-ID: <m{m}@example.test>\r\nSubject: {m}\r\n\r\n{'x' * m}\r\n.\r\n")
        assert client.reply().startswith("250")
    client.close()


begin = time.time()
fill(0, MESSAGES)
print(f"     {MESSAGES * EACH} recipients queued in {time.time() - begin:.1f} s")


class Admin(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(house.socket))


admin = Admin("localhost", timeout=60)


def ask(path="", **query):
    admin.request("GET", f"/v1/queue{path}?" + urllib.parse.urlencode(query))
    return json.loads(admin.getresponse().read())["items"]


def timed(what, most, *arguments, **query):
    """The answer; its median time of five is printed and must be below `most` milliseconds."""
    times = []
    for _ in range(5):
        begin = time.time()
        answer = ask(*arguments, **query)
        times.append((time.time() - begin) * 1000)
    print(f"     {what}: {statistics.median(times):.0f} ms")
    check(f"{what} in time", statistics.median(times) < most, times)
    return answer


check("all of them are there", sum(i["count"] for i in ask("/summary")) == MESSAGES * EACH)
check("first page", len(timed("the first page", 50, limit=100)) == 100)
check("by domain", len(timed("a domain's 1,000", 400, filter="domain=d7.dead.test")) == 1000)
check("by domain, first page", len(timed("a domain's first page", 100, filter="domain=d7.dead.test", limit=100)) == 100)
for text, count in (("recipient=R99-77@d77.dead.test", 1), ("recipient~r99-77@*", 1), ("sender=user99@example.test", 100), ("message_id=m99@example.test", 100),
                    ("status=held", 0), ("attempts>1000", 0), ("error~nonsense", 0), ("error_code=550", 0), ("remote~nowhere", 0), ("route=nowhere", 0),
                    ("size>1M", 0), ("age>1d", 0), ("priority=1", 0), ("expires<1h", 0), ("id=999999999", 0)):
    check(text, len(timed(text, 400, filter=text, limit=100)) == count)
largest = timed("sorted by size", 1500, sort="-size", limit=10)
check("the largest are those of the last message", {i["sender"] for i in largest} == {f"user{MESSAGES - 1}@example.test"}, largest[:2])
timed("counted by domain", 1500, "/summary", by="domain")

changed = threading.Thread(target=lambda: house.mailctl("queue", "hold", "--filter", "domain~*.dead.test"))
begin = time.time()
changed.start()
slowest = 0
while changed.is_alive():
    before, start = len(live.messages), time.time()
    client = Smtp(house.ports["smtp"])
    client.deliver("ann@example.test", ["x@live.test"], "Subject: x\r\n\r\nhello")
    client.close()
    if not until(lambda: len(live.messages) > before):
        check("mail goes on", False, house.tail())
        break
    slowest = max(slowest, time.time() - start)
print(f"     all held in {time.time() - begin:.1f} s; meanwhile a message to a live host took at most {slowest * 1000:.0f} ms")
check("a change of everything holds up no mail", slowest < 3)
check("all are held", until(lambda: sum(i["held"] for i in ask("/summary")) == MESSAGES * EACH, 60), ask("/summary", by="status"))
check("it stops cleanly", house.stop() == 0, house.tail())
check.finish()
