#!/usr/bin/env python3
"""crash_calls.py [NAME...]: one operation after the other is done again and again, and maild is killed just before its first write, sync,
truncation, renaming or removal of a file below the data directory, then before its second, and so on, until it comes through (fault_shim.so).
After each kill: what was answered is there once, what was not is there whole or not at all. F02; the upgrade is U01."""
import imaplib, os, pathlib, shutil, sqlite3, sys, time
from disk import Shim, subjects
from house import MAILD, Checks, House, free_ports, until
from remote import Remote

imaplib.Commands["MOVE"] = ("SELECTED",)
check = Checks()
MOST = 250  # kill points of one operation
ENDED = (OSError, EOFError, imaplib.IMAP4.abort)


def every_point(house, shim, name, prepare, act, verify, settle=0.6):
    """For each k: prepare(k), kill before the k-th call of act(k), start again, verify(k, answered). Ends when act and what follows it
    in the background come through."""
    points = faults = 0
    for k in range(1, MOST):
        what = prepare(k)
        shim.kill_in(k)
        try:
            answered = act(k, what)
        except ENDED:
            answered = False
        killed = until(lambda: house.process.poll() is not None, settle)
        shim.kill_at = 0
        if not killed and not answered:
            break
        if killed:
            house.process.wait()
            if not house.start(shim.environment):
                check(f"F02: {name}: it starts after a kill before call {k}", False, house.tail())
                return
        problem = verify(k, what, answered)
        if problem:
            faults += 1
            check(f"F02: {name}: killed before call {k}", False, problem)
        if not killed:
            break
        points += 1
    check(f"F02: {name}: killed before each of its {points} calls, and each time all or nothing is there", points >= 3 and not faults and answered,
          house.tail())


def count(house, subject, folder="INBOX", user="ann"):
    return subjects(house, folder, user)[0].count(subject)


