#!/usr/bin/env python3
"""stress.py [--minutes N]: delivery, fetch, flags, copy, move, expunge and compaction at the same time, with checks on.
Each fetched message is compared with what was sent; change numbers only grow; a QRESYNC client that comes back again and again
has the right view each time; at the end every delivered message is somewhere or was expunged, and maild check is content.
Without --minutes it runs for 20 seconds."""
import argparse, imaplib, random, re, subprocess, sys, threading, time
from house import MAILCTL, Checks, House, Smtp

imaplib.Commands["MOVE"] = ("SELECTED",)
options = argparse.ArgumentParser()
options.add_argument("--minutes", type=float, default=1 / 3)
options.add_argument("--seed", type=int, default=random.randrange(1 << 30))
options = options.parse_args()
print(f"seed {options.seed}")
check, counts, faults, lock = Checks(), {}, [], threading.Lock()
delivered, expunged = set(), set()
end = time.time() + options.minutes * 60
MOST_IN_FOLDER = 400


def message(key):
    r = random.Random(key)
    return f"Message-ID: <{key}>\r\nSubject: stress\r\n\r\n" + ("%030x\r\n" % r.getrandbits(120)) * r.choice((1, 20, 150, 1000, 4000))


def note(what, n=1):
    with lock:
        counts[what] = counts.get(what, 0) + n


def fault(text):
    with lock:
        faults.append(text)
    print("fault:", text[:300], flush=True)


def worker(job):
    """Runs job(rng) again and again until the time is over; whatever it raises is a fault."""
    def run():
        rng = random.Random(f"{options.seed} {job.__name__} {threading.get_ident()}")
        try:
            step = job(rng)
            while time.time() < end and not faults:
                next(step)
        except Exception as error:
            fault(f"{job.__name__}: {error!r}")
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def ask(client, command, *arguments):
    kind, data = (client._simple_command(command, *arguments) if command == "MOVE" else getattr(client, command)(*arguments))
    if kind != "OK":
        raise AssertionError(f"{command} {arguments}: {kind} {data}")
    return data


def uids_of(client, *criteria):
    return ask(client, "uid", "SEARCH", *(criteria or ("ALL",)))[0].split()


def compare(part, where):
    key = re.search(rb"Message-ID: <([^>]+)>", part)
    if not key or not part.endswith(message(key[1].decode()).encode()):
        fault(f"{where}: the {len(part)} bytes of {key and key[1]} are not what was sent")
        return None
    return key[1].decode()


def deliver(rng):
    n = 0
    while True:
        if n % 5000 == 0: # a session takes 10,000 messages at most
            client = Smtp(house.ports["spare"], 60)
        n += 1
        key = f"{threading.get_ident()}.{n}@stress.test"
        away = n % 3 != 0  # dropped from the queue again: its segment becomes thin
        reply = client.deliver("s@remote.test", ["x@remote.test" if away else "ann@example.test"], message(key)[:-2])
        if not reply.startswith("250"):
            raise AssertionError(reply)
        if not away:
            with lock:
                delivered.add(key)
        note("sent away" if away else "delivered")
        yield
        if not away and len(delivered) - len(expunged) > MOST_IN_FOLDER:
            time.sleep(0.02)


def fetch(rng):
    client = house.imap()
    while True:
        ask(client, "select", rng.choice(("INBOX", "Archive", "Sent")), True)
        uids = uids_of(client)
        if uids:
            some = rng.sample(uids, min(len(uids), 10))
            data = client.uid("FETCH", b",".join(some), "(UID BODY.PEEK[])")[1]
            for part in data:
                if isinstance(part, tuple):
                    compare(part[1], "fetch")
                    note("fetched")
            # In pieces, as a slow client does while the bytes move.
            pieces = b""
            uid = rng.choice(uids)
            while True:
                data = client.uid("FETCH", uid, f"(BODY.PEEK[]<{len(pieces)}.20000>)")[1]
                if not any(b"BODY[]<" in (p[0] if isinstance(p, tuple) else p or b"") for p in data): # expunged meanwhile
                    pieces = b""
                    break
                piece = next((p[1] for p in data if isinstance(p, tuple)), b"")
                pieces += piece
                if len(piece) < 20000:
                    break
            if pieces:
                compare(pieces, "fetch in pieces")
                note("fetched in pieces")
        yield


