"""disk.py: what the tests of storage faults share: the shim's control file, small file systems, and mail told apart by its subject."""
import atexit, ctypes, mmap, os, pathlib, re, subprocess, tempfile

SHIM = os.environ.get("FAULT_SHIM", "")


class Shim:
    """Faults of one maild at a time, by name of the numbers in fault_shim.c; start maild with `environment`."""
    NAMES = ("calls", "kill_at", "sync_delay", "hang", "write_error", "sync_error", "syncs", "threads_left", "clock_seconds", "stale_read")

    def __init__(self, house):
        path = house.dir / "faults"
        path.write_bytes(bytes(8 * len(self.NAMES)))
        file = open(path, "r+b")
        self.__dict__["numbers"] = (ctypes.c_int64 * len(self.NAMES)).from_buffer(mmap.mmap(file.fileno(), 8 * len(self.NAMES)))
        # The sanitizers want to be loaded first and do without; that they would find leaks at a kill is no news.
        self.__dict__["environment"] = {"LD_PRELOAD": SHIM, "FAULT_CONTROL": str(path), "FAULT_DIR": str(house.data.resolve()),
                                        "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
        self.clear()

    def __getattr__(self, name):
        return self.numbers[self.NAMES.index(name)]

    def __setattr__(self, name, value):
        self.numbers[self.NAMES.index(name)] = value

    def clear(self):
        for name in self.NAMES:
            setattr(self, name, -1 if name == "threads_left" else 0)

    def kill_in(self, calls):
        """SIGKILL just before the so many-th change of a file from now on."""
        self.kill_at = self.calls + calls


def run(*command, check=False):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, check=check)


def small_tmpfs(house, options):
    """Mounts a tmpfs as the data directory; False where that is not allowed."""
    house.data.chmod(0o700)
    if run("mount", "-t", "tmpfs", "-o", f"{options},mode=0700", "tmpfs", house.data).returncode:
        return False
    atexit.register(run, "umount", "-l", house.data)
    return True


class Ext4:
    """A small ext4 on a loop device, mounted as the data directory. `made` is False where that is not allowed."""
    def __init__(self, house, megabytes, where=None, options="errors=remount-ro", journal=True, make=True):
        folder = pathlib.Path(where or tempfile.mkdtemp(prefix="maild.disk."))
        self.image, self.device, self.house, self.made = folder / "image", "", house, True
        atexit.register(self.destroy, None if where else folder)
        if make:
            with open(self.image, "wb") as file:
                file.truncate(megabytes << 20)
            self.made = run("mkfs.ext4", "-q", "-O", "has_journal" if journal else "^has_journal",
                            "-E", "lazy_itable_init=0,lazy_journal_init=0", self.image).returncode == 0
        found = run("losetup", "-f", "--show", self.image)
        self.made = self.made and found.returncode == 0
        if self.made:
            self.device = found.stdout.strip()
            self.made = run("mount", "-o", options, self.device, house.data).returncode == 0
        if self.made:
            house.data.chmod(0o700)

    @property
    def name(self):
        return self.device.rsplit("/", 1)[1]

    def written(self):
        """A number that changes with every write to the device."""
        return pathlib.Path(f"/sys/block/{self.name}/stat").read_text().split()[4:7]

    def destroy(self, folder=None):
        if self.device:
            run("fsfreeze", "-u", self.house.data)
            run("umount", "-l", self.house.data)
            run("losetup", "-d", self.device)
            self.device = ""
        if folder:
            run("rm", "-rf", folder)


def subjects(house, folder="INBOX", user="ann"):
    """The subjects in a folder, in UID order, and the UIDs."""
    client = house.imap(user)
    client.select(folder, readonly=True)
    rows = [r for r in client.fetch("1:*", "(UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1] if isinstance(r, tuple)] \
        if int(client.untagged_responses["EXISTS"][-1]) else []
    client.logout()
    return [re.search(rb"Subject: *([^\r\n]*)", r[1])[1].decode() for r in rows], [int(re.search(rb"UID (\d+)", r[0])[1]) for r in rows]


def health(house):
    """What /healthz says, or nothing."""
    return run("curl", "-s", "--max-time", "5", "--unix-socket", house.socket, "http://maild/healthz").stdout


def send(house, subject, size=100, to="ann"):
    """One message over a new connection; the reply to its end, or to what was refused before."""
    client = house.smtp(timeout=40)
    reply = client.deliver("s@remote.test", [f"{to}@example.test"], f"Subject: {subject}\r\n\r\n" + ("x" * 70 + "\r\n") * (size // 72 + 1))
    client.close()
    return reply
