#!/usr/bin/env python3
"""crash_mailbox.py [kill|power]: APPEND, STORE, EXPUNGE, MOVE, COPY, RENAME, CREATE and DELETE of several IMAP clients beside SMTP
and compaction, over many crashes. What was answered OK is there; what was not answered was done whole or not at all.
kill: kill -9 at random moments. power: each crash also takes back every write that was not synced (power_cut.so).
Each client works on folders of its own, so that it knows exactly what must be in them: the state before its last command when
that was not answered, or the one after it."""
import copy, imaplib, os, random, re, subprocess, sys, threading, time
from house import MAILCTL, Checks, House, Smtp

imaplib.Commands["MOVE"] = ("SELECTED",)
MODE = sys.argv[1] if len(sys.argv) > 1 else "kill"
ROUNDS, WANTED, MOST_ROUNDS, CLIENTS = 20, 1500, 150, 6
check, seed = Checks(), int(os.environ.get("SEED", random.randrange(1 << 30)))
rng = random.Random(seed)
print(f"seed {seed}; SEED={seed} plays the same again")
FLAGS = ["\\Seen", "\\Flagged", "\\Answered", "$Work"]


def message(key):
    """The whole message is known by its key."""
    r = random.Random(key)
    text = ("%030x\r\n" % r.getrandbits(120)) * r.choice((1, 20, 150, 2500))
    return f"Message-ID: <{key}>\r\nSubject: crash\r\n\r\n{text}".encode()


class Client:
    """One IMAP user on the folders below its own name, and what must be in them: name -> [[key, flags], ...] in UID order."""
    def __init__(self, number):
        self.number, self.user = number, ("ann", "bob")[number % 2]
        self.root = f"w{number}"
        self.rng = random.Random(rng.random())
        self.states = [{}]  # what the store may hold; two while a command is in doubt
        self.serial = self.done = 0
        self.counts = {}
        self.tops = {}  # (name, UIDVALIDITY) -> highest UID ever seen
        self.faults = []

    def ask(self, command, *arguments):
        kind, data = getattr(self.imap, command)(*arguments)
        if kind != "OK":
            raise AssertionError(f"{command} {arguments}: {kind} {data}")
        return data

    def read(self):
        """What the store holds now."""
        state = {}
        for row in self.ask("list", '""', f'"{self.root}*"'):
            if row is None:
                continue
            name = row.decode().rsplit(" ", 1)[1].strip('"')
            self.ask("select", name)
            validity, uid_next = self.imap.untagged_responses["UIDVALIDITY"][0], int(self.imap.untagged_responses["UIDNEXT"][0])
            items, uids = [], []
            for part in self.ask("fetch", "1:*", "(UID FLAGS BODY.PEEK[])") if int(self.imap.untagged_responses["EXISTS"][-1]) else []:
                if not isinstance(part, tuple):
                    continue
                uids.append(int(re.search(rb"UID (\d+)", part[0])[1]))
                flags = {f for f in re.search(rb"FLAGS \(([^)]*)\)", part[0])[1].decode().split() if f != "\\Recent"}
                key = re.search(rb"Message-ID: <([^>]+)>", part[1])[1].decode()
                if part[1] != message(key):
                    self.faults.append(f"{name}: the bytes of {key} are not what was appended")
                items.append([key, flags])
            top = self.tops.get((name, validity), 0)
            if uids != sorted(set(uids)) or uid_next <= max(uids + [top]):
                self.faults.append(f"{name}: UIDs {uids[-3:]}, next {uid_next}, seen before {top}")
            self.tops[name, validity] = max(uids + [top])
            state[name] = items
        return state

    def settle(self):
        """The state is one of those it may be."""
        found = self.read()
        if found not in self.states:
            self.faults.append(f"after {self.last}: found {summary(found)}, expected one of {[summary(s) for s in self.states]}")
        self.states = [found]

    def next_command(self, state):
        """(what, commands, the state after the last of them)."""
        r, after = self.rng, copy.deepcopy(state)
        names = sorted(after)
        if len(names) < 2:
            self.serial += 1
            after[f"{self.root}f{self.serial}"] = []
            return "CREATE", ("create", f"{self.root}f{self.serial}"), after
        name, other = r.sample(names, 2)
        items = after[name]
        what = r.choice(["APPEND"] * 4 + ["STORE", "STORE", "DELETED", "EXPUNGE", "MOVE", "COPY", "RENAME", "DELETE"])
        if what == "APPEND":
            self.serial += 1
            key = f"w{self.number}n{self.serial}@crash.test"
            items.append([key, {"\\Seen"}])
            return what, ("append", name, "(\\Seen)", None, message(key)), after
        if what == "RENAME":
            self.serial += 1
            after[f"{self.root}f{self.serial}"] = after.pop(name)
            return what, ("rename", name, f"{self.root}f{self.serial}"), after
        if what == "DELETE" and len(names) > 3:
            del after[name]
            return what, ("delete", name), after
        if not items or what == "DELETE":
            self.serial += 1
            after[f"{self.root}f{self.serial}"] = []
            return "CREATE", ("create", f"{self.root}f{self.serial}"), after
        self.ask("select", name)
        first = r.randint(1, len(items))
        last = min(len(items), first + r.randint(0, 10))
        chosen, these = items[first - 1:last], f"{first}:{last}"
        if what in ("STORE", "DELETED"):
            flag = "\\Deleted" if what == "DELETED" else r.choice(FLAGS)
            add = what == "DELETED" or r.random() < 0.6
            for item in chosen:
                (item[1].add if add else item[1].discard)(flag)
            return "STORE", ("store", these, "+FLAGS" if add else "-FLAGS", f"({flag})"), after
        if what == "EXPUNGE":
            after[name] = [item for item in items if "\\Deleted" not in item[1]]
            return what, ("expunge",), after
        if len(after[other]) + len(chosen) > 40:
            after[other] = [item for item in after[other] if "\\Deleted" not in item[1]]
            self.ask("select", other)
            return "EXPUNGE", ("expunge",), after
        after[other] += copy.deepcopy(chosen)
        if what == "MOVE":
            del items[first - 1:last]
        return what, ("_simple_command", what, these, other) if what == "MOVE" else ("copy", these, other), after

    def run(self, house):
        try:
            self.imap = imaplib.IMAP4("127.0.0.1", house.ports["imap"], timeout=20)
            self.imap.login(f"{self.user}@example.test", "secret")
            self.settle()
            while True:
                what, command, after = self.next_command(self.states[0])
                self.last = what
                self.states.append(after)
                self.ask(*command)
                self.states = [after]
                self.done += 1
                self.counts[what] = self.counts.get(what, 0) + 1
        except (OSError, EOFError, imaplib.IMAP4.abort):
            pass
        except Exception as error:
            self.faults.append(f"{self.last}: {error!r}")
    last = "start"


