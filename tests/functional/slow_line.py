#!/usr/bin/env python3
"""slow_line.py: mail in and out over a line of 256 kbit/s whose short queue drops packets: every transfer completes, nothing times out
and nothing goes twice (faults R09). Needs root: the line is the loopback of a network namespace of its own."""
import re, subprocess, time
from namespaces import enter

enter("ip link set lo mtu 1500\ntc qdisc add dev lo root tbf rate 256kbit burst 16kb limit 24kb")

from house import Checks, House, until
from remote import Remote

check = Checks()
remote = Remote("127.0.0.71", 2525)
house = House(mailboxes=("ann",), extra="""---
kind: route
items: {out: {domains: [remote.test], relay: "127.0.0.71:2525", tls: none, retry: [1h]}}
""")
check("maild starts", house.start(), house.tail())


def send(number, size):
    body = f"From: ann@example.test\r\nSubject: slow {number}\r\n\r\n" + ("0123456789" * 7 + "\r\n") * (size // 72)
    done = house.submit(f"a{number}@remote.test", body.encode())
    check(f"{size} bytes are taken", done.returncode == 0, done.stderr)


begin = time.time()
sizes = [1000, 100_000, 1000, 20_000, 1000]
for number, size in enumerate(sizes):
    send(number, size)
check("all of them arrive", until(lambda: len(remote.messages) == len(sizes) and not house.mailctl_json("queue", "list")["items"], 60),
      (len(remote.messages), house.tail()))
taken = time.time() - begin
check("whole", sorted(len(m) // 1000 for m in remote.messages)[-2:] == [20, 100], [len(m) for m in remote.messages])
check("and once, each at its first attempt", house.tail(2000).count("delivery_done") == len(sizes) and "delivery_deferred" not in house.tail(2000))
line = subprocess.run(["tc", "-s", "qdisc", "show", "dev", "lo"], capture_output=True, text=True).stdout
dropped = int(re.search(r"dropped (\d+)", line)[1])
print(f"     {sum(sizes)} bytes in and out in {taken:.1f} s; the line dropped {dropped} packets")
check("the line was as bad as it should be", dropped > 0 and taken > 2 * sum(sizes) / 32_000, line)
check("it stops cleanly", house.stop() == 0, house.tail())
check.finish()
