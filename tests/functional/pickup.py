#!/usr/bin/env python3
"""pickup.py: files placed in the pickup folder are sent and disappear, what cannot be sent goes to badmail with its reason, and a
crash at any moment sends nothing twice and loses nothing."""
import os, random, time
from house import Checks, House, until

check = Checks()
house = House(extra="""---
kind: pickup
items: {default: {directory: PLACE/pickup, badmail: PLACE/badmail}}
""")
house.site.write_text(house.site.read_text().replace("PLACE", str(house.dir)))
folder, bad = house.dir / "pickup", house.dir / "badmail"
assert house.start(), house.tail()
check("the folders are made", until(lambda: folder.is_dir() and bad.is_dir()))


def put(name, text, place=None):
    """As a program should: under another name, then renamed."""
    path = (place or folder) / name
    path.with_name("." + name).write_bytes(text.encode() if isinstance(text, str) else text)
    path.with_name("." + name).rename(path)


def inbox(user="ann"):
    client = house.imap(user)
    client.select("INBOX")
    numbers = client.search(None, "ALL")[1][0].split()
    texts = [client.fetch(n, "(BODY.PEEK[])")[1][0][1].decode() for n in numbers]
    client.logout()
    return texts


def reason(name):
    """The words beside a file in badmail, once both are there."""
    path = bad / (name + ".reason")
    return path.read_text() if until(lambda: path.exists() and os.path.lexists(bad / name)) else ""


put("a.eml", "X-Sender: <bob@example.test>\nX-Receiver: <ann@example.test>\nX-Receiver: <bob@example.test>\nFrom: bob@example.test\nSubject: one\n\nhi\n")
check("a file is sent and disappears", until(lambda: not (folder / "a.eml").exists()))
check("it is in the mailboxes", until(lambda: any("Subject: one" in m for m in inbox())) and any("Subject: one" in m for m in inbox("bob")))
message = next(m for m in inbox() if "Subject: one" in m)
check("without the words of its envelope, with what a message needs", "X-Sender" not in message and "X-Receiver" not in message
      and message.startswith("Return-Path: <bob@example.test>\r\n") and "Message-ID:" in message and "Date:" in message, message)
put("b.eml", "From: bob@example.test\r\nTo: ann@example.test\r\nBcc: bob@example.test\r\nSubject: two\r\n\r\nhi\r\n")
check("without X-Receiver it goes to To, Cc and Bcc", until(lambda: any("Subject: two" in m for m in inbox("bob"))))
check("and Bcc is not told", not any("Bcc" in m for m in inbox() if "Subject: two" in m))

# A file that is still being written.
with open(folder / "slow.eml", "w") as f:
    for part in ("From: bob@example.test\n", "To: ann@example.test\n", "Subject: slow\n", "\nfirst line\n", "last line\n"):
        f.write(part)
        f.flush()
        time.sleep(0.7)
    time.sleep(1.5)
    check("a file that is open for writing is not taken", (folder / "slow.eml").exists() and not any("Subject: slow" in m for m in inbox()))
check("it is once it is closed", until(lambda: any("last line" in m for m in inbox())))

# What cannot be sent.
put("nobody.eml", "X-Sender: <bob@example.test>\nX-Receiver: <nobody@example.test>\nFrom: bob@example.test\n\nhi\n")
check("an unknown recipient: badmail with the reason", "nobody@example.test: no such recipient" in reason("nobody.eml") and (bad / "nobody.eml").exists())
put("half.eml", "X-Sender: <bob@example.test>\nX-Receiver: <nobody@example.test>\nX-Receiver: <ann@example.test>\nFrom: b@example.test\nSubject: half\n\nhi\n")
check("one of two: the other gets it, the reason names the one", "nobody@example.test" in reason("half.eml") and any("Subject: half" in m for m in inbox()))
put("junk.eml", b"\x00\xff\x01 no message\n")
check("what is no message", "this is no message" in reason("junk.eml"))
put("cr.eml", "From: bob@example.test\nTo: ann@example.test\n\nx\r.\r\n")
check("a bare CR (SMTP smuggling)", "CR stands alone" in reason("cr.eml"))
os.symlink("/etc/passwd", folder / "link.eml")
check("a symbolic link is moved, never followed", "symbolic link" in reason("link.eml") and (bad / "link.eml").is_symlink())
os.mkfifo(folder / "fifo.eml")
check("a FIFO blocks nothing", "no regular file" in reason("fifo.eml"))
with open(folder / "huge.eml", "wb") as f:
    f.truncate(1 << 31)
check("a huge file is never read", "bytes; at most" in reason("huge.eml"))
(house.dir / "other").write_text("From: bob@example.test\nTo: ann@example.test\n\nx\n")
os.link(house.dir / "other", folder / "hard.eml")
check("a file with several names", "several names" in reason("hard.eml"))
put("next.eml", "From: bob@example.test\nTo: ann@example.test\nSubject: next\n\nhi\n")
check("the next file is served", until(lambda: any("Subject: next" in m for m in inbox())))
big = "From: bob@example.test\nTo: ann@example.test\nSubject: big\n\n" + ("x" * 70 + "\n") * 5000
put("big.eml", big)
check("a large one is streamed", until(lambda: any("Subject: big" in m and len(m) > 350000 for m in inbox())))

# Settings live.
elsewhere = house.dir / "second"
house.mailctl("pickup", "create", "second", "--directory", str(elsewhere))
until(elsewhere.is_dir)
put("c.eml", "From: bob@example.test\nTo: ann@example.test\nSubject: second folder\n\nhi\n", elsewhere)
check("a second pickup works at once", until(lambda: any("Subject: second folder" in m for m in inbox())))
check("two of one folder are refused", house.mailctl("pickup", "create", "third", "--directory", str(elsewhere), check=False).returncode == 4)
house.mailctl("pickup", "set", "second", "--enabled=false")
put("d.eml", "From: bob@example.test\nTo: ann@example.test\nSubject: off\n\nhi\n", elsewhere)
time.sleep(2.5)
check("a disabled one takes nothing", (elsewhere / "d.eml").exists())

# kill -9 at any moment: every file once.
total, rounds = 0, 6
for turn in range(rounds):
    for i in range(40):
        put(f"k{turn}-{i}.eml", f"From: bob@example.test\nTo: ann@example.test\nSubject: crash {turn}-{i}.\n\nhi\n")
        total += 1
    time.sleep(1.0 + random.random())
    house.kill()
    assert house.start(), house.tail()
check("all files are gone in the end", until(lambda: not list(folder.glob("k*.eml")), 40), list(folder.glob("k*"))[:5])
texts = inbox()
counts = [sum(f"Subject: crash {t}-{i}." in m for m in texts) for t in range(rounds) for i in range(40)]
check(f"each of {total} is there once over {rounds} kills", counts == [1] * total, {n: counts.count(n) for n in set(counts)})
check("it stops cleanly", house.stop() == 0, house.tail())
found = house.check()
check("maild check finds nothing", found.returncode == 0, found.stdout + found.stderr)
check.finish()