def summary(state):
    return {name: [(key.split("@")[0], *sorted(flags)) for key, flags in items] for name, items in sorted(state.items())}


class Sender(threading.Thread):
    """Mail over SMTP beside it: local, and to elsewhere, where it is dropped again, so that segments become thin."""
    acked, serial = [], 0

    def __init__(self, house):
        super().__init__(daemon=True)
        self.house = house

    def run(self):
        try:
            client = Smtp(self.house.ports["spare"], 20)
            while True:
                Sender.serial += 1
                key, local = f"s{Sender.serial}@crash.test", Sender.serial % 4 == 0
                to = "ann@example.test" if local else "x@remote.test"
                text = message(key).decode()
                if client.deliver("s@remote.test", [to], text[:-2]).startswith("250") and local:
                    Sender.acked.append(key)
        except (OSError, EOFError):
            pass


def housekeeping(house, end):
    """Drops the mail for elsewhere and compacts, again and again."""
    while not end.is_set():
        for words in (["queue", "drop", "--filter", "domain=remote.test", "--silent", "-y"], ["store", "compact"]):
            subprocess.run([MAILCTL, "--socket", house.socket, *words], capture_output=True, timeout=60)


house = House(listeners="", extra="""---
kind: listener
items: {relay: {protocol: smtp, bind: "127.0.0.1:SPARE", tls: none, relay_from: [127.0.0.0/8]}}
---
kind: route
items: {nowhere: {domains: [remote.test], relay: "127.0.0.1:1"}}
""")
house.site.write_text(house.site.read_text().replace("SPARE", str(house.ports["spare"])))
(house.dir / "boot").write_text("segment_bytes: 1048576\n")
arguments = ["--config", house.dir / "boot"]
clients = [Client(n) for n in range(CLIENTS)]
rounds = cuts = compacted = 0
while (rounds < ROUNDS or sum(c.done for c in clients) < WANTED) and rounds < MOST_ROUNDS:
    rounds += 1
    environment = {}
    if MODE == "power":
        environment = {"LD_PRELOAD": os.environ["POWER_CUT"], "POWER_CUT_DIR": str(house.data),
                       "POWER_CUT_AFTER": str(rng.randrange(100, 2500))}
    if not house.start(environment, arguments=arguments):
        cuts += 1
        continue
    end = threading.Event()
    threads = [threading.Thread(target=c.run, args=(house,), daemon=True) for c in clients] + [Sender(house)]
    threads.append(threading.Thread(target=housekeeping, args=(house, end), daemon=True))
    for t in threads:
        t.start()
    if MODE == "power":
        try:
            house.process.wait(20)
            cuts += house.process.returncode == 137
        except subprocess.TimeoutExpired:
            house.kill()
    else:
        time.sleep(rng.uniform(0.2, 1.2))
        house.kill()
    end.set()
    for t in threads:
        t.join(60)
    compacted = (house.dir / "log").read_bytes().count(b"event=store_compacted")
    if any(c.faults for c in clients):
        break
counts = {}
for c in clients:
    for what, n in c.counts.items():
        counts[what] = counts.get(what, 0) + n
check(f"{sum(counts.values())} commands acknowledged in {rounds} rounds ({cuts} power cuts)", sum(counts.values()) >= WANTED, house.tail())
check(f"of each kind: {counts}", len(counts) == 8 and min(counts.values()) >= 5)
check(f"{compacted} segments were compacted meanwhile", compacted > 0)
check("it starts after the last crash", house.start(arguments=arguments), house.tail())
for c in clients:
    c.imap = house.imap(c.user)
    c.settle()
    c.imap.logout()
    check(f"client {c.number}: all that was answered is there, nothing half done", not c.faults, c.faults[:2])
imap = house.imap()
imap.select("INBOX")
data = imap.fetch("1:*", "(BODY.PEEK[])")[1] if Sender.acked else []
found = {}
for part in data:
    if isinstance(part, tuple):
        key = re.search(rb"Message-ID: <([^>]+)>", part[1])[1].decode()
        found[key] = found.get(key, 0) + part[1].endswith(message(key))
imap.logout()
check(f"SMTP: all {len(Sender.acked)} acknowledged messages are there once and whole",
      all(found.get(key) == 1 for key in Sender.acked) and max(found.values(), default=1) == 1)
check("it stops cleanly", house.stop() == 0, house.tail())
report = house.check()
check("maild check finds everything sound", report.returncode == 0, report.stdout + report.stderr)
check.finish()
