#!/usr/bin/env python3
"""imap_extensions.py: what a transcript cannot play: compression, several connections at once, pushes within their time."""
import socket, ssl, time, zlib
from house import Checks, House
from imap_client import Imap

check = Checks()
house = House()


def imap(user=None):
    return Imap(house.ports["imap"], user)


def compression():
    """RFC 4978."""
    client = imap("ann")
    check("COMPRESS begins", client.compress().startswith("OK"))
    text = "Subject: x\r\n\r\n" + "all work and no play\r\n" * 20000
    check("a large message goes in", client.append(text)[-1].startswith("OK"))
    check("SELECT works", client("SELECT INBOX")[-1].startswith("OK"))
    got = client("FETCH 1 BODY.PEEK[]")
    check("and comes out byte for byte", text in got[0], got[0][:80])
    check("compressed once only", client("COMPRESS DEFLATE")[-1].startswith("NO [COMPRESSIONACTIVE]"))
    check("it is no longer offered", "COMPRESS=" not in client("CAPABILITY")[0])
    check("a new user is compressed still", client("UNAUTHENTICATE")[-1].startswith("OK") and
          client("LOGIN bob@example.test secret")[-1].startswith("OK"))

    bomb = imap("ann")
    bomb.compress()
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = packed.compress(b"a NOOP " + b"(" * (64 << 20)) + packed.flush(zlib.Z_SYNC_FLUSH)
    try:
        bomb.socket.sendall(data)
    except OSError:
        pass
    check("what unpacks to too much is cut off", bomb.closed())
    rubbish = imap("ann")
    rubbish.compress()
    rubbish.socket.sendall(b"\xff\xff\xff\xff not compressed\r\n")
    check("rubbish ends the connection", rubbish.closed())
    check("the next client is served", imap("ann")("NOOP")[-1].startswith("OK"))


WORDS = set("""IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE IDLE NAMESPACE UNSELECT UIDPLUS MOVE CHILDREN LIST-EXTENDED LIST-STATUS
    LIST-MYRIGHTS LIST-METADATA SPECIAL-USE CREATE-SPECIAL-USE CONDSTORE QRESYNC ESEARCH SEARCHRES ESORT SORT SORT=DISPLAY
    THREAD=REFERENCES THREAD=ORDEREDSUBJECT WITHIN MULTISEARCH PARTIAL CONTEXT=SEARCH BINARY CATENATE MULTIAPPEND REPLACE APPENDLIMIT
    COMPRESS=DEFLATE QUOTA QUOTA=RES-STORAGE ACL RIGHTS=texk METADATA NOTIFY OBJECTID SAVEDATE PREVIEW STATUS=SIZE UIDONLY INPROGRESS
    UNAUTHENTICATE UTF8=ACCEPT I18NLEVEL=1 LANGUAGE""".split())


def words(line):
    """The set behind CAPABILITY, in a response or a response code."""
    text = line[line.index("CAPABILITY ") + len("CAPABILITY "):].split("]")[0]
    listed = text.split()
    check("no word comes twice", len(listed) == len(set(listed)), listed)
    return {word.split("=")[0] if word.startswith("APPENDLIMIT=") else word for word in listed}


def capabilities():
    """What each state offers, word by word: nothing missing, nothing that does not work."""
    client = imap()
    greeting = words(client.greeting)
    mechanisms = {word for word in greeting if word.startswith("AUTH=")}
    check("mechanisms are offered", {"AUTH=PLAIN", "AUTH=SCRAM-SHA-256"} <= mechanisms, mechanisms)
    plain = {"IMAP4rev1", "IMAP4rev2", "LITERAL-", "SASL-IR", "ID", "ENABLE", "IDLE", "STARTTLS"}
    check("the greeting without TLS", greeting - mechanisms == plain, greeting ^ plain)
    check("CAPABILITY says the same", words(client("CAPABILITY")[0]) == greeting)
    check("signed in", words(client("LOGIN ann@example.test secret")[-1]) == WORDS, words(client("CAPABILITY")[0]) ^ WORDS)
    client("SELECT INBOX")
    check("selected", words(client("CAPABILITY")[0]) == WORDS)
    client.compress()
    check("compressed", words(client("CAPABILITY")[0]) == WORDS - {"COMPRESS=DEFLATE"})
    check("signed out, within compression", words(client("UNAUTHENTICATE")[-1]) - mechanisms == plain - {"STARTTLS"})
    secure = imap()
    secure("STARTTLS")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    secure.socket = context.wrap_socket(secure.socket)
    inside = words(secure("CAPABILITY")[0])
    check("inside TLS", {word for word in inside if not word.startswith("AUTH=")} == plain - {"STARTTLS"}, inside)
    check("channel binding is offered there", "AUTH=SCRAM-SHA-256-PLUS" in inside or "AUTH=SCRAM-SHA-256" in inside, inside)
    check("signed in inside TLS", words(secure("LOGIN ann@example.test secret")[-1]) == WORDS)


