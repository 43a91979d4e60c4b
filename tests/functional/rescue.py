#!/usr/bin/env python3
"""rescue.py: `maild rescue-admin` brings back a server that does not start and an administrator who cannot get in."""
import os, socket, subprocess, time
from house import Checks, House, MAILD, Smtp, free_ports

check = Checks()
house = House()
p = house.ports


def rescue(*arguments, **more):
    return subprocess.run([MAILD, "rescue-admin", "--data-dir", house.data, *arguments], capture_output=True, text=True,
                          timeout=60, **more)


def mailbox_opens(password):
    try:
        return house.imap(password=password).select("INBOX")[0] == "OK"
    except Exception:
        return False


check("it starts", house.start(), house.tail())
done = rescue()
check("a rescue beside a running maild is refused", done.returncode != 0 and "admin.sock" not in done.stdout, done)
check("and harms nothing", mailbox_opens("secret"))
check("it stops", house.stop() == 0)

# Somebody took the port: maild does not start, so nobody can tell it another one.
thief = socket.create_server(("127.0.0.1", p["smtp"]))
check("it does not start", not house.start() and house.process.wait(5) == 78, house.tail())

house.log = open(house.dir / "log", "ab")
house.process = subprocess.Popen([MAILD, "rescue-admin", "--data-dir", house.data], stderr=house.log)
end = time.time() + 20
while not house.socket.exists() and time.time() < end:
    time.sleep(0.02)
status = house.mailctl_json("status")
check("the rescue opens the admin socket", status["mode"] == "rescue", status)
check("and no listener", status["listeners"] == [] and socket.socket().connect_ex(("127.0.0.1", p["imap"])) != 0, status)
(other,) = free_ports(1)
house.mailctl("listener", "set", "mx", "--bind", f"127.0.0.1:{other}")
house.mailctl("mailbox", "password", "ann@example.test", "--password-stdin", input="rescued")
check("a change opens no listener either", house.mailctl_json("status")["listeners"] == [])
check("it ends at SIGTERM", house.stop() == 0, house.tail())
check("maild starts, though its --apply file still has the old port", house.start(), house.tail())
check("with the new address", Smtp(other).greeting.startswith("220"))
check("and the new password", mailbox_opens("rescued") and not mailbox_opens("secret"))
check("it stops again", house.stop() == 0)

# The same in one command, without a socket.
repair = house.dir / "repair.yaml"
repair.write_text(f"""kind: listener
items: {{mx: {{protocol: smtp, bind: "127.0.0.1:{p['spare']}", tls: starttls}}}}
---
kind: mailbox
items: {{ann@example.test: {{password: {{from: "env:NEW_PASSWORD"}}}}}}
""")
done = rescue("--apply", repair, env=os.environ | {"NEW_PASSWORD": "again"})
check("files are applied, and it ends", done.returncode == 0 and not house.socket.exists(), done)
check("a second time is no change and no fault", rescue("--apply", repair, env=os.environ | {"NEW_PASSWORD": "again"}).returncode == 0)
broken = house.dir / "broken.yaml"
broken.write_text("kind: listener\nitems: {mx: {protocol: smtp, bind: nowhere}}\n")
done = rescue("--apply", broken)
check("a wrong file is exit 78 with its place", done.returncode == 78 and "broken.yaml:2:" in done.stderr, done)
check("maild starts", house.start(), house.tail())
check("with what the files said, not undone by its own --apply", Smtp(p["spare"]).greeting.startswith("220") and mailbox_opens("again"))
history = house.mailctl("history").stdout
check("the history names the rescue", "maild rescue-admin" in history, history)
check("it stops", house.stop() == 0)
thief.close()
check.finish()
