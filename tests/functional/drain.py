#!/usr/bin/env python3
"""drain.py: SIGTERM with a session in every state: the words each gets, nothing accepted is lost, exit 0 within the grace."""
import signal, socket, ssl, subprocess, threading, time
from house import Checks, House, MAILD, Smtp, free_ports

check = Checks()
slow_port, dumb_port = free_ports(2)


def remote(port, delay):
    """A mail server for one connection; answers the final dot after `delay` seconds, never when None."""
    listener = socket.create_server(("127.0.0.1", port))

    def serve():
        s, _ = listener.accept()
        f = s.makefile("rwb", buffering=0)
        f.write(b"220 remote ESMTP\r\n")
        try:
            while line := f.readline():
                if line.upper().startswith(b"DATA"):
                    f.write(b"354 go\r\n")
                    while f.readline() not in (b".\r\n", b""):
                        pass
                    got.set()
                    if delay is None:
                        time.sleep(60)
                    time.sleep(delay)
                f.write(b"250 ok\r\n")
        except OSError:
            pass
    got = threading.Event()
    threading.Thread(target=serve, daemon=True).start()
    return got


house = House(extra=f"""---
kind: route
items:
  slow: {{domains: [slow.test], relay: "127.0.0.1:{slow_port}", tls: none}}
  dumb: {{domains: [dumb.test], relay: "127.0.0.1:{dumb_port}", tls: none}}
""")
slow, dumb = remote(slow_port, 1.5), remote(dumb_port, None)
house.site.write_text(house.site.read_text().replace("tls: starttls}\n  imap:", "tls: starttls, plaintext_auth: allow}\n  imap:"))
check("it starts", house.start(), house.tail())
p = house.ports


def line_session(port, *commands, secure=False):
    """A connection after these commands, each with one line of answer, or a tagged one for IMAP."""
    s = socket.create_connection(("127.0.0.1", p[port]), 20)
    if secure:
        s = ssl._create_unverified_context().wrap_socket(s)
    f = s.makefile("rwb", buffering=0)
    f.readline()
    for command in commands:
        f.write(command.encode() + b"\r\n")
        tag = command.split()[0].encode()
        while not (answer := f.readline()).startswith((tag, b"+", b"-ERR")):
            assert answer, command
    return f


def last_words(f):
    out = b""
    try:
        while more := f.readline():
            out += more
    except OSError as error:
        out += f"<{error}>".encode()
    return out.decode()


# The queue's attempts.
submission = Smtp(p["submission"])
check("sign-in", submission.command("AUTH PLAIN AGFubkBleGFtcGxlLnRlc3QAc2VjcmV0").startswith("235"))
for to in ("x@slow.test", "x@dumb.test"):
    check(f"a message to {to} is queued", submission.deliver("ann@example.test", [to], "Subject: out\r\n\r\nx").startswith("250"))
check("both attempts wait for an answer", slow.wait(10) and dumb.wait(10))

# Sessions that only wait.
idle = {name: Smtp(p[port], hello=hello) for name, port, hello in
        (("smtp", "smtp", "EHLO"), ("smtp before hello", "smtp", ""), ("lmtp", "lmtp", "LHLO"))}
in_auth = Smtp(p["submission"])
check("a sign-in begins", in_auth.command("AUTH PLAIN").startswith("334"))
idle["sign-in under way"], idle["submission signed in"] = in_auth, submission
recipients = Smtp(p["smtp"])
recipients.command("MAIL FROM:<s@remote.test>")
recipients.command("RCPT TO:<ann@example.test>")
idle["smtp after RCPT"] = recipients
imap = {"before sign-in": line_session("imap"), "selected": line_session("imap", "a LOGIN ann@example.test secret", "b SELECT INBOX"),
        "IDLE": line_session("imap", "a LOGIN ann@example.test secret", "b SELECT INBOX", "c IDLE"),
        "in TLS": line_session("imaps", "a LOGIN ann@example.test secret", secure=True)}
pop3 = {"before sign-in": line_session("pop3"), "signed in": line_session("pop3", "USER bob@example.test", "PASS secret")}
silent_tls = socket.create_connection(("127.0.0.1", p["imaps"]), 20)

