#!/usr/bin/env python3
"""story.py: every message has one story, from connection to last outcome: delivered here, through an alias and a forward,
refused, put off and then handed over, returned, held and dropped by an administrator; found and told by mailctl; the part up
to acceptance survives kill -9."""
import json
from house import Checks, House, free_ports, until
from remote import Remote, refuse

check = Checks()
sink_port, dead_port = free_ports(2)


house = House(extra=f"""---
kind: alias
items:
  sales@example.test: {{targets: [ann@example.test, out@sink.test]}}
---
kind: mailbox
items:
  carl@example.test: {{forward: [bob@example.test]}}
  tiny@example.test: {{quota: 100}}
---
kind: route
items:
  sink: {{domains: [sink.test], relay: "127.0.0.1:{sink_port}", tls: none, retry: [1s]}}
  dead: {{domains: [dead.test], relay: "127.0.0.1:{dead_port}", tls: none, retry: [5m]}}
""")
unknown = refuse(b"unknown", b"550 5.1.1 Nobody of that name in the sink\r\n")
later = refuse(b"later", b"451 4.7.1 Come back in a moment\r\n", 1)
sink = Remote("127.0.0.1", sink_port, {"RCPT": lambda *asked: unknown(*asked) or later(*asked)}, ())
check("maild starts", house.start(), house.tail())


def message(subject):
    return f"From: x@client.test\r\nSubject: {subject}\r\nMessage-ID: <{subject.split()[0]}@client.test>\r\n\r\nhello"


def send(sender, recipients, subject):
    """The reply to the message, and its id."""
    client = house.smtp()
    reply = client.deliver(sender, recipients, message(subject))
    client.command("QUIT")
    client.close()
    return reply, reply.split()[-1]


def why(*arguments):
    return house.mailctl_json("why", *arguments)["items"]


def trace(id):
    return house.mailctl_json("message", "trace", id)


def outcomes(id):
    return {r["to"]: r["outcome"] for r in trace(id)["recipients"]}


# Delivered here.
reply, local = send("eve@client.test", ["ann@example.test"], "local delivery")
story = trace(local)
check("local: delivered", story["outcome"] == "delivered" and story["recipients"][0]["folder"] == "INBOX", story)
check("local: each step is an event", [e["what"] for e in story["events"]] ==
      ["connection", "hello", "sender", "message", "recipient", "mailbox"], story["events"])
check("local: each event has its id", [e["event"] for e in story["events"]] == [f"{local}/{i}" for i in range(1, 7)])
for what, arguments in {"sender": ["--from", "eve@client.test"], "recipient": ["--to", "ann@example.test"],
                        "Message-ID": ["--message-id", "<local@client.test>"], "subject": ["--subject", "delivery LOCAL"],
                        "domain": ["--from", "*@client.test"], "outcome": ["--outcome", "delivered", "--since", "1h"]}.items():
    found = why(*arguments)
    check(f"found by {what}", [s["id"] for s in found] == [local], found)
check("and not by another time", why("--to", "ann@example.test", "--until", "1h") == [])
text = house.mailctl("why", "--to", "ann@example.test").stdout
check("why says it in a sentence, with the events beneath", "ann@example.test: delivered to INBOX.\n" in text and "mailbox /6" in text, text)

# Alias with a member outside, a forward, a mailbox that is full, somebody who is not there.
reply, mixed = send("eve@client.test", ["sales@example.test", "carl@example.test", "tiny@example.test", "nobody@example.test"], "mixed")
check("a refused recipient ends the transaction of this client", reply.startswith("550"), reply)
client = house.smtp()
for line in ("MAIL FROM:<eve@client.test>", "RCPT TO:<sales@example.test>", "RCPT TO:<carl@example.test>",
             "RCPT TO:<tiny@example.test>", "RCPT TO:<nobody@example.test>", "DATA"):
    client.command(line)
client.send(message("mixed bag") + "\r\n.\r\n")
mixed = client.reply().split()[-1]
client.close()
check("alias: its outside member is handed over", until(lambda: outcomes(mixed).get("out@sink.test") == "relayed"), trace(mixed))
story = trace(mixed)
by = {r["to"]: r for r in story["recipients"]}
check("alias: the way is told", by["ann@example.test"]["via"] == ["alias sales@example.test"], by)
check("forward: both mailboxes", by["carl@example.test"]["outcome"] == by["bob@example.test"]["outcome"] == "delivered" and
      by["bob@example.test"]["via"] == ["forward carl@example.test"], by)