def within(client, wanted, milliseconds, act):
    """The line that holds `wanted` comes by itself within the time after act()."""
    started = time.monotonic()
    act()
    try:
        while True:
            line = client.line(timeout=10)
            if wanted in line:
                took = (time.monotonic() - started) * 1000
                return took <= milliseconds or f"took {took:.0f} ms"
    except (OSError, EOFError) as fault:
        return repr(fault)


PUSHED = 100


def pushed(what, client, wanted, act):
    # A busy machine may hold any process up: the best of three counts.
    best = None
    for _ in range(3):
        best = within(client, wanted, PUSHED, act)
        if best is True:
            break
    check(f"{what} within {PUSHED} ms", best is True, best)


MESSAGE = "Subject: news\r\n\r\nx\r\n"


def pushes():
    """IDLE and NOTIFY (RFC 2177, RFC 5465) between two connections."""
    other = imap("ann")
    idler = imap("ann")
    idler("SELECT INBOX")
    idler.send("i IDLE\r\n")
    while not idler.line().startswith("+"):
        pass
    pushed("IDLE tells a new message", idler, "EXISTS", lambda: other.append(MESSAGE))
    other("SELECT INBOX")
    pushed("IDLE tells flags", idler, "FETCH (", lambda: other("STORE 1 FLAGS ($%d)" % time.monotonic_ns()))
    other("STORE 1 +FLAGS.SILENT (\\Deleted)")
    pushed("IDLE tells an expunge", idler, "EXPUNGE", lambda: (other("STORE 1 +FLAGS.SILENT (\\Deleted)"), other("EXPUNGE")))
    idler.send("DONE\r\n")
    while not idler.line().startswith("i "):
        pass

    watcher = imap("ann")
    watcher("SELECT INBOX")
    answer = watcher("NOTIFY SET (selected (MessageNew (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)]) MessageExpunge FlagChange)) "
                     "(personal (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange))")
    check("NOTIFY is set", answer[-1].startswith("OK"), answer)
    pushed("NOTIFY tells a new message and what of it was asked", watcher, "Subject: news", lambda: other.append(MESSAGE))
    pushed("NOTIFY tells a message elsewhere", watcher, "STATUS Drafts (MESSAGES", lambda: other.append(MESSAGE, "Drafts"))
    names = iter(f"Box{i}" for i in range(100))
    pushed("NOTIFY tells a new mailbox", watcher, "LIST ", lambda: other(f"CREATE {next(names)}"))
    pushed("NOTIFY tells a subscription", watcher, "\\Subscribed", lambda: (other("UNSUBSCRIBE Box0"), other("SUBSCRIBE Box0")))
    pushed("NOTIFY tells metadata", watcher, "METADATA Drafts /shared/comment",
           lambda: other('SETMETADATA Drafts (/shared/comment "%d")' % time.monotonic_ns()))
    check("a command is answered as ever", watcher("NOOP")[-1].startswith("OK"))

    delayed = imap("ann")
    delayed("SELECT INBOX")
    delayed("NOTIFY SET (selected-delayed (MessageNew MessageExpunge))")
    count = int([line for line in other("STATUS INBOX (MESSAGES)") if "STATUS" in line][0].split("MESSAGES ")[1].split(")")[0])
    other("STORE 1 +FLAGS.SILENT (\\Deleted)")
    other("EXPUNGE")
    pushed("selected-delayed tells a new message", delayed, "EXISTS", lambda: other.append(MESSAGE))
    check("but an expunge only with a command", any("EXPUNGE" in line for line in delayed("NOOP")), count)
    check("NOTIFY NONE ends it", watcher("NOTIFY NONE")[-1].startswith("OK"))


def sharing():
    """Rights as they change while the other user is connected (RFC 4314)."""
    ann, bob = imap("ann"), imap("bob")
    place = '"Other Users/ann@example.test/INBOX"'
    check("nothing is seen at first", bob(f"SELECT {place}")[-1].startswith("NO [NONEXISTENT]"))
    house.mailctl("mailbox", "grant", "ann@example.test", "bob@example.test", "--rights", "read", "--folder", "INBOX")
    check("granted, it is read", bob(f"SELECT {place}")[-1].startswith("OK"))
    check("but not written to", bob.append(MESSAGE, place)[-1].startswith("NO [NOPERM]"))
    check("the owner sees who may", any("bob@example.test lrs" in line for line in ann("GETACL INBOX")))
    house.mailctl("mailbox", "revoke", "ann@example.test", "bob@example.test")
    check("revoked, even the open mailbox gives nothing", "BODY[]" not in "".join(bob("FETCH 1 BODY.PEEK[]")))
    check("and it is gone", bob(f"SELECT {place}")[-1].startswith("NO [NONEXISTENT]"))


try:
    check("maild starts", house.start(), house.tail())
    compression()
    capabilities()
    pushes()
    sharing()
    check("maild stops cleanly", house.stop() == 0, house.tail())
finally:
    house.destroy()
check.finish()
