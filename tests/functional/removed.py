"""A removed mailbox is kept for a while: it comes back as it was, under its name or another, and goes for good in time."""
import datetime, imaplib, os
from house import Checks, House, until
from numbered import put, subjects

check = Checks()
house = House(mailboxes=("ann", "bob"))
house.start()
ann, bob = "ann@example.test", "bob@example.test"
other = house.imap("bob")


def validity(client, folder):
    return client.status(folder, "(UIDVALIDITY)")[1][0]


def try_sign_in(user):
    try:
        house.imap(user).logout()
        return True
    except imaplib.IMAP4.error:
        return False


# ---- a removed mailbox comes back as it was
house.mailctl("mailbox", "alias", "add", bob, "robert@example.test")
house.mailctl("mailbox", "grant", bob, ann, "--rights", "read")
put(other, "INBOX", 3, 50)
uid_validity = validity(other, "INBOX")
house.mailctl("mailbox", "delete", bob, "--yes")
check("nobody signs in to it", not try_sign_in("bob"))
removed = house.mailctl_json("mailbox", "list", "--removed")["items"]
check("it is listed as removed", [(r["name"], r["state"], r["messages"]) for r in removed] == [(bob, "kept", 3)], removed)
house.kill()
house.start()
done = house.mailctl("mailbox", "restore", bob)
check("restored", "brought back mailbox bob@example.test with 3 messages" in done.stdout and not done.stderr, done)
other = house.imap("bob")
check("sign-in with the old password, UIDVALIDITY and mail as before",
      validity(other, "INBOX") == uid_validity and subjects(other, "INBOX") == [50, 51, 52])
check("its rights too", ann in house.mailctl("mailbox", "rights", bob, "--folder", "INBOX").stdout)
check("and its alias", bob in house.mailctl("mailbox", "show", bob, "-o", "json").stdout and
      house.smtp().deliver("x@remote.test", ["robert@example.test"], "Subject: =?utf-8?q?number_60?=\r\n\r\nx").startswith("250"))
check("mail comes to it again", until(lambda: subjects(other, "INBOX") == [50, 51, 52, 60]))
told = lambda: [(h["actor"], h["changes"]) for h in history_lines()]


def history_lines(limit=20):
    """The history as people see it."""
    rows = [line.split("\t") for line in house.mailctl("history", "--limit", str(limit), "-o", "tsv").stdout.splitlines()]
    return [dict(zip(("number", "revision", "at", "actor", "set", "changes"), row)) for row in rows if row[0].isdigit()]


me = f"uid:{os.getuid()}"
check("the history tells who reconnected it", told()[0] == (me, "reconnected mailbox bob@example.test"), told())

# ---- the name given out again meanwhile
house.mailctl("mailbox", "delete", bob, "--yes")
house.mailctl("mailbox", "create", bob)
house.mailctl("alias", "create", "robert@example.test", "--targets", ann)
done = house.mailctl("mailbox", "restore", bob, check=False)
check("a conflict with a way out", done.returncode == 4 and "--as" in done.stderr, done)
done = house.mailctl("mailbox", "restore", bob, "--as", "bob.old@example.test", "--dry-run")
check("a dry run changes nothing", "+ mailbox bob.old@example.test" in done.stdout and
      len(house.mailctl_json("mailbox", "list", "--removed")["items"]) == 1, done)
done = house.mailctl("mailbox", "restore", bob, "--as", "bob.old@example.test")
check("under another name, without the alias that is somebody else's", "left out an alias: robert@example.test" in done.stderr, done)
check("the history tells what it was", told()[0] == (me, "reconnected mailbox bob.old@example.test (was bob@example.test)"), told())
shown = house.mailctl("history", "show", history_lines()[0]["number"], "-o", "table").stdout
check("and all of it", "+ mailbox bob.old@example.test (reconnected, was bob@example.test)" in shown, shown)
check("with mail and password", subjects(house.imap("bob.old"), "INBOX") == [50, 51, 52, 60])
check("none is removed any more", house.mailctl_json("mailbox", "list", "--removed")["items"] == [] and
      house.mailctl("mailbox", "restore", "nobody@example.test", check=False).returncode == 3)

# ---- gone for good: after removed_keep, but not while held
house.mailctl("mailbox", "hold", "bob.old@example.test", "--for", "1d")
house.mailctl("mailbox", "delete", "bob.old@example.test", bob, "--yes")
house.mailctl("policy", "set", "--removed-keep", "1s")
kept = lambda: [(r["kept_until"] or "")[:10] for r in house.mailctl_json("mailbox", "list", "--removed")["items"]]
tomorrow = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)).strftime("%Y-%m-%d")
names = lambda: [(r["name"], r["state"]) for r in house.mailctl_json("mailbox", "list", "--removed")["items"]]
check("a removed mailbox goes, a held one stays", until(lambda: names() == [("bob.old@example.test", "held")]), names())
check("and says until when", kept() == [tomorrow], kept())
house.mailctl("mailbox", "restore", "bob.old@example.test")
house.mailctl("mailbox", "hold", "bob.old@example.test")
check("the held one is whole", subjects(house.imap("bob.old"), "INBOX") == [50, 51, 52, 60])
house.mailctl("mailbox", "unhold", "bob.old@example.test")
house.mailctl("mailbox", "delete", "bob.old@example.test", "--yes")
check("without hold it goes as well", until(lambda: names() == []))
check("the history tells holds and what is gone for good", {(me, "changed mailbox bob.old@example.test (litigation_hold)"),
      ("maild", "purged removed mailbox bob@example.test"), ("maild", "purged removed mailbox bob.old@example.test")} <= set(told()), told())
log = (house.dir / "log").read_text()
for event in ("mailbox_purged", "mailbox_restored"):
    check(f"the log tells {event}", f"event={event}" in log)
check("it stops cleanly", house.stop() == 0)
done = house.check()
check("the store is sound", done.returncode == 0, done.stdout + done.stderr)
check.finish()
