"""What is expunged or too old: it comes back when asked for, stays while it is held, and goes for good in time."""
import json, os, poplib, threading, time
from house import Checks, House, until
from numbered import put, subjects

check = Checks()
house = House(mailboxes=("ann", "bob", "eve"))
house.start()
ann, bob, eve = (f"{name}@example.test" for name in ("ann", "bob", "eve"))


def recoverable(who, *arguments):
    return house.mailctl_json("mailbox", "recoverable", who, *arguments)["items"]


def restore(who, *arguments, code=0):
    done = house.mailctl("mailbox", "restore", who, *arguments, "-o", "json", check=False)
    check(f"restore {' '.join(map(str, arguments))} exits {code}", done.returncode == code, done.stdout + done.stderr)
    return json.loads(done.stdout) if done.stdout.startswith("{") else {}


# ---- every way of losing a message leads to recoverable items
client = house.imap()
put(client, "INBOX", 6)
client.create("Work")
client.create("Work/deep")
put(client, "Work/deep", 2, 10)
client.select("INBOX")
client.store("1", "+FLAGS", "\\Deleted")
client.expunge()
client.uid("STORE", "2", "+FLAGS", "\\Deleted")
client.uid("EXPUNGE", "2")
client.uid("MOVE", "3", "Trash")
client.select("Trash")
client.store("1", "+FLAGS", "\\Deleted")
client.expunge()
client.unselect()
client.delete("Work/deep")
client.delete("Work")
pop = poplib.POP3("127.0.0.1", house.ports["pop3"])
pop.user(ann)
pop.pass_("secret")
pop.dele(1)
pop.quit()
lost = recoverable(ann)
check("expunge, UID EXPUNGE, Trash, folder and DELE: all can be restored",
      sorted((m["folder"], m["subject"]) for m in lost) ==
      sorted([("INBOX", "number 0"), ("INBOX", "number 1"), ("INBOX", "number 3"), ("Trash", "number 2"),
              ("Work/deep", "number 10"), ("Work/deep", "number 11")]), lost)
check("the last one comes first", lost[0]["subject"] == "number 3", lost[0])
check("sender, flags and times are told", lost[0]["from"].startswith("bob ") and lost[0]["flags"] == ["\\Seen", "$Work"] and
      lost[0]["received"].startswith("2024-01-04") and lost[0]["kept_until"] > lost[0]["expunged"], lost[0])
check("filters", [m["subject"] for m in recoverable(ann, "--folder", "Work")] == ["number 11", "number 10"] and
      len(recoverable(ann, "--from", "BOB@", "--subject", "number 1")) == 3 and
      len(recoverable(ann, "--filter", "folder=INBOX,subject~number 0")) == 1 and
      len(recoverable(ann, "--limit", "2")) == 2 and not recoverable(ann, "--until", "1h") and len(recoverable(ann, "--since", "1h")) == 6)
table = house.mailctl("mailbox", "recoverable", ann, "-o", "table").stdout
check("a table for people", table.splitlines()[0].split()[:4] == ["ID", "FOLDER", "FROM", "SUBJECT"], table)

# ---- and comes back, once, where it was, while a session looks on
client.select("INBOX")
before = int(client.response("EXISTS")[1][-1] or 0)
told = restore(ann, "--folder", "INBOX", "--dry-run")
check("a dry run says what would come back", told["restored"] == 3 and len(recoverable(ann)) == 6, told)
first = lost[0]["id"]
told = restore(ann, str(first))
check("one by its id", told["restored"] == 1 and told["folders"] == [{"folder": "INBOX", "messages": 1}], told)
client.noop()
check("the session sees it like a new message", int(client.response("EXISTS")[1][-1] or 0) == before + 1)
kind, data = client.fetch("*", "(FLAGS INTERNALDATE)")
check("with its flags, keyword and date, not \\Deleted", b"$Work" in data[0] and b"\\Seen" in data[0] and b"\\Deleted" not in data[0] and
      b" 4-Jan-2024" in data[0], data)
client.unselect()
restore(ann, str(first), code=3)
told = restore(ann, str(first), *[str(m["id"]) for m in lost[1:3]], code=9)
check("again: only what was still there", told["restored"] == 2 and told["missing"] == [first], told)
told = restore(ann, "--folder", "Work", "--to", "Rescued")
check("nothing left there", told["restored"] == 0, told)
told = restore(ann, "--subject", "number 0", "--to", "Rescued/here")
check("into a folder made for it", subjects(client, "Rescued/here") == [0], told)
entries = house.mailctl_json("history", "--limit", "3")["items"]
check("the history tells who restored how many into which folder", [(e["actor"], e["summary"]) for e in entries] == [
      (f"uid:{os.getuid()}", f"restored {what}") for what in (f"1 message of mailbox {ann} into Rescued/here",
      f"2 messages of mailbox {ann} into Work/deep", f"1 message of mailbox {ann} into INBOX")] and
      entries[1]["operations"][0]["changes"] == [{"field": "Work/deep", "before": "", "after": "2 messages"}] and
      entries[0]["revision"] is None, entries)
told = restore(ann, "--all")
check("all that is left", not recoverable(ann) and subjects(client, "Work/deep") == [10, 11] and subjects(client, "Trash") == [2], told)
restore(ann, code=4)
house.mailctl("mailbox", "set", ann, "--quota", "1KiB")
client.select("INBOX")
client.store("1:*", "+FLAGS", "\\Deleted")
client.expunge()
client.unselect()
house.mailctl("mailbox", "set", ann, "--quota", "200")
restore(ann, "--all", code=1)
house.mailctl("mailbox", "set", ann, "--quota", "0")
restore(ann, "--all")

