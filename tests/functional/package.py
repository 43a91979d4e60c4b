#!/usr/bin/env python3
"""package.py: what is in the .deb that scripts/package made, whether its programs run from where they are installed, and, as
root, a real installation, start and removal in an overlay of this machine. Builds nothing; without a .deb it is skipped."""
import os, pathlib, shutil, subprocess, sys, tempfile
import house as house_module
from house import BUILD, Checks, House

packages = sorted(BUILD.glob("maild_*.deb"))
if not packages:
    print("no .deb in", BUILD, "- scripts/package makes it")
    sys.exit(77)  # SKIP_RETURN_CODE
deb = packages[-1]
check = Checks()


def run(*command, **more):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=120, **more)


files = {}
for line in run("dpkg-deb", "-c", deb).stdout.splitlines():
    mode, owner, size, _, _, name = line.split(maxsplit=5)
    files[name.removeprefix(".").rstrip("/").split(" -> ")[0]] = (mode, owner, int(size))
check("all of it belongs to root", {owner for _, owner, _ in files.values()} == {"root/root"}, files)
for name, mode in {"/usr/sbin/maild": "-rwxr-xr-x", "/usr/bin/mailctl": "-rwxr-xr-x", "/etc/maild/maild.yaml": "-rw-r--r--",
                   "/lib/systemd/system/maild.service": "-rw-r--r--", "/usr/share/man/man8/maild.8.gz": "-rw-r--r--",
                   "/usr/share/man/man1/mailctl.1.gz": "-rw-r--r--", "/usr/share/man/man5/maild-documents.5.gz": "-rw-r--r--",
                   "/usr/share/bash-completion/completions/mailctl": "-rw-r--r--",
                   "/usr/share/zsh/vendor-completions/_mailctl": "-rw-r--r--",
                   "/usr/share/fish/vendor_completions.d/mailctl.fish": "-rw-r--r--",
                   "/usr/share/doc/maild/copyright": "-rw-r--r--", "/usr/share/doc/maild/LICENSE": "-rw-r--r--",
                   "/usr/share/doc/maild/changelog.gz": "-rw-r--r--"}.items():
    check(f"{name} is in it", files.get(name, ("absent",))[0] == mode and files[name][2] > 50, files.get(name))
check("nothing else but folders", sum(mode[0] != "d" for mode, _, _ in files.values()) == 14,
      [name for name, (mode, _, _) in files.items() if mode[0] != "d"])
check("folders may be entered", {mode for mode, _, _ in files.values() if mode[0] == "d"} == {"drwxr-xr-x"})
field = lambda name: run("dpkg-deb", "-f", deb, name).stdout.strip()
check("it depends on what it links and needs", all(p in field("Depends") for p in ("libc6", "libssl3", "libsqlite3-0", "adduser")), field("Depends"))

root = pathlib.Path(tempfile.mkdtemp(prefix="maild."))
run("dpkg-deb", "-x", deb, root / "files")
run("dpkg-deb", "-e", deb, root / "control")
for script in ("postinst", "prerm", "postrm"):
    path = root / "control" / script
    check(f"{script} is a shell script that runs", os.access(path, os.X_OK) and run("sh", "-n", path).returncode == 0)
check("the configuration file is kept over upgrades", (root / "control/conffiles").read_text().split() == ["/etc/maild/maild.yaml"])

files_root = root / "files"
version = field("Version").split("-")[0]
check("maild runs", run(files_root / "usr/sbin/maild", "version").stdout == f"maild {version}\n")
check("mailctl runs", run(files_root / "usr/bin/mailctl", "--version").stdout == f"mailctl {version}\n")
for page in ("man8/maild.8", "man1/mailctl.1", "man5/maild-documents.5"):
    path = files_root / f"usr/share/man/{page}.gz"
    text = run("sh", "-c", f"zcat {path} | groff -man -Tutf8 -ww -z 2>&1; zcat {path} | groff -man -Tutf8 | wc -l") if shutil.which("groff") else None
    if text:
        check(f"{page} is clean troff", text.stdout.strip().isdigit() and int(text.stdout) > 40, text.stdout)
