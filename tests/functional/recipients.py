#!/usr/bin/env python3
"""recipients.py: whom mail goes to and who may send: groups, rewriting, relay domains, forwarding with SRS and its reports,
masquerading, send-as, sending limits and the guard that freezes sending; against a real maild and a sink as the world."""
from house import Checks, House, Smtp, free_ports, until
from remote import Remote, refuse

check = Checks()
world_port, inner_port = free_ports(2)


world = Remote("127.0.0.1", world_port, {"RCPT": refuse(b"gone@", b"550 5.1.1 nobody\r\n")})
inner = Remote("127.0.0.1", inner_port)
house = House(mailboxes=("ann", "bob", "carl", "boss"), extra=f"""---
kind: domain
items:
  old.test: {{alias_of: example.test, rewrite: ["sales-*=ann"]}}
  half.test: {{type: internal_relay}}
  files.test: {{drop: PLACE/files}}
---
kind: group
items:
  staff@example.test: {{members: [ann@example.test, bob@example.test, inner@example.test]}}
  inner@example.test: {{members: [bob@example.test, x@outside.test]}}
  closed@example.test: {{members: [bob@example.test], accept_from: inside}}
---
kind: alias
items:
  out@example.test: {{targets: [gone@outside.test]}}
  fwd@example.test: {{targets: [y@outside.test]}}
---
kind: route
items:
  world: {{domains: ["*"], relay: "127.0.0.1:{world_port}", tls: none, allow_loopback: true}}
  inner: {{domains: [half.test], relay: "127.0.0.1:{inner_port}", tls: none, allow_loopback: true}}
  dropped: {{domains: [dropped.test], drop: PLACE/dropped}}
""", listeners="  relay: {protocol: smtp, bind: \"127.0.0.1:%d\", relay_from: [127.0.0.1]}\n")
text = house.site.read_text().replace("%d", str(house.ports["spare"])).replace("PLACE", str(house.dir))
house.site.write_text(text)
assert house.start(), house.tail()
house.mailctl("domain", "set", "example.test", "--masquerade")


def inbox(user):
    client = house.imap(user)
    client.select("INBOX")
    texts = [client.fetch(n, "(BODY.PEEK[])")[1][0][1].decode() for n in client.search(None, "ALL")[1][0].split()]
    client.logout()
    return texts


def count(user, words):
    return sum(words in message for message in inbox(user))


# Groups, rewriting, relay domains, refusals in the session.
client = house.smtp()
reply = client.deliver("x@remote.test", ["staff@example.test", "Sales-EU@old.test", "bob+lists@old.test"], "Subject: to all\r\n\r\nhi")
check("a group, a rewritten address and an alias domain are taken in one message", reply.startswith("250"), reply)
check("everybody gets one copy, however many ways lead there", count("ann", "to all") == 1 and count("bob", "to all") == 1)
sent = world.to("x@outside.test")
check("a member elsewhere gets it with a return address of ours", len(sent) == 1 and sent[0][0].startswith("SRS0=")
      and sent[0][0].endswith("@example.test"), sent and sent[0][0])
check("an unknown recipient is refused in the session (faults S62)", client.command("MAIL FROM:<x@remote.test>").startswith("250")
      and client.command("RCPT TO:<nobody@old.test>").startswith("550 5.1.1"))
check("a closed group refuses strangers, whatever sender they claim", client.command("RSET") and
      client.command("MAIL FROM:<ann@example.test>").startswith("250") and client.command("RCPT TO:<closed@example.test>").startswith("550 5.7.1"))
client.command("RSET")
check("an internal relay domain takes what it does not know", client.deliver("x@remote.test", ["anybody@half.test"], "Subject: on\r\n\r\nhi").startswith("250"))
sent = inner.to("anybody@half.test")
check("and passes it on by its route with the sender as it was", len(sent) == 1 and sent[0][0] == "x@remote.test", sent)
expanded = house.mailctl("group", "expand", "staff@example.test").stdout
check("group expand names everybody once", expanded.splitlines() == ["ann@example.test\tmailbox", "bob@example.test\tmailbox", "x@outside.test\tforwarded"], expanded)

# SRS: reports find their way back, forgeries do not.
check("mail to a forwarding alias is taken", client.deliver("friend@remote.test", ["out@example.test"], "Subject: forwarded\r\n\r\nhi").startswith("250"))
report = world.to("friend@remote.test")
check("the report about a failed forwarding goes to who sent it, with the null sender", len(report) == 1 and report[0][0] == ""
      and "gone@outside.test" in report[0][2], report)
client.deliver("friend@remote.test", ["fwd@example.test"], "Subject: again\r\n\r\nhi")
srs = world.to("y@outside.test")[0][0]
check("a report from the world to our return address is passed on", client.deliver("", [srs], "Subject: their report\r\n\r\nno").startswith("250"))
check("to the sender behind it", until(lambda: any("their report" in m for _, r, m, _ in world.taken if r == ["friend@remote.test"])))
check("with a sender of its own it is refused", client.command("MAIL FROM:<x@remote.test>").startswith("250") and client.command(f"RCPT TO:<{srs}>").startswith("550 5.7.1"))
client.command("RSET")
forged = srs.replace("remote.test", "victim.test")
check("a forged one is refused", client.command("MAIL FROM:<>").startswith("250") and client.command(f"RCPT TO:<{forged}>").startswith("550 5.1.1"))
client.close()