def flag(rng):
    client, last = house.imap(), 0
    client._simple_command("ENABLE", "CONDSTORE")
    while True:
        name = rng.choice(("INBOX", "Archive"))
        ask(client, "select", name)
        uids = uids_of(client)
        if uids:
            first = rng.randrange(len(uids))
            some = b",".join(uids[first:first + rng.choice((1, 20, 400))])
            client.uid("STORE", some, rng.choice(("+FLAGS", "-FLAGS")), rng.choice(("(\\Seen)", "(\\Flagged)", "($Work)")))
            note("stores")
            number = int(re.search(rb"HIGHESTMODSEQ (\d+)", ask(client, "status", name, "(HIGHESTMODSEQ)")[0])[1])
            before, seen = seen_modseq.get(name, 0), number
            if number < before:
                fault(f"HIGHESTMODSEQ of {name} fell from {before} to {number}")
            seen_modseq[name] = max(before, seen)
        yield


def move(rng):
    client = house.imap()
    while True:
        ask(client, "select", "INBOX")
        uids = uids_of(client)
        if len(uids) > 20:
            some = b",".join(uids[:rng.randint(1, 40)])
            ask(client, "uid", "COPY", some, "Sent")
            ask(client, "uid", "MOVE", some, "Archive")
            note("moves")
        yield


def expunge(rng):
    client = house.imap()
    while True:
        for name, keep in (("Archive", 100), ("Sent", 50)):
            ask(client, "select", name)
            uids = uids_of(client)
            if len(uids) <= keep:
                continue
            some = b",".join(uids[:rng.randint(1, len(uids) - keep)])
            keys = []
            for part in ask(client, "uid", "FETCH", some, "(UID BODY.PEEK[])"):
                if isinstance(part, tuple):
                    keys.append(compare(part[1], "before expunge"))
            ask(client, "uid", "STORE", some, "+FLAGS.SILENT", "(\\Deleted)")
            ask(client, "uid", "EXPUNGE", some)
            if set(some.split(b",")) & set(uids_of(client)):
                fault("an expunged UID is still there")
            if name == "Archive":
                with lock:
                    if expunged & set(keys):
                        fault("a message was expunged twice")
                    expunged.update(keys)
            note("expunged", len(keys))
        yield


def numbers(text):
    out = set()
    for part in text.split(b","):
        first, _, last = part.partition(b":")
        out.update(range(int(first), int(last or first) + 1))
    return out


def resync(rng):
    """Goes away and comes back with QRESYNC; its view is then what is there (RFC 7162 section 3.2.5)."""
    name, view, known = "Archive", set(), None
    while True:
        client = house.imap()
        client._simple_command("ENABLE", "QRESYNC")
        quoted = f'{name} (QRESYNC ({known[0]} {known[1]}))' if known else name
        client.is_readonly = True
        kind, _ = client._simple_command("EXAMINE", quoted)
        if kind != "OK":
            raise AssertionError("EXAMINE with QRESYNC")
        client.state = "SELECTED"
        untagged = client.untagged_responses
        validity, modseq = int(untagged["UIDVALIDITY"][-1]), int(untagged["HIGHESTMODSEQ"][-1])
        if known:
            lines = untagged.get("VANISHED", [])
            for line in lines:
                if b"(EARLIER)" in line:
                    view -= numbers(line.split()[-1])
            for line in untagged.get("FETCH", []):
                view.add(int(re.search(rb"UID (\d+)", line if isinstance(line, bytes) else line[0])[1]))
            for line in lines: # gone while EXAMINE was answered, perhaps after its FETCH
                if b"(EARLIER)" not in line:
                    view -= numbers(line.split()[-1])
            if modseq < known[1]:
                fault("HIGHESTMODSEQ fell between two visits")
            # What happens after EXAMINE is told by the next command.
            untagged.clear()
            there = {int(uid) for uid in uids_of(client)}
            later_gone = set().union(*(numbers(line.split()[-1]) for line in client.untagged_responses.get("VANISHED", [])), set())
            client.untagged_responses.clear()
            if not view - later_gone <= there | later_gone:
                fault(f"a UID that is gone was not told: {sorted(view - later_gone - there)[:5]}")
            if {uid for uid in there if uid <= max(view, default=0)} - view:
                fault(f"a UID that is there was not told: {sorted(there - view)[:5]}")
            note("resyncs")
        else:
            view = {int(uid) for uid in uids_of(client)}
        known = (validity, modseq)
        client.logout()
        time.sleep(rng.uniform(0.05, 0.5))
        yield