# ---- killed in the middle: what was not restored yet comes with the next try, nothing twice
mbox = house.dir / "mbox"
mbox.write_text("".join(f"From bob@example.test Thu Jan  4 10:00:00 2024\nSubject: =?utf-8?q?number_{i}?=\n\nbody\n\n" for i in range(600)))
house.mailctl("mailbox", "import", ann, mbox, "--folder", "Archive")
client.select("Archive")
client.store("1:*", "+FLAGS", "\\Deleted")
client.expunge()
trying = threading.Thread(target=lambda: house.mailctl("mailbox", "restore", ann, "--folder", "Archive", check=False))
trying.start()
time.sleep(0.15)
house.kill()
trying.join()
house.start()
done = house.mailctl("mailbox", "restore", ann, "--folder", "Archive")
client = house.imap()
check("after kill -9 and another try each of 600 is there once", subjects(client, "Archive") == list(range(600)), done.stdout)
check("and none is left over", not recoverable(ann))

# ---- retention rules, in dry and for real; a hold beats "delete"
other = house.imap("bob")
put(other, "Trash", 3)
put(other, "INBOX", 2, 20)
put(client, "Trash", 4, 30)
put(client, "INBOX", 1, 40)
house.mailctl("mailbox", "hold", ann, "--comment", "case 17", "--for", "30d")
held = house.mailctl_json("mailbox", "show", ann)
check("the hold is told", held["status"]["litigation_hold"]["held"] is True and held["spec"]["hold_comment"] == "case 17" and
      held["status"]["litigation_hold"]["until"] == held["spec"]["hold_until"], held["status"])
time.sleep(1.1)
house.mailctl("retention", "create", "trash", "--after", "1s", "--special-use", "trash", "--action", "delete", "--except", eve, "--no-enabled")
check("a rule that is off takes nothing", house.mailctl_json("retention", "test", bob)["items"] == [])
house.mailctl("domain", "create", "other.test")
house.mailctl("retention", "set", "trash", "--mailboxes", "other.test", "--enabled")
check("a rule for others takes nothing", house.mailctl_json("retention", "test", bob)["items"] == [])
house.mailctl("retention", "delete", "trash")
put(house.imap("eve"), "Trash", 1)
house.mailctl("retention", "create", "trash", "--after", "1s", "--special-use", "trash", "--action", "delete", "--except", eve)
going = house.mailctl_json("retention", "test", bob)["items"]
check("the test counts, by folder and rule", [(g["folder"], g["rule"], g["action"]) for g in going] == [("Trash", "trash", "delete")], going)
check("held: only to recoverable items", house.mailctl_json("retention", "test", ann)["items"][0]["action"] == "recoverable")
check("the rule empties the Trash", until(lambda: subjects(other, "Trash") == [] and subjects(client, "Trash") == []))
check("and nothing else", subjects(other, "INBOX") == [20, 21] and subjects(house.imap("eve"), "Trash") == [0])
check("for good, but not where a hold is", not recoverable(bob) and
      sorted(m["subject"] for m in recoverable(ann)) == sorted(["number 2"] + [f"number {i}" for i in range(30, 34)]))
house.mailctl("retention", "delete", "trash")

# ---- purge: ages of seconds; the held mailbox keeps everything, the other does not
other.select("INBOX")
other.store("1:*", "+FLAGS", "\\Deleted")
other.expunge()
check("expunged", len(recoverable(bob)) == 2)
house.mailctl("policy", "set", "--recoverable-keep", "1s")
check("what is older than the policy says is gone for good", until(lambda: not recoverable(bob)))
check("held mail is not", len(recoverable(ann)) == 5 and recoverable(ann)[0]["kept_until"] is None)
house.mailctl("domain", "set", "example.test", "--recoverable-keep", "1d")
house.mailctl("mailbox", "unhold", ann)
time.sleep(2.5)
check("the domain may keep it longer", len(recoverable(ann)) == 5)
house.mailctl("domain", "set", "example.test", "--unset", "recoverable_keep")
check("without hold and domain it goes", until(lambda: not recoverable(ann)))
house.mailctl("policy", "set", "--unset", "recoverable_keep")
entries = house.mailctl("history", "-o", "tsv").stdout
check("the history tells holds and purges", all(what in entries for what in (
      f"changed mailbox {ann} (litigation_hold, hold_until, hold_comment)", "maild\t\tpurged 7 messages whose time had come",
      "maild\t\tpurged 3 messages by retention rules")), entries)

# ---- killed while it purges: the rest goes after the next start, and the store stays sound (checked at the end)
house.mailctl("mailbox", "import", bob, mbox, "--folder", "Archive")
other.select("Archive")
other.store("1:*", "+FLAGS", "\\Deleted")
other.expunge()
check("600 can be restored", house.mailctl_json("mailbox", "stats", bob)["recoverable"]["messages"] == 600)
house.mailctl("policy", "set", "--recoverable-keep", "1s")
until(lambda: house.mailctl_json("mailbox", "stats", bob)["recoverable"]["messages"] < 600)
house.kill()
house.start()
check("after kill -9 the purge ends", until(lambda: house.mailctl_json("mailbox", "stats", bob)["recoverable"]["messages"] == 0))

log = (house.dir / "log").read_text()
for event in ("recoverable_purged", "messages_restored", "retention_expired"):
    check(f"the log tells {event}", f"event={event}" in log)
check("it stops cleanly", house.stop() == 0)
done = house.check()
check("the store is sound", done.returncode == 0, done.stdout + done.stderr)
check.finish()