# Messages under way.
data, lmtp_data, chunks = Smtp(p["smtp"]), Smtp(p["lmtp"], hello="LHLO"), Smtp(p["smtp"])
for s in (data, lmtp_data, chunks):
    s.command("MAIL FROM:<s@remote.test>")
    check("a recipient", s.command("RCPT TO:<ann@example.test>").startswith("250"))
for s in (data, lmtp_data):
    check("DATA", s.command("DATA").startswith("354"))
    s.send("Subject: under way\r\n\r\nfirst half\r\n")
chunks.send("BDAT 26\r\nSubject: under way\r\n\r\nhalf")
check("BDAT", chunks.reply().startswith("250"))
append = line_session("imap", "a LOGIN ann@example.test secret")
append.write(b"b APPEND INBOX {30}\r\n")
append.readline()
append.write(b"Subject: under way\r\n\r\n")
never = Smtp(p["smtp"])
for line in ("MAIL FROM:<s@remote.test>", "RCPT TO:<ann@example.test>", "DATA"):
    never.command(line)
never.send("Subject: half\r\n\r\nnever ends")
time.sleep(0.3)

began = time.time()
house.process.send_signal(signal.SIGTERM)
for name, s in idle.items():
    words = last_words(s.f)
    check(f"421 for {name}", words.startswith("421 4.3.2") and words.count("\n") == 1, words)
for name, f in imap.items():
    words = last_words(f)
    check(f"* BYE for IMAP {name}", words.startswith("* BYE [UNAVAILABLE]") and words.count("\n") == 1, words)
for name, f in pop3.items():
    words = last_words(f)
    check(f"-ERR [SYS/TEMP] for POP3 {name}", words.startswith("-ERR [SYS/TEMP]") and words.count("\n") == 1, words)
check("a silent TLS client is let go", silent_tls.recv(100) == b"")
check("who waits is told at once", time.time() - began < 2, time.time() - began)
try:
    socket.create_connection(("127.0.0.1", p["smtp"]), 5).close()
    check("nobody new gets in", False)
except OSError:
    check("nobody new gets in", True)

accepted = 0
for name, s in (("DATA", data), ("LMTP", lmtp_data)):
    s.send("second half\r\n.\r\n")
    answer = s.reply()
    accepted += check(f"{name} under way ends with 250", answer.startswith("250"), answer)
    check(f"and then 421 for {name}", last_words(s.f).startswith("421"))
chunks.send("BDAT 4 LAST\r\nwhol")
answer = chunks.reply()
accepted += check("BDAT under way ends with 250", answer.startswith("250"), answer)
check("and then 421 for BDAT", last_words(chunks.f).startswith("421"))
append.write(b"12345678\r\n")
words = last_words(append)
accepted += check("APPEND under way ends with OK, then BYE", words.startswith("b OK") and "\r\n* BYE" in words, words)
check("the message that never ends is cut off", not last_words(never.f).startswith("250"))
status = house.process.wait(20)
took = time.time() - began
check(f"exit 0 within the grace ({took:.1f} s)", status == 0 and took < 12, (status, house.tail()))

check("maild check is content", house.check().returncode == 0)
check("it starts again", house.start(), house.tail())
client = house.imap()
count = int(client.select("INBOX")[1][0])
check("what was accepted is there, nothing else", count == accepted == 4, (count, accepted))
queue = house.mailctl_json("queue", "list")["items"]
check("the attempt that ended is settled, the one cut short is still in the queue",
      [item["recipient"] for item in queue] == ["x@dumb.test"], queue)
began = time.time()
check("idle, it stops at once", house.stop() == 0 and time.time() - began < 5, time.time() - began)
statuses = set()
for pause in range(0, 200, 20):
    starting = subprocess.Popen([MAILD, "serve", "--data-dir", house.data], stderr=subprocess.PIPE)
    starting.stderr.readline()  # what it runs as: signals wait from here on
    time.sleep(pause / 1000)
    starting.send_signal(signal.SIGTERM)
    starting.stderr.read()
    statuses.add(starting.wait(20))
check("told to stop while it starts, it is not cut down in the middle", statuses == {0}, statuses)
check.finish()