completions = files_root / "usr/share"
check("bash takes its completion", run("bash", "-c", f"source {completions}/bash-completion/completions/mailctl && complete -p mailctl").returncode == 0)
for shell, path in (("zsh", "zsh/vendor-completions/_mailctl"), ("fish", "fish/vendor_completions.d/mailctl.fish")):
    if shutil.which(shell):
        check(f"{shell} takes its completion", run(shell, "-n", completions / path).returncode == 0)
if shutil.which("systemd-analyze"):
    unit = files_root / "lib/systemd/system/maild.service"
    rating = run("systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", unit)
    check("systemd rates the unit's exposure at most 2.0", rating.returncode == 0, rating.stdout[-200:] + rating.stderr)

house_module.MAILD, house_module.MAILCTL = files_root / "usr/sbin/maild", files_root / "usr/bin/mailctl"
house = House()
check("the installed maild serves", house.start() and
      house.smtp().deliver("s@remote.test", ["ann@example.test"], "Subject: x\r\n\r\nx").startswith("250"), house.tail())
check("and stops", house.stop() == 0, house.tail())

# A real installation. The overlay's changes vanish with it; the machine stays as it is.
INSTALL = """
set -e
mount -t overlay overlay -o lowerdir=/,upperdir=$1/up,workdir=$1/work $1/root || exit 99
mount -t proc proc $1/root/proc
mount -t tmpfs tmpfs $1/root/run
mount -t tmpfs tmpfs $1/root/tmp
cp $2 $1/root/tmp/maild.deb
cat >$1/root/tmp/inside <<'INSIDE'
set -e
export DEBIAN_FRONTEND=noninteractive
dpkg -i /tmp/maild.deb >/tmp/log 2>&1 || { cat /tmp/log; exit 1; }
echo "user $(id -un maild) $(stat -c '%U:%G %a' /var/lib/maild)"
echo "state $(dpkg-query -W -f '${Status}' maild)"
install -d -o maild -g maild -m 0750 /run/maild
maild serve --config /etc/maild/maild.yaml 2>/tmp/maild.log & maild=$!
for _ in $(seq 200); do [ -S /run/maild/admin.sock ] && break; sleep 0.05; done
mailctl server set --hostname mx.example.test
echo "hostname $(mailctl server show -o json | grep -c mx.example.test)"
echo "runs as $(awk '/^Uid/ {print $2}' /proc/$maild/status) $(id -u maild)"
kill $maild; wait $maild; echo "stopped $?"
echo '# changed' >>/etc/maild/maild.yaml
dpkg -i /tmp/maild.deb >/tmp/log 2>&1; echo "again $(grep -c changed /etc/maild/maild.yaml)"
dpkg -r maild >/dev/null 2>&1; echo "removed $(test -e /usr/sbin/maild || echo yes) $(test -e /etc/maild/maild.yaml && echo kept)"
dpkg -P maild >/dev/null 2>/tmp/log; echo "purged $(test -e /etc/maild/maild.yaml || echo yes) $(test -e /var/lib/maild/maild.db && echo mail left) $(grep -c 'is left' /tmp/log)"
INSIDE
chroot $1/root sh /tmp/inside
"""
if os.geteuid() == 0 and run("unshare", "-m", "true").returncode == 0:
    for folder in ("up", "work", "root"):
        (root / folder).mkdir()
    done = run("unshare", "-m", "bash", "-c", INSTALL, "install", root, deb)
    if done.returncode == 99:
        print("skip - no overlay here, so no real installation")
    else:
        said = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
        check("dpkg -i makes the user and the data directory", said.get("user") == "maild maild:maild 700", done)
        check("and is content", said.get("state") == "install ok installed", done)
        check("the installed configuration works with mailctl's default socket", said.get("hostname") == "1", done)
        check("it runs as maild and stops", len(set(said.get("runs", "as 1 2").split()[1:])) == 1 and said.get("stopped") == "0", done)
        check("installing again keeps a changed configuration", said.get("again") == "1", done)
        check("dpkg -r keeps the configuration", said.get("removed") == "yes kept", done)
        check("dpkg -P removes it and leaves the mail", said.get("purged") == "yes mail left 1", done)
shutil.rmtree(root)
check.finish()
