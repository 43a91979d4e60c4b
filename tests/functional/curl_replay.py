#!/usr/bin/env python3
"""curl_replay.py: what mailctl does, curl can do. `mailctl -v` prints each request as a curl line; those lines, played
against a second fresh server, leave it in the same state."""
import re, subprocess
from house import Checks, House

check = Checks()
first, second = House(), House()
check("two servers start", first.start() and second.start())
site = first.dir / "more.yaml"
site.write_text("kind: domain\nitems:\n  second.test: {}\n---\nkind: mailbox\nname: eve@second.test\nspec: {display_name: Eve}\n")
commands = [
    ["domain", "create", "new.test"],
    ["mailbox", "create", "cat@new.test", "--display-name", "Cat O'Nine", "--quota", "2GiB"],
    ["mailbox", "set", "cat@new.test", "--quota", "3GiB"],
    ["alias", "create", "all@new.test", "--targets", "cat@new.test"],
    ["group", "create", "staff@new.test", "--members", "cat@new.test,ann@example.test"],
    ["mailbox", "list"], ["mailbox", "show", "cat@new.test"], ["queue", "list"], ["status"],
    ["apply", "-f", str(site), "--yes"],
    ["alias", "delete", "all@new.test", "--yes"],
    ["export"],
]
lines = []
for command in commands:
    done = first.mailctl("-v", *command)
    found = [l for l in done.stderr.splitlines() if l.startswith("curl ")]
    check(f"mailctl {' '.join(command[:2])} shows its requests", found, done.stderr)
    lines += found
for line in lines:
    line = line.replace(str(first.socket), str(second.socket))
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True)
    status = done.stdout
    ok = done.returncode == 0 and '"code":"' not in status
    if not ok:
        check("curl does the same: " + line[:120], False, done.stdout + done.stderr)
check(f"all {len(lines)} curl lines succeed", True)
a, b = (h.mailctl("export").stdout for h in (first, second))
port = re.compile(r"127\.0\.0\.1:\d+")
check("both servers are then the same", port.sub("", a) == port.sub("", b), (a, b))
for h in (first, second):
    check("it stops cleanly", h.stop() == 0, h.tail())
check.finish()