def delivery(house, shim, name, size):
    body = ("x" * 70 + "\r\n") * (size // 72 + 1)

    def act(k, what):
        return house.smtp(timeout=20).deliver("s@remote.test", ["ann@example.test", "bob@example.test"], f"Subject: {name} {k}\r\n\r\n{body}").startswith("250")

    def verify(k, what, answered):
        found = [count(house, f"{name} {k}", user=user) for user in ("ann", "bob")]
        return "" if found == [1, 1] or (found == [0, 0] and not answered) else (found, answered)
    every_point(house, shim, name, lambda k: None, act, verify)


def signed_in(house, folder):
    imap = house.imap()
    imap.sock.settimeout(20)
    imap.create(folder)
    imap.select(folder)
    return imap


def append(house, shim):
    def act(k, imap):
        return imap.append("appended", None, None, f"Subject: append {k}\r\n\r\nx\r\n".encode())[0] == "OK"

    def verify(k, imap, answered):
        found = count(house, f"append {k}", "appended")
        return "" if found == 1 or (found == 0 and not answered) else (found, answered)
    every_point(house, shim, "APPEND", lambda k: signed_in(house, "appended"), act, verify)


def four_messages(house, folder, k):
    imap = signed_in(house, folder)
    for n in range(4):
        imap.append(folder, r"(\Deleted)" if n in (1, 2) else None, None, f"Subject: {folder} {k} {n}\r\n\r\nx\r\n".encode())
    imap.select(folder)
    return imap


def expunge(house, shim):
    def verify(k, imap, answered):
        found = subjects(house, f"gone{k}")[0]
        before = [f"gone{k} {k} {n}" for n in range(4)]
        after = [before[0], before[3]]
        return "" if found == after or (found == before and not answered) else (found, answered)
    every_point(house, shim, "EXPUNGE", lambda k: four_messages(house, f"gone{k}", k), lambda k, imap: imap.expunge()[0] == "OK", verify)


def move(house, shim):
    def prepare(k):
        signed_in(house, f"to{k}").logout()
        return four_messages(house, f"from{k}", k)

    def verify(k, imap, answered):
        here, there = subjects(house, f"from{k}")[0], subjects(house, f"to{k}")[0]
        every = [f"from{k} {k} {n}" for n in range(4)]
        after = ([every[0], every[3]], [every[1], every[2]])
        return "" if (here, there) == after or ((here, there) == (every, []) and not answered) else (here, there, answered)
    every_point(house, shim, "MOVE", prepare, lambda k, imap: imap._simple_command("MOVE", "2:3", f"to{k}")[0] == "OK", verify)


def bounce(house, shim):
    """A message that the next host refuses: its sender is told once, whenever maild dies. (A kill while the report is made loses nothing:
    the attempt is made again.)"""
    def act(k, what):
        reply = house.submit("bob@remote.test", f"Subject: bounce {k}\r\nMessage-ID: <b{k}@example.test>\r\n\r\nx\r\n".encode()).returncode == 0
        until(lambda: house.process.poll() is not None or told(k), 10)
        return reply

    def told(k):
        try:
            return sum(f"<b{k}@example.test>" in r or f"Subject: bounce {k}\r\n" in r for r in house.reports())
        except ENDED:
            return 0

    def verify(k, what, answered):
        if answered:
            house.mailctl("queue", "retry", "--filter", "domain=remote.test", "-y", check=False)
            until(lambda: told(k), 15)
        waiting = [i for i in house.mailctl_json("queue", "list")] if answered else []
        found = told(k)
        return "" if found == 1 or (found <= 1 and not answered) else (found, answered, waiting)
    every_point(house, shim, "bounce", lambda k: None, act, verify, settle=1.5)


def start_points(name, make):
    """A start is killed before each of its calls; the next one comes through."""
    points = faults = 0
    house = House()
    shim = Shim(house)
    k = 0
    while k < 2000:
        # Each of the first 12, then fewer: the calls of a start are many and much alike.
        k += 1 if k < 12 else 3 if k < 60 else 5
        shutil.rmtree(house.data)
        house.data.mkdir(mode=0o700)
        make(house)
        shim.calls = 0
        shim.kill_at = k
        if house.start(shim.environment):
            break
        points += 1
        shim.kill_at = 0
        if not house.start(shim.environment) or house.stop() != 0 or (points % 8 == 0 and house.check().returncode != 0):
            faults += 1
            check(f"{name}: after a kill before call {k} it starts and is sound", False, house.tail())
            house.process.kill()
    house.kill()
    check(f"{name}: killed before {points} of its {k} calls, the next start comes through each time", points >= 20 and not faults)


def version_5(house):
    """A store of an earlier maild, made from its migrations."""
    folder = pathlib.Path(__file__).resolve().parents[2] / "maild/store/migrations"
    database = sqlite3.connect(house.data / "maild.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    for path in sorted(folder.glob("*.sql"))[:5]:
        database.executescript(path.read_text())
    database.execute("PRAGMA user_version=5")
    database.close()


def operations():
    house = House()
    house.site.write_text(house.site.read_text() + f"""---
kind: route
items: {{refusing: {{domains: [remote.test], relay: "127.0.0.2:{house.ports['spare']}"}}}}
""")
    refusing = Remote("127.0.0.2", house.ports["spare"], {"RCPT": b"550 5.1.1 no such user\r\n"})
    shim = Shim(house)
    check("F02: it starts", house.start(shim.environment), house.tail())
    for name, act in {"delivery": lambda: delivery(house, shim, "delivery", 100), "large": lambda: delivery(house, shim, "large", 150000),
                      "append": lambda: append(house, shim), "expunge": lambda: expunge(house, shim), "move": lambda: move(house, shim),
                      "bounce": lambda: bounce(house, shim)}.items():
        began = time.time()
        act()
        print(f"--   {name}: {time.time() - began:.1f} s", flush=True)
    check(f"F02: the next host was asked {refusing.connections} times", refusing.connections > 0)
    check("F02: it stops cleanly", house.stop() == 0, house.tail())
    report = house.check()
    check("F02: maild check finds everything sound", report.returncode == 0, report.stdout + report.stderr)


ALL = {"operations": operations, "first_start": lambda: start_points("F02: the first start", lambda house: None),
       "upgrade": lambda: start_points("F02, U01: an upgrade", version_5)}
for name, test in ALL.items():
    if len(sys.argv) < 2 or name in sys.argv[1:]:
        began = time.time()
        test()
        print(f"--   {name}: {time.time() - began:.1f} s", flush=True)
check.finish()
