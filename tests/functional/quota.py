#!/usr/bin/env python3
"""quota.py: the three stages of a quota against a real maild: the owner is warned, then cannot send, then receives nothing;
each stage is told by one letter, also over a kill -9, and room that is made counts at once."""
from house import Checks, House, until, verifier

check = Checks()
house = House(mailboxes=("ann", "bob"), extra=f"""---
kind: mailbox
items:
  full@example.test: {{password: {{hash: "{verifier('secret')}"}}, quota: 100KiB, quota_warn: 50KiB, quota_send: 80KiB}}
  team@example.test: {{type: shared, quota: 100KiB, quota_warn: 50KiB}}
""")
assert house.start(), house.tail()


def message(subject, size):
    return f"Subject: {subject}\r\n\r\n" + "x" * 70 + ("\r\n" + "y" * 70) * (size // 72)


def deliver(size, to="full", declared=None):
    client = house.smtp()
    client.command("MAIL FROM:<x@remote.test>" + (f" SIZE={declared}" if declared else ""))
    reply = client.command(f"RCPT TO:<{to}@example.test>")
    if reply.startswith("250"):
        client.command("DATA")
        client.send(message("filler", size) + "\r\n.\r\n")
        reply = client.reply()
    client.close()
    return reply


def letters(subject="", user="full"):
    client = house.imap(user)
    client.select("INBOX")
    found = client.search(None, "HEADER", "Auto-Submitted", "auto-generated", *(("SUBJECT", f'"{subject}"') if subject else ()))[1][0].split()
    client.logout()
    return len(found)


def stage():
    return house.mailctl_json("mailbox", "quota", "full@example.test")["quota_stage"]


def send(sender="full"):
    return house.submit("bob@example.test", b"Subject: from the full one\r\n\r\nhi\r\n", sender)


def empty(keep=0):
    """Expunges all messages but the first `keep`."""
    client = house.imap("full")
    client.select("INBOX")
    if int(client.select("INBOX")[1][0]) > keep:
        client.store(f"{keep + 1}:*", "+FLAGS.SILENT", r"(\Deleted)")
        client.expunge()
    client.logout()


check("nothing is said below the first stage", deliver(10_000).startswith("250") and stage() == "fine" and send().returncode == 0)
check("into the first stage", deliver(45_000).startswith("250") and stage() == "warned")
check("the owner is warned", until(lambda: letters("Your mailbox is almost full") == 1), house.tail())
check("and may send", send().returncode == 0)
check("a second message in the same stage", deliver(1_000).startswith("250"))
check("into the second", deliver(26_000).startswith("250") and stage() == "no_sending")
check("the owner is told", until(lambda: letters("Your mailbox is too full to send mail") == 1))
refused = send()
check("nothing can be sent, with a reason and a status of its own (RFC 3463 X.2.2)", refused.returncode != 0 and "552" in refused.stderr, refused.stderr)
check("others may", send("bob").returncode == 0)
client = house.smtp()
house_reply = client.command("MAIL FROM:<full@example.test>")
check("mail from outside that names it as sender is not its own", house_reply.startswith("250"), house_reply)
client.close()

usage = house.mailctl_json("mailbox", "quota", "full@example.test")
left = usage["quota"] - usage["bytes"]
reply = deliver(60_000, declared=60_500)
check("a message that says that it is too large is refused at RCPT", reply.startswith("452 4.2.2"), reply)
check("one that does not say so at its end, and nothing of it is kept", deliver(60_000).startswith("452 4.2.2") and
      house.mailctl_json("mailbox", "quota", "full@example.test")["bytes"] == usage["bytes"])
client = house.smtp()
reply = client.deliver("x@remote.test", ["full@example.test", "bob@example.test"], message("for both", 60_000))
check("the other recipient of such a message gets it", reply.startswith("250"), reply)
client.close()
check("small ones still fit", deliver(left - 1_000).startswith("250") and stage() == "full", (left, stage()))
check("the owner is told of the last stage, beyond the quota if need be", until(lambda: letters("Your mailbox is full") == 1))
check("nothing fits any more: refused at RCPT without SIZE", deliver(1).startswith("452 4.2.2"))
shown = house.mailctl("mailbox", "quota", "full@example.test", "-o", "table").stdout
check("mailctl shows it", "100 KiB" in shown and shown.count("reached") >= 2 and "[####" in shown, shown)
why = house.mailctl("why", "--to", "full@example.test", "--outcome", "refused").stdout
check("why says why", "no room" in why, why)
check("IMAP tells the last stage as its limit (RFC 9208)", b"STORAGE" in house.imap("full").getquotaroot("INBOX")[1][1][0])

# Making room counts at once; who goes up and down within a day is not told again.
empty(keep=1)
check("room is there at once", until(lambda: stage() == "fine") and send().returncode == 0)
told = letters()
check("up again", deliver(45_000).startswith("250") and stage() == "warned")
check("and nothing more is said the same day", not until(lambda: letters() != told, 3), letters())

# A kill between crossing and letter: the letter comes after the start, once.
client = house.smtp()
check("a shared mailbox crosses its first stage", client.deliver("x@remote.test", ["team@example.test"], message("big", 60_000)).startswith("250"))
house.kill()
assert house.start(), house.tail()
house.mailctl("mailbox", "grant", "team@example.test", "bob@example.test", "--rights", "read")


def team_mail():
    return sum(item["messages"] for item in house.mailctl_json("mailbox", "stats", "team@example.test")["items"])


check("its letter is there after a kill -9", until(lambda: team_mail() == 2), team_mail())
house.kill()
assert house.start(), house.tail()
check("and once", not until(lambda: team_mail() != 2, 3), team_mail())

check("a quota is set in order", house.mailctl("mailbox", "set", "full@example.test", "--quota-warn", "90KiB", check=False).returncode == 7)
house.mailctl("mailbox", "set", "full@example.test", "--quota", "1GiB", "--quota-warn", "0", "--quota-send", "0")
check("a larger quota counts at once", until(lambda: stage() == "fine"))
house.mailctl("domain", "set", "example.test", "--default-quota", "20KiB")
check("a domain's quota is that of mailboxes without one", until(lambda: letters("Your mailbox is full", "bob") == 1), letters("", "bob"))
# What is deleted takes room too: warned at two thirds, once.
house.mailctl("mailbox", "set", "full@example.test", "--recoverable-size", "1MiB")
check("nothing is said of little that was deleted", deliver(600_000).startswith("250") and not until(lambda: letters("deleted messages"), 2))
empty()
check("the owner is told that deleted messages take much room", until(lambda: letters("Your deleted messages take much room") == 1), house.tail())
check("without a word to others", letters("deleted messages", "bob") == 0)
house.kill()
assert house.start(), house.tail()
check("and delivering more", deliver(1_000).startswith("250"))
check("or a kill -9 makes no second letter", not until(lambda: letters("deleted messages") != 1, 3), letters("deleted messages"))
check("what is stored is whole", house.stop() == 0 and house.check().returncode == 0)
check.finish()
