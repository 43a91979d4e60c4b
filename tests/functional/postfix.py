"""A Postfix of a test's own: queue, configuration and log in the test's folder, the few services that it needs, one smtpd."""
import atexit, os, pwd, subprocess


class Postfix:
    def __init__(self, home, listen, settings):
        """`listen` is "address:port"; `settings` are further lines of main.cf."""
        self.home = home
        for name in ("", "queue", "data"):
            (home / name).mkdir()
        owner = pwd.getpwnam("postfix")
        os.chown(home / "data", owner.pw_uid, owner.pw_gid)
        (home / "main.cf").write_text(f"""compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
maillog_file = {home}/log
maillog_file_prefixes = {home}
inet_protocols = ipv4
mydestination =
smtpd_peername_lookup = no
{settings}""")
        (home / "master.cf").write_text(f"""{listen} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
discard unix - - n - - discard
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
""")

    def start(self):
        """The finished `postfix start`."""
        done = subprocess.run(["postfix", "-c", self.home, "start"], capture_output=True, text=True)
        atexit.register(lambda: subprocess.run(["postfix", "-c", self.home, "stop"], capture_output=True))
        return done

    def log(self):
        path = self.home / "log"
        return path.read_text(errors="replace") if path.exists() else ""
