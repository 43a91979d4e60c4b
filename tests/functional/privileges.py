#!/usr/bin/env python3
"""privileges.py: started as root maild becomes the owner of its data directory, or `user`, with CAP_NET_BIND_SERVICE alone."""
import os, pathlib, pwd, shutil, socket, subprocess, sys
import house as house_module
from house import Checks, House, MAILCTL, MAILD, Smtp

if os.geteuid() != 0:
    print("only root can give up rights")
    sys.exit(77)  # SKIP_RETURN_CODE
check = Checks()
UID, BIND = 12345, "0000000000000400"


def low_port():
    for port in range(1023, 600, -1):
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


def facts(pid):
    out = {}
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        out[name] = value.split()
    return out


def stripped(pid, uid, gid):
    """What is wrong with the rights of every thread, or nothing."""
    wrong = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        f = facts(f"{pid}/task/{thread}")
        wanted = {"Uid": [str(uid)] * 4, "Gid": [str(gid)] * 4, "CapPrm": [BIND], "CapEff": [BIND], "CapBnd": [BIND],
                  "CapInh": ["0" * 16], "CapAmb": ["0" * 16], "NoNewPrivs": ["1"]}
        wrong += [(name, f[name]) for name, value in wanted.items() if f[name] != value]
    return wrong


house = House()
port = low_port()
house.site.write_text(house.site.read_text().replace(f"127.0.0.1:{house.ports['smtp']}\"", f"127.0.0.1:{port}\""))
house.dir.chmod(0o711)
os.chown(house.data, UID, UID)
check("it starts as root", house.start(), house.tail())
pid = house.process.pid
check("it runs as the owner of the data directory with one capability", stripped(pid, UID, UID) == [], stripped(pid, UID, UID))
check("without supplementary groups", facts(pid)["Groups"] == [], facts(pid)["Groups"])
check("it says so", f"uid {UID}" in house.tail(50))
check("a port below 1024 is open", Smtp(port).deliver("s@remote.test", ["ann@example.test"], "Subject: x\r\n\r\nx").startswith("250"))
owners = {path.lstat().st_uid for path in house.data.rglob("*")}
check("all its files are its own", owners == {UID}, owners)
modes = {oct(path.lstat().st_mode & 0o007) for path in house.data.rglob("*")}
check("and nobody else's to read", modes == {"0o0"}, modes)
check("no core files, no ptrace", pathlib.Path(f"/proc/{pid}/limits").read_text().split("Max core file size")[1].split()[:2] == ["0", "0"])
check("root administers it", house.mailctl("mailbox", "list").returncode == 0)
# Another low port later on, as its own user: the capability is kept for that.
other = low_port()
house.mailctl("listener", "create", "low", "--protocol", "smtp", "--bind", f"127.0.0.1:{other}", "--tls", "none")
check("it still opens low ports", Smtp(other).greeting.startswith("220"))
house.mailctl("listener", "delete", "low", "--yes")
os.chmod(house.data, 0o711)
program = house.dir / "mailctl"
shutil.copy(MAILCTL, program)
for uid, allowed in ((UID, True), (UID + 1, False)):
    done = subprocess.run([program, "--socket", house.socket, "mailbox", "list"], user=uid, group=uid, extra_groups=[],
                          capture_output=True, text=True)
    check(f"uid {uid} {'may' if allowed else 'may not'} administer it", (done.returncode == 0) == allowed, done)
check("it stops cleanly", house.stop() == 0, house.tail())
check("check as root leaves no file of root's", house.check().returncode == 0 and
      {path.lstat().st_uid for path in house.data.rglob("*")} == {UID})

run = house.dir / "run"
check("it starts with a socket in a folder that is not there", house.start(arguments=["--socket", run / "admin.sock"], socket_path=run / "admin.sock"),
      house.tail())
check("which is made for its user", (run.stat().st_uid, oct(run.stat().st_mode & 0o777)) == (UID, "0o700"), run.stat())
check("it stops", house.stop() == 0 and not (run / "admin.sock").exists())

nobody = pwd.getpwnam("nobody")
for path in (house.data, *house.data.rglob("*")):
    os.lchown(path, nobody.pw_uid, nobody.pw_gid)
config = house.dir / "maild.yaml"
config.write_text("user: nobody\n")
check("it starts with a user", house.start(arguments=["--config", config]), house.tail())
check("it is that user", stripped(house.process.pid, nobody.pw_uid, nobody.pw_gid) == [], stripped(house.process.pid, nobody.pw_uid, nobody.pw_gid))
house.stop()
config.write_text("user: no-such-user\n")
check("an unknown user is a fault of the configuration: 78", not house.start(arguments=["--config", config]) and house.process.wait(5) == 78)

for path in (house.data, *house.data.rglob("*")):
    os.lchown(path, 0, 0)
check("it starts with a data directory of root's", house.start(), house.tail())
check("it stays uid 0 with one capability", stripped(house.process.pid, 0, 0) == [], stripped(house.process.pid, 0, 0))
check("and says so", "uid 0 with CAP_NET_BIND_SERVICE alone" in house.tail(50))
check("it stops", house.stop() == 0)

# Unprivileged, as in a container: nothing to give up, nothing needed.
for path in (house.data, *house.data.rglob("*")):
    os.lchown(path, UID, UID)
house.site.write_text(house.site.read_text().replace(f"127.0.0.1:{port}\"", f"127.0.0.1:{house.ports['smtp']}\""))
shutil.copy(MAILD, house.dir / "maild")  # the build folder may be root's alone
house_module.MAILD = house.dir / "maild"
check("it starts unprivileged", house.start(user=UID, group=UID, extra_groups=[]), house.tail())
check("without any capability", facts(house.process.pid)["CapEff"] == ["0" * 16])
check("and serves", Smtp(house.ports["smtp"]).deliver("s@remote.test", ["ann@example.test"], "Subject: x\r\n\r\nx").startswith("250"))
check("it stops", house.stop() == 0, house.tail())
check.finish()