def housekeeping(rng):
    while True:
        for words in (["queue", "drop", "--filter", "domain=remote.test", "--silent", "-y"], ["store", "compact"]):
            done = subprocess.run([MAILCTL, "--socket", house.socket, *words], capture_output=True, text=True, timeout=120)
            if done.returncode != 0:
                raise AssertionError(f"{words}: {done.returncode} {done.stderr}")
        note("compactions")
        yield


house = House(extra="""---
kind: listener
items: {relay: {protocol: smtp, bind: "127.0.0.1:SPARE", tls: none, relay_from: [127.0.0.0/8]}}
---
kind: route
items: {nowhere: {domains: [remote.test], relay: "127.0.0.1:1"}}
""")
house.site.write_text(house.site.read_text().replace("SPARE", str(house.ports["spare"])))
(house.dir / "boot").write_text("segment_bytes: 2097152\n")
if not house.start(arguments=["--config", house.dir / "boot"]):
    raise SystemExit(house.tail())
seen_modseq = {}
began = time.time()
jobs = [deliver, deliver, deliver, fetch, fetch, flag, move, expunge, resync, housekeeping]
for thread in [worker(job) for job in jobs]:
    thread.join(options.minutes * 60 + 150)
print(f"{time.time() - began:.0f} s:", ", ".join(f"{n} {what}" for what, n in sorted(counts.items())), flush=True)
check("nothing went wrong meanwhile", not faults, faults[:3])
check("everything was done", all(counts.get(what) for what in ("delivered", "fetched", "fetched in pieces", "stores", "moves",
                                                             "expunged", "resyncs", "compactions")), counts)
present = {}
client = house.imap()
for name in ("INBOX", "Archive"):
    ask(client, "select", name, True)
    if uids_of(client):
        for part in client.fetch("1:*", "(BODY.PEEK[])")[1]:
            if isinstance(part, tuple):
                key = compare(part[1], name)
                present[key] = present.get(key, 0) + 1
client.logout()
check("every delivered message is there once, or was expunged", set(present) | expunged == delivered and not set(present) & expunged
      and max(present.values(), default=1) == 1, sorted(delivered ^ (set(present) | expunged))[:3])
before = house.mailctl_json("store", "stats")
freed = (house.dir / "log").read_bytes().count(b"event=store_compacted")
print(f"{freed} segments given back; longest turn of the writer {before['longest_turn_ms']} ms;",
      f"{before['segment_bytes']} bytes in segments, {before['live_bytes']} in use", flush=True)
check("segments were given back", freed > 0)
check("what lies in segments is mostly in use", before["segment_bytes"] < 3 * before["live_bytes"] + 4 * 2097152, before)
check("nothing was found damaged", b"event=store_damaged" not in (house.dir / "log").read_bytes())
check("it stops cleanly", house.stop(60) == 0, house.tail())
report = house.check()
check("maild check finds everything sound", report.returncode == 0, report.stdout + report.stderr)
check.finish()
