#!/usr/bin/env python3
"""imap_structure.py: ENVELOPE and BODYSTRUCTURE of real and odd messages beside Dovecot's; sections that add up to the whole.

The messages come from ../shared/vectors/mime; the same bytes are appended to both servers. Where the answers differ, the
difference must be one of the table below, with what the RFC says about it."""
import os, pathlib, pwd, re, shutil, socket, subprocess, sys, tempfile, time
from house import Checks, House, free_ports
from imap_client import Imap

VECTORS = pathlib.Path(os.environ.get("MAIL_VECTORS") or pathlib.Path(__file__).resolve().parents[2].parent / "shared" / "vectors") / "mime"
MOST = 220  # messages; the largest are left out, so that the test keeps its time
LARGEST = 300000

check = Checks()


class Dovecot:
    """A Dovecot in a temporary folder, on loopback."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="dovecot."))
        (self.port,) = free_ports(1)
        self.process = None
        user = pwd.getpwnam("nobody")
        for name in ("run", "state", "mail"):
            (self.dir / name).mkdir()
        os.chmod(self.dir, 0o755)
        shutil.chown(self.dir / "mail", user.pw_uid, user.pw_gid)
        (self.dir / "conf").write_text(f"""
protocols = imap
listen = 127.0.0.1
base_dir = {self.dir}/run
state_dir = {self.dir}/state
log_path = {self.dir}/log
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain
mail_location = sdbox:{self.dir}/mail/%n
mail_uid = {user.pw_uid}
mail_gid = {user.pw_gid}
first_valid_uid = 1
namespace inbox {{
  inbox = yes
}}
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = home={self.dir}/mail/%n
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {self.port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service stats {{
  chroot =
}}
""")

    def start(self):
        self.process = subprocess.Popen(["dovecot", "-F", "-c", self.dir / "conf"], stderr=subprocess.DEVNULL)
        end = time.time() + 20
        while time.time() < end and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return True
            except OSError:
                time.sleep(0.05)
        return False

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(20)
        shutil.rmtree(self.dir, ignore_errors=True)


def parse(text):
    """An IMAP value (RFC 9051 formal syntax) as lists, strings, numbers and None."""
    at = 0

    def value():
        nonlocal at
        if text[at] == "(":
            at += 1
            out = []
            while text[at] != ")":
                if text[at] == " ":
                    at += 1
                    continue
                out.append(value())
            at += 1
            return out
        if text[at] == '"':
            out = ""
            at += 1
            while text[at] != '"':
                if text[at] == "\\":
                    at += 1
                out += text[at]
                at += 1
            at += 1
            return out
        if text[at] == "{":
            end = text.index("}", at)
            size = int(text[at + 1:end])
            data = text[end + 3:end + 3 + size]
            at = end + 3 + size
            return data
        word = re.match(r"[^ ()]+", text[at:])[0]
        at += len(word)
        return None if word == "NIL" else int(word) if word.isdigit() else word

    return value()


def item(line, name):
    """The value of one attribute of a FETCH response."""
    at = line.index(name + " ") + len(name) + 1
    return parse(line[at:])


def fold(value):
    """Differences of writing that no RFC gives a meaning to: the case of types, names and encodings."""
    if isinstance(value, list):
        return [fold(one) for one in value]
    return value.lower() if isinstance(value, str) else value


def differences(a, b, path=""):
    """Where two values differ, as (path, ours, theirs)."""
    if isinstance(a, list) and isinstance(b, list):
        out = []
        for i in range(max(len(a), len(b))):
            x = a[i] if i < len(a) else "absent"
            y = b[i] if i < len(b) else "absent"
            out += differences(x, y, f"{path}.{i}")
        return out
    return [] if a == b else [(path, a, b)]


def load(name):
    data = name.read_bytes()
    return re.sub(rb"(?<!\r)\n", b"\r\n", data)  # mail files end lines in LF; on the wire they end in CRLF


def append(client, data):
    client.count += 1
    tag = f"t{client.count}"
    client.send(f"{tag} APPEND INBOX {{{len(data)}+}}\r\n".encode() + data + b"\r\n")
    while True:
        line = client.line()
        if line.startswith(tag + " "):
            return line[len(tag) + 1:]


def literal_of(lines):
    """Bytes of the one literal in an answer, or what a quoted string holds."""
    line = lines[0].encode("utf-8", "surrogateescape")
    at = line.find(b"}\r\n")
    if at >= 0:
        size = int(line[line.rindex(b"{", 0, at) + 1:at])
        return line[at + 3:at + 3 + size]
    quoted = re.search(rb'"((?:[^"\\]|\\.)*)"\)?$', line)
    return re.sub(rb"\\(.)", rb"\1", quoted[1]) if quoted else b""


def adds_up(client, number, structure, prefix=""):
    """BODY[n.MIME] and BODY[n] of each part stand in the body of its multipart, one after the other (RFC 9051 §6.4.5.1)."""
    children = []
    for part in structure:
        if not isinstance(part, list):
            break
        children.append(part)
    if not children:
        return True
    whole = literal_of(client(f"FETCH {number} BODY.PEEK[{prefix.rstrip('.') or 'TEXT'}]"))
    at = 0
    for i, child in enumerate(children, 1):
        piece = literal_of(client(f"FETCH {number} BODY.PEEK[{prefix}{i}.MIME]")) + literal_of(client(f"FETCH {number} BODY.PEEK[{prefix}{i}]"))
        found = whole.find(piece, at)
        if found < 0 or not adds_up(client, number, child, f"{prefix}{i}."):
            return False
        at = found + len(piece)
    return True


# Where the two may differ, and what the RFCs say of it.
GENERAL = [
    ("a placeholder for a missing domain or mailbox", lambda x, y: y in ("missing_domain", "missing_mailbox"),
     "RFC 9051 §7.5.2 gives an absent domain no text; NIL would mean a group (RFC 5322 §3.4), so it is empty"),
    ("the default charset spelled out", lambda x, y: (x in (None, "absent") and (y in ("charset", "us-ascii") or y == ["charset", "us-ascii"])),
     "RFC 2045 §5.2 has a default for readers; RFC 9051 §7.5.2 lists the parameters that are there"),
]
ODD = {
    "legacy/049": "a line ends in two CRs before its LF: each byte counts (RFC 9051 §7.5.2 body size in octets)",
    "malformed/002": "no line after the header of a part: RFC 2046 §5.1.1 gives the CRLF before a delimiter to the delimiter",
    "malformed/004": "RFC 2046 §5.1.1: a delimiter is the whole line; one that only begins with the boundary is none",
    "malformed/007": "RFC 2046 §5.1.1: the outer boundary ends inner parts, and again only whole lines are delimiters",
    "malformed/016": "boundaries of 80 characters: RFC 2046 §5.1.1 allows 70, both are read in full here",
    "malformed/017": "a Content-Type that cannot be read: RFC 2045 §5.2 takes what is left as if it were absent, parts are still found",
    "malformed/019": "several Date fields: RFC 5322 §3.6 allows one; the first counts here",
    "malformed/022": "RFC 2046 §5.1.1: the CRLF before a delimiter belongs to it, also after a message/rfc822 that has no end of header",
    "rfc/001": "parameters of message/external-body (RFC 2046 §5.2.3): all that are there",
    "rfc/008": "RFC 2046 §5.2.1: base64 is not allowed on message/rfc822; RFC 2045 §6.4: what cannot be understood is application/octet-stream",
    "rfc/009": "a display name without an address: RFC 5322 §3.4 has no such mailbox; its words are kept as the local part",
    "thirdparty/004": "an encoding that is none (RFC 2045 §6.1): told as it is written",
    "thirdparty/007": "a part that is only a header: the CRLF before the delimiter belongs to it (RFC 2046 §5.1.1)",
    "thirdparty/015": "parts that are only headers: the CRLF before the delimiter belongs to it (RFC 2046 §5.1.1)",
}


def explained(file, ours, theirs):
    """The line of the tables that a difference belongs to."""
    for name, holds, _ in GENERAL:
        if holds(ours, theirs):
            return name
    return next((name for name in ODD if str(file).startswith("mail-parser/eml/" + name + ".")), None)


def compare():
    files = sorted(f for f in VECTORS.rglob("*") if f.is_file() and f.stat().st_size <= LARGEST and (f.suffix == ".eml" or f.parent.name in ("cur", "new")))
    check(f"there are messages to compare ({len(files)})", len(files) > 50)
    ours, theirs = Imap(house.ports["imap"], "ann"), Imap(dovecot.port, "ann")
    for client in (ours, theirs):
        client("SELECT INBOX")
    used, number, theirs_number, same = {}, 0, 0, 0
    for file in files[:MOST]:
        data = load(file)
        stored = append(ours, data)
        there = append(theirs, data)
        if not stored.startswith("OK") or not there.startswith("OK"):
            check(f"{file.relative_to(VECTORS)}: refused ({stored[:40]} | {there[:40]})", b"\0" in data or not data, (stored, there))
            number += stored.startswith("OK")
            theirs_number += there.startswith("OK")
            continue
        number += 1
        theirs_number += 1
        ours("NOOP"), theirs("NOOP")
        back = literal_of(ours(f"FETCH {number} BODY.PEEK[]"))
        if back != data:
            check(f"{file.relative_to(VECTORS)}: comes back byte for byte", False, len(back))
        parts = literal_of(ours(f"FETCH {number} BODY.PEEK[HEADER]")) + literal_of(ours(f"FETCH {number} BODY.PEEK[TEXT]"))
        if parts != data:
            check(f"{file.relative_to(VECTORS)}: HEADER and TEXT are the whole", False, len(parts))
        a = [line for line in ours(f"FETCH {number} (ENVELOPE BODYSTRUCTURE)") if " FETCH (" in line][0]
        b = [line for line in theirs(f"FETCH {theirs_number} (ENVELOPE BODYSTRUCTURE)") if " FETCH (" in line][0]
        structure = item(a, "BODYSTRUCTURE")
        if not adds_up(ours, number, structure):
            check(f"{file.relative_to(VECTORS)}: the parts stand in the whole", False)
        for name in ("ENVELOPE", "BODYSTRUCTURE"):
            found = differences(fold(item(a, name)), fold(item(b, name)))
            for path, x, y in found:
                rule = explained(file.relative_to(VECTORS), x, y)
                if rule:
                    used[rule] = used.get(rule, 0) + 1
                else:
                    check(f"{file.relative_to(VECTORS)}: {name}{path}", False, f"{x!r} | {y!r}")
            same += not found
    check("every message came back byte for byte, its sections add up", check.failed == 0)
    check(f"{same} of {2 * number} answers are the same", same > number)
    for name, why in [(name, why) for name, _, why in GENERAL] + list(ODD.items()):
        check(f"{name} ({used.get(name, 0)}): {why}", used.get(name, 0) > 0, "no message differs by this any more: take it out")


if not VECTORS.is_dir() or not shutil.which("dovecot"):
    print("skipped: it needs ../shared/vectors/mime and dovecot-imapd")
    sys.exit(77)
house, dovecot = House(), Dovecot()
try:
    check("maild starts", house.start(), house.tail())
    check("Dovecot starts", dovecot.start(), (dovecot.dir / "log").read_text()[-500:] if (dovecot.dir / "log").exists() else "")
    compare()
finally:
    dovecot.stop()
    house.destroy()
check.finish()
