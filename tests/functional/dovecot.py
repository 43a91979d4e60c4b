"""A real Dovecot on loopback in a folder of its own, for tests that need another IMAP server. Needs the package dovecot-imapd."""
import imaplib, os, pathlib, shutil, signal, subprocess
from house import free_ports, until


class Dovecot:
    """One user, ann with the password secret, whose mail is a Maildir in `mail`."""
    def __init__(self, folder):
        self.dir = pathlib.Path(folder)
        self.mail = self.dir / "mail"
        self.port, self.secure_port = free_ports(2)
        (self.dir / "run").mkdir(parents=True)
        self.mail.mkdir()
        owner = "nobody" if os.getuid() == 0 else os.environ["USER"]
        key, certificate = self.dir / "key.pem", self.dir / "certificate.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", certificate,
                        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, capture_output=True)
        (self.dir / "users").write_text("ann:{PLAIN}secret::::::\n")
        self.config = self.dir / "dovecot.conf"
        self.config.write_text(f"""base_dir = {self.dir}/run
state_dir = {self.dir}/run
log_path = {self.dir}/log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
disable_plaintext_auth = no
auth_mechanisms = plain login
default_internal_user = {owner}
default_login_user = {owner}
first_valid_uid = 1
mail_uid = {owner}
mail_gid = nogroup
mail_location = maildir:{self.mail}
mail_max_userip_connections = 100
passdb {{
  driver = passwd-file
  args = {self.dir}/users
}}
userdb {{
  driver = static
  args = home={self.dir}
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Gesendet {{
    special_use = \\Sent
    auto = create
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {self.port}
  }}
  inet_listener imaps {{
    port = {self.secure_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
""")
        if os.getuid() == 0:
            shutil.chown(self.mail, owner)
            shutil.chown(self.dir, owner)
            for path in (self.dir, self.dir.parent):
                path.chmod(0o755)

    @staticmethod
    def is_there():
        return shutil.which("dovecot") is not None or os.path.exists("/usr/sbin/dovecot")

    def start(self):
        program = shutil.which("dovecot") or "/usr/sbin/dovecot"
        self.process = subprocess.Popen([program, "-F", "-c", self.config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def answers():
            try:
                client = self.client()
                client.logout()
                return True
            except (OSError, imaplib.IMAP4.error):
                return False
        return until(answers, 20)

    def client(self):
        client = imaplib.IMAP4("127.0.0.1", self.port)
        client.login("ann", "secret")
        return client

    def log(self):
        path = self.dir / "log"
        return path.read_text(errors="replace")[-2000:] if path.exists() else ""

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
