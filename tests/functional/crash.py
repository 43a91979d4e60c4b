#!/usr/bin/env python3
"""crash.py [kill|power|power-data|power-some|term]: what was answered 250 is there exactly once, after every crash.
kill: maild is killed with -9 at random moments under load, in at least 40 rounds and until at least 1,000 messages were
acknowledged.
power: the same, but each crash also takes back every write that was not synced (power_cut.so); power-data and power-some: only
the data of them, or some of them and not others (F04).
term: SIGTERM instead: every client hears 421, nothing is stored that was not acknowledged, and maild exits with 0 in time."""
import os, random, re, sys, threading, time
from house import Checks, House, Smtp

MODE, _, LEFT = (sys.argv[1] if len(sys.argv) > 1 else "kill").partition("-")
WANTED, SENDERS, ROUNDS, MOST_ROUNDS = 1000, 8, 40, 400
if LEFT:
    WANTED, ROUNDS = 300, 15
if MODE == "term":
    WANTED, ROUNDS, MOST_ROUNDS = 300, 12, 100
check, seed = Checks(), int(os.environ.get("SEED", random.randrange(1 << 30)))
rng = random.Random(seed)
print(f"seed {seed}; SEED={seed} plays the same again")


class Sender(threading.Thread):
    """Delivers unique messages until the connection breaks; knows which were acknowledged."""
    def __init__(self, house, number, round_number):
        super().__init__(daemon=True)
        self.house, self.prefix = house, f"r{round_number}s{number}"
        self.acked, self.sent, self.last = [], [], ""
        self.rng = random.Random(rng.random())

    def run(self):
        try:
            client = Smtp(self.house.ports["smtp"], 20)
            for n in range(100000):
                key = f"{self.prefix}n{n}@crash.test"
                to = self.rng.choice((["ann@example.test"], ["ann@example.test", "bob@example.test"]))
                body = "x" * self.rng.choice((10, 500, 4000, 80000))
                self.sent.append((key, to))
                reply = client.deliver("s@remote.test", to, f"Message-ID: <{key}>\r\nSubject: crash\r\n\r\n{body}")
                self.last = reply
                if reply.startswith("250"):
                    self.acked.append((key, to))
                else:
                    break
            client.close()
        except (OSError, EOFError) as error:
            self.last = repr(error)


def stored(house, user):
    """Message-ID -> how often, and the UIDs, of everything in INBOX."""
    client = house.imap(user)
    client.select("INBOX")
    data = client.fetch("1:*", "(UID BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")[1]
    found, uids = {}, []
    for item in data:
        if isinstance(item, tuple):
            uids.append(int(re.search(rb"UID (\d+)", item[0])[1]))
            key = re.search(rb"<([^>]+)>", item[1])[1].decode()
            found[key] = found.get(key, 0) + 1
    validity = client.response("UIDVALIDITY")[1]
    client.logout()
    return found, uids, validity


house = House()
acked, sent, rounds, cuts = [], [], 0, 0
stops, partings = [], set()
while (len(acked) < WANTED or rounds < ROUNDS) and rounds < MOST_ROUNDS:
    rounds += 1
    environment = {}
    if MODE == "power":
        environment = {"LD_PRELOAD": os.environ["POWER_CUT"],
                       "POWER_CUT_DIR": str(house.data), "POWER_CUT_MODE": LEFT, "POWER_CUT_AFTER": str(rng.randrange(60, 1500))}
    if not house.start(environment):
        cuts += 1
        continue # the power went during the start: a start like any other
    senders = [Sender(house, n, rounds) for n in range(SENDERS)]
    for s in senders:
        s.start()
    if MODE == "power":
        try:
            house.process.wait(30)
            cuts += house.process.returncode == 137
        except Exception:
            house.kill()
    elif MODE == "term":
        time.sleep(rng.uniform(0.1, 0.5))
        began = time.time()
        stops.append((house.stop(), time.time() - began))
    else:
        time.sleep(rng.uniform(0.01, 0.3))
        house.kill()
    for s in senders:
        s.join(30)
        acked += s.acked
        sent += s.sent
        partings.add(s.last[:9])

check(f"{len(acked)} messages acknowledged in {rounds} rounds ({cuts} power cuts)", len(acked) >= WANTED)
if MODE == "term":
    check("each time it exits with 0 within 10 s", all(status == 0 and took < 10 for status, took in stops), stops)
    check("every client hears 421 4.3.2", partings == {"421 4.3.2"}, partings)
    sent = acked  # nothing else may be stored
began = time.time()
check("it starts after the last crash", house.start(), house.tail())
check(f"ready {time.time() - began:.2f} s after it", time.time() - began < 5)
for user in ("ann", "bob"):
    address = f"{user}@example.test"
    found, uids, validity = stored(house, user)
    lost = [k for k, to in acked if address in to and k not in found]
    twice = [k for k, n in found.items() if n > 1]
    known = {k for k, to in sent if address in to}
    check(f"{user}: nothing acknowledged is lost", not lost, lost[:5])
    check(f"{user}: nothing is there twice", not twice, twice[:5])
    check(f"{user}: nothing is there that was never sent", not set(found) - known, list(set(found) - known)[:5])
    check(f"{user}: UIDs ascend and never repeat", uids == sorted(set(uids)))
check("it stops cleanly", house.stop() == 0, house.tail())
report = house.check()
check("maild check finds every row and every checksum sound", report.returncode == 0, report.stdout + report.stderr)
check.finish()