check("full: the copy that had no room", by["tiny@example.test"]["outcome"] == "refused", by)
check("refused: in the story of the message the others got", by["nobody@example.test"]["text"].startswith("550 5.1.1"), by)
check("found by an address that was refused", mixed in [s["id"] for s in why("--to", "nobody@example.test")])

# A transaction that was refused as a whole, twice: above and here.
client = house.smtp()
client.command("MAIL FROM:<spam@client.test>")
client.command("RCPT TO:<somebody@else.test>")
client.command("QUIT")
client.close()
check("refused: found soon", until(lambda: why("--from", "spam@client.test"), 10))
story = why("--from", "spam@client.test")[0]
check("refused: why", story["outcome"] == "refused" and "Relaying denied" in story["recipients"][0]["text"], story)
check("refused: found by outcome", story["id"] in [s["id"] for s in why("--outcome", "refused")])


def submit(to, subject):
    done = house.submit(to, message(subject).replace("x@client.test", "ann@example.test").encode() + b"\r\n")
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return why("--subject", subject)[0]["id"]


# Put off, then handed over.
late = submit("later@sink.test", "patience")
check("put off, then handed over", until(lambda: outcomes(late) == {"later@sink.test": "relayed"}, 30), trace(late))
story = trace(late)
attempts = [e for e in story["events"] if e["what"] == "attempt"]
check("two attempts with the remote's words", [a["recipients"][0]["text"] for a in attempts] ==
      ["451 4.7.1 Come back in a moment", "250 2.0.0 in the sink"], attempts)
check("sign-in and TLS are told", {"tls", "sign-in"} <= {e["what"] for e in story["events"]})
items = house.mailctl_json("message", "transcript", late)["items"]
check("each attempt has its transcript", len(items) == 2 and "S: 451 4.7.1 Come back" in items[0]["transcript"] and
      "C: RCPT TO:<later@sink.test>" in items[1]["transcript"], items)
one = house.mailctl("message", "transcript", items[1]["event"]).stdout
check("one of them by its event", "in the sink" in one and "451" not in one, one)
check("found by outcome", late in [s["id"] for s in why("--outcome", "relayed")] and late not in [s["id"] for s in why("--outcome", "deferred")])

# Returned.
lost = submit("unknown@sink.test", "bounce")
check("returned with the remote's words", until(lambda: outcomes(lost) == {"unknown@sink.test": "failed"}), trace(lost))
text = house.mailctl("why", "--subject", "bounce", "--from", "ann@example.test").stdout
check("and a sentence", 'said "550 5.1.1 Nobody of that name in the sink"; the sender was told by message ' in text, text)
report = trace(lost)["recipients"][0]["report"]
check("the report has a story too, found by its id", outcomes(report) == {"ann@example.test": "delivered"}, trace(report))
check("and as mail without a sender, the newest of them", [s["id"] for s in why("--from", "<>", "--to", "ann@example.test")][0] == report)

# Waits, is held, let go, dropped.
stuck = submit("someone@dead.test", "stuck")
check("waits with the reason", until(lambda: outcomes(stuck) == {"someone@dead.test": "deferred"}), trace(stuck))
recipient = trace(stuck)["recipients"][0]
check("and when it is tried again", "refused" in recipient["text"] and recipient["attempts"] == 1 and "next_attempt" in recipient, recipient)
check("found by outcome", [s["id"] for s in why("--outcome", "deferred")] == [stuck])
queue_id = str(recipient["queue"])
house.mailctl("queue", "hold", queue_id)
check("held, and by whom", until(lambda: outcomes(stuck) == {"someone@dead.test": "held"} and
                                 trace(stuck)["recipients"][0].get("actor", "").startswith("uid:")), trace(stuck))
check("resubmit lets it go", house.mailctl("message", "resubmit", stuck).stdout == "trying again for 1 recipient\n")
check("and it is tried", until(lambda: trace(stuck)["recipients"][0]["attempts"] == 2), trace(stuck))
house.mailctl("queue", "drop", queue_id, "--silent", "--yes")
check("dropped", until(lambda: outcomes(stuck) == {"someone@dead.test": "dropped"}), trace(stuck))