# Masquerading.
client = Smtp(house.ports["spare"])
header = "From: Root <root@host7.example.test>\r\nTo: z@outside.test\r\nSubject: from a host\r\n\r\nroot@host7.example.test"
check("a host of the house relays", client.deliver("root@host7.example.test", ["z@outside.test", "carl@example.test"], header).startswith("250"))
sent = world.to("z@outside.test")
check("its mail leaves as of the domain, in envelope and From", len(sent) == 1 and sent[0][0] == "root@example.test"
      and "From: Root <root@example.test>\r\n" in sent[0][2] and sent[0][2].endswith("\r\n\r\nroot@host7.example.test\r\n.\r\n"), sent)
check("within the house it keeps its name", "From: Root <root@host7.example.test>" in inbox("carl")[0])

# Drop folders.
check("mail for a drop route is taken", client.deliver("a@remote.test", ["p@dropped.test", "q@dropped.test"], "Subject: dropped\r\n\r\nx").startswith("250"))
client.close()
dropped = house.dir / "dropped"
until(lambda: list(dropped.glob("*.eml")))
files = list(dropped.glob("*"))
body = files[0].read_bytes() if files else b""
check("it becomes a file with its envelope", len(files) == 1 and files[0].suffix == ".eml" and body.startswith(b"X-Sender: <a@remote.test>\r\nX-Receiver: <p@dropped.test>\r\nX-Receiver: <q@dropped.test>\r\nReceived: ")
      and body.endswith(b"Subject: dropped\r\n\r\nx\r\n"), body)
client = house.smtp()
check("a domain with a drop folder takes unknown local parts", client.deliver("a@remote.test", ["any@files.test"], "Subject: file\r\n\r\nx").startswith("250"))
client.close()
check("and writes them there", until(lambda: list((house.dir / "files").glob("*.eml"))))
check("route test says so", "drop:" in house.mailctl("route", "test", "any@files.test").stdout)

# Who may send as whom.
mail = lambda who: f"From: {who}@example.test\r\nTo: bob@example.test\r\nSubject: as {who}\r\n\r\nhi\r\n".encode()
check("another's address is refused (faults A14)", house.submit("bob@example.test", mail("boss")).returncode != 0)
house.mailctl("mailbox", "set", "boss@example.test", "--send-on-behalf", "ann@example.test")
check("on behalf of somebody who granted it, it is not", house.submit("bob@example.test", mail("boss")).returncode == 0)
check("and names who it was", any("Sender: <ann@example.test>" in m for m in inbox("bob") if "as boss" in m))

# A mailbox that people share: one command gives it, its folders and its address to them.
shared = '"Other Users/info@example.test/INBOX"'
house.mailctl("mailbox", "share", "info@example.test", "carl@example.test", "ann@example.test")
check("who shares a mailbox sends with its address", house.submit("info@example.test", mail("info"), sender="carl").returncode == 0)
check("and reads what comes to it", until(lambda: house.imap("ann").select(shared) == ("OK", [b"1"])))
house.mailctl("mailbox", "unshare", "info@example.test", "carl@example.test")
check("until it is taken away", house.submit("bob@example.test", mail("info"), sender="carl").returncode != 0 and
      house.imap("carl").select(shared)[0] == "NO" and house.imap("ann").select(shared)[0] == "OK")

# Limits and the guard.
house.mailctl("mailbox", "set", "ann@example.test", "--sending.messages-per-hour", "2")
codes = [house.submit("bob@example.test", mail("ann")).returncode for _ in range(3)]
check("the third message in an hour waits", codes[:2] == [0, 0] and codes[2] != 0, codes)
done = house.submit("bob@example.test", mail("ann"))
check("with a temporary refusal that says why", "450" in done.stderr or "MAIL failed: 450" in done.stderr, done.stderr)
house.mailctl("policy", "set", "--sending.new-recipients-per-day", "2")
house.mailctl("mailbox", "set", "carl@example.test", "--display-name", "Carl")
for name in ("n1", "n2", "n1"):
    check(f"carl writes to {name}", house.submit(f"{name}@outside.test", mail("carl"), sender="carl").returncode == 0)
before = count("ann", "was frozen")
check("the third new recipient freezes sending", house.submit("n3@outside.test", mail("carl"), sender="carl").returncode != 0)
check("even to old acquaintances", house.submit("n1@outside.test", mail("carl"), sender="carl").returncode != 0)
status = house.mailctl_json("mailbox", "show", "carl@example.test")["status"]["sending"]
check("mailbox show says so", status["state"] == "frozen" and "2 new recipients" in status["frozen_reason"], status)
check("the postmaster hears of it once", until(lambda: count("ann", "Sending from carl@example.test was frozen") == before + 1))
check("the log names it", "event=sending_frozen" in (house.dir / "log").read_text())
check("nothing of it left", not [1 for _, r, _, _ in world.taken if "n3@outside.test" in r])
house.kill()
assert house.start(), house.tail()
check("it stays frozen over kill -9", house.submit("n1@outside.test", mail("carl"), sender="carl").returncode != 0)
check("others send", house.submit("bob@example.test", mail("bob"), sender="bob").returncode == 0)
house.mailctl("mailbox", "unfreeze", "carl@example.test")
check("until an administrator lets it go on", house.submit("n3@outside.test", mail("carl"), sender="carl").returncode == 0 and world.to("n3@outside.test"))
check("the limit that ann has used up outlived the kill", house.submit("bob@example.test", mail("ann")).returncode != 0)
check("it stops cleanly", house.stop() == 0, house.tail())
found = house.check()
check("maild check finds nothing", found.returncode == 0, found.stdout + found.stderr)
check.finish()
