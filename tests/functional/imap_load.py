#!/usr/bin/env python3
"""imap_load.py: many IMAP clients at work in one mailbox, and each may only ever learn what is true: tests/bench/imap_profile, with
all its commands, checks every response and, at checkpoints, that all clients know the same mailbox."""
import json, subprocess
from house import BUILD, Checks, House

check = Checks()
house = House()
everything = ("list=20", "status=20", "search=20", "sort=20", "thread=10", "copy=33,5", "noop=30", "idle=30", "copybox=Archive")


def load(name, *options):
    done = subprocess.run([BUILD / "tests/bench/imap_profile", str(house.ports["imap"]), "user=ann@example.test", "pass=secret", "checkpoint=2",
                           *options], capture_output=True, text=True, timeout=120)
    result = json.loads(done.stdout) if done.stdout else {}
    check(f"{name}: {result.get('commands')} commands, {result.get('checkpoints')} checkpoints", done.returncode == 0 and
          result["commands"] > 100 and result["checkpoints"] > 1, done.stdout + done.stderr)
    return result


try:
    check("it starts", house.start(), house.tail())
    load("one after the other", "clients=20", "secs=5", *everything)
    done = load("in any order", "clients=20", "secs=5", "random=1", "seed=2", "msgs=10", *everything)
    check("every command was among them", all(done["by_command"][name] for name in
          ("fetch", "fetch2", "search", "sort", "thread", "copy", "store", "delete", "expunge", "append", "noop", "idle", "logout")), done)
    load("a mailbox that is nearly empty", "clients=10", "secs=3", "random=1", "seed=3", "msgs=0", "delete=100,80", *everything)
    check("it stops cleanly", house.stop() == 0, house.tail())
    done = subprocess.run([BUILD / "maild/maild", "check", "--data-dir", house.data], capture_output=True, text=True)
    check("the store is sound", done.returncode == 0, done.stdout + done.stderr)
finally:
    house.destroy()
check.finish()