# What would happen: the same story, and nothing has happened.
before = [s["id"] for s in why("--since", "1h")], house.mailctl("queue", "list").stdout
story = house.mailctl_json("simulate", "--from", "eve@client.test", "--to", "sales@example.test", "--to", "nobody@example.test",
                           "--to", "tiny@example.test")
by = {r["to"]: r for r in story["recipients"]}
check("simulate: into the mailbox, out by the route, refused, no room", story["simulated"] and
      by["ann@example.test"]["outcome"] == "delivered" and by["out@sink.test"]["way"]["route"] == "sink" and
      by["nobody@example.test"]["text"].startswith("550 5.1.1") and by["tiny@example.test"]["outcome"] == "refused", story)
check("simulate: the same steps", [e["what"] for e in story["events"]][:3] == ["connection", "hello", "sender"], story["events"])
check("simulate: with the dialogue", "C: MAIL FROM:<eve@client.test>" in story["dialogue"] and
      any(line.startswith("S: 250 2.0.0 Accepted as") for line in story["dialogue"]), story["dialogue"])
story = house.mailctl_json("simulate", "--from", "ann@example.test", "--to", "x@dead.test", "--listener", "submission")
check("simulate: as somebody who has signed in", story["outcome"] == "queued" and story["recipients"][0]["way"]["route"] == "dead", story)
story = house.mailctl_json("simulate", "--from", "ann@example.test", "--to", "x@dead.test")
check("simulate: a stranger may not relay", story["outcome"] == "refused" and "Relaying denied" in story["recipients"][0]["text"], story)
large = house.dir / "large.eml"
large.write_text("Subject: large\n\n" + ".dots\n" * 40_000)
story = house.mailctl_json("simulate", "--from", "eve@client.test", "--to", "ann@example.test", "--file", large)
check("simulate: a large message with dots and LF", story["outcome"] == "delivered" and story["subject"] == "large", story)
client = house.imap("ann")
client.select("INBOX")
check("simulate: nothing has arrived", client.search(None, "SUBJECT", "simulation")[1] == [b""] and
      client.search(None, "SUBJECT", "large")[1] == [b""])
client.logout()
check("simulate: nothing is queued and no story is kept", ([s["id"] for s in why("--since", "1h")],
                                                          house.mailctl("queue", "list").stdout) == before)

# A delivery up to RCPT.
def stages(*arguments):
    done = house.mailctl("doctor", "deliver", *arguments, "-o", "json", check=False)
    return done.returncode, {(s := json.loads(line))["stage"]: s for line in done.stdout.splitlines()}


sink.lines.clear()
code, told = stages("good@sink.test", "--sender", "ann@example.test")
check("doctor: every stage", code == 0 and list(told) == ["route", "hosts", "tlsa", "connect", "session", "envelope", "end"] and
      all(s["good"] for s in told.values()), told)
check("doctor: with the dialogue", "C: RCPT TO:<good@sink.test>" in told["envelope"]["dialogue"], told["envelope"])
check("doctor: nothing was sent", until(lambda: sink.lines[-1:] == [b"QUIT\r\n"]) and b"DATA\r\n" not in sink.lines, sink.lines)
code, told = stages("unknown@sink.test")
check("doctor: a recipient that is refused", code == 1 and not told["envelope"]["good"] and "Nobody of that name" in told["envelope"]["text"] and
      "would be returned" in told["end"]["text"], told)
code, told = stages("x@dead.test")
check("doctor: a host that does not answer", code == 1 and not told["connect"]["good"] and "would wait" in told["end"]["text"], told)
check("doctor: no address", house.mailctl("doctor", "deliver", "nonsense", check=False).returncode == 7)

# kill -9 right after the reply.
client = house.smtp()
reply = client.deliver("eve@client.test", ["ann@example.test", "x@dead.test"], message("nope"))
client.command("RSET")
client.command("MAIL FROM:<eve@client.test>")
client.command("RCPT TO:<ann@example.test>")
client.command("DATA")
client.send(message("survivor") + "\r\n.\r\n")
survivor = client.reply().split()[-1]
house.kill()
client.close()
check("maild starts again", house.start(), house.tail())
story = trace(survivor)
check("the story up to acceptance is there", story["outcome"] == "delivered" and story["subject"] == "survivor", story)
check("what was written before too", outcomes(late) == {"later@sink.test": "relayed"})
check("it stops cleanly", house.stop() == 0, house.tail())
check.finish()
