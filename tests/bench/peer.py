"""Postfix -> LMTP -> Dovecot in one folder, on loopback, for the side-by-side benchmark. Both keep their own defaults of
durability. Needs root and Debian's postfix, dovecot-imapd, dovecot-pop3d and dovecot-lmtpd."""
import pathlib, pwd, shutil, socket, subprocess, time

DOVECOT = """
base_dir = {dir}/dovecot/run
state_dir = {dir}/dovecot/state
log_path = {dir}/dovecot/log
listen = 127.0.0.1
protocols = imap pop3 lmtp
ssl = yes
ssl_cert = <{dir}/cert.pem
ssl_key = <{dir}/key.pem
disable_plaintext_auth = no
mail_location = mdbox:~/mdbox
first_valid_uid = 1
mail_max_userip_connections = 10000
passdb {{
  driver = passwd-file
  args = {dir}/dovecot/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={dir}/mail/%n
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0666
  }}
}}
"""

POSTFIX = """
compatibility_level = 3.6
queue_directory = {dir}/postfix/spool
data_directory = {dir}/postfix/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {dir}/postfix/log
maillog_file_prefixes = {dir}
myhostname = peer.bench.test
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
mydestination =
alias_maps =
alias_database =
smtputf8_enable = no
virtual_mailbox_domains = bench.test
virtual_mailbox_maps = static:all
virtual_transport = lmtp:unix:{dir}/dovecot/run/lmtp
relayhost = [127.0.0.1]:{sink}
smtp_dns_support_level = disabled
smtp_host_lookup = native
"""


class Peer:
    """Runs from the constructor to stop(). `ports` has smtp, imap, imaps, pop3 and sink; mailboxes are u0@bench.test ... (password pw)."""
    name = "Postfix + Dovecot"

    def __init__(self, folder, ports, mailboxes):
        self.dir, self.ports = pathlib.Path(folder), ports
        owner = pwd.getpwnam("nobody")
        for made in ("dovecot/run", "dovecot/state", "mail", "postfix/conf", "postfix/spool", "postfix/data"):
            (self.dir / made).mkdir(parents=True)
        self.dir.chmod(0o755)
        shutil.chown(self.dir / "mail", owner.pw_uid, owner.pw_gid)
        shutil.chown(self.dir / "postfix/data", "postfix")
        self._run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                  "/CN=peer.bench.test", "-keyout", self.dir / "key.pem", "-out", self.dir / "cert.pem")
        (self.dir / "dovecot/users").write_text("".join(f"u{i}@bench.test:{{PLAIN}}pw::::::\n" for i in range(mailboxes)))
        words = ports | {"dir": self.dir, "uid": owner.pw_uid, "gid": owner.pw_gid}
        (self.dir / "dovecot/dovecot.conf").write_text(DOVECOT.format(**words))
        conf = self.dir / "postfix/conf"
        (conf / "main.cf").write_text(POSTFIX.format(**words))
        (conf / "master.cf").write_text("".join(self._service(line) for line in open("/etc/postfix/master.cf.proto")))
        self._run("dovecot", "-c", self.dir / "dovecot/dovecot.conf")
        self._run("postfix", "-c", conf, "start")
        for port in (ports["smtp"], ports["imap"]):
            self._wait(port)

    def _service(self, line):
        """A line of master.cf: smtpd on our port, nothing in a chroot, where Dovecot's socket would be out of reach."""
        words = line.split()
        if len(words) < 8 or line[0] in "# \t":
            return line
        if words[:2] == ["smtp", "inet"]:
            words[0] = f"127.0.0.1:{self.ports['smtp']}"
        words[4] = "n"
        return " ".join(words) + "\n"

    @staticmethod
    def _run(*command):
        """A daemon keeps what it inherits open: its output must not be ours."""
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @staticmethod
    def _wait(port):
        for _ in range(100):
            try:
                return socket.create_connection(("127.0.0.1", port), 1).close()
            except OSError:
                time.sleep(0.1)
        raise SystemExit(f"the peer does not listen on port {port}")

    def roots(self):
        """Process ids of both masters."""
        return [int((self.dir / "dovecot/run/master.pid").read_text()), int((self.dir / "postfix/spool/pid/master.pid").read_text())]

    def stop(self):
        for command in (("postfix", "-c", self.dir / "postfix/conf", "stop"), ("doveadm", "-c", self.dir / "dovecot/dovecot.conf", "stop")):
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
