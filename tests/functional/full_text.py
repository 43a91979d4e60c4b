#!/usr/bin/env python3
"""full_text.py: SEARCH TEXT and BODY at a real maild give the same answers at once after a delivery, from the index, after
the index was deleted, damaged or rebuilt, and after maild was killed while it was built."""
import base64, time
from house import Checks, House, until

check = Checks()
house = House()
index = house.data / "text.db"
# "#ne" stands in no id of a Received field, as "nee" may.
WORDS = {"plain": "#needle", "umlaut": "Lou\u00dfenb\u00e4nder", "cyrillic": "\u041f\u0440\u0438\u0432\u0435\u0442", "cjk": "\u6f22\u5b57\u4eee\u540d"}
# Their first three letters cannot be in an id of a Received field by chance: those have no "l", "o" or "u".
expected = {}  # what is looked for -> the messages (sequence numbers) that hold it
count = 0


def status():
    return house.mailctl_json("status")["index"]


def complete(messages):
    state = status()
    return state["state"] == "complete" and state["messages"] >= messages and state["behind"] == 0


def deliver(client, word, kind):
    """One message with a word in a base64 part of its own charset; counts what it should be found by."""
    global count
    count += 1
    charset = {"cyrillic": "koi8-r", "umlaut": "iso-8859-1"}.get(kind, "utf-8")
    part = base64.b64encode(f"<p>number{count}x {word} end</p>".encode(charset)).decode()
    message = (f"From: Ann <ann@example.test>\r\nSubject: message {count}\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
               f"--b\r\nContent-Type: text/html; charset={charset}\r\nContent-Transfer-Encoding: base64\r\n\r\n{part}\r\n--b--\r\n")
    assert client.deliver("s@remote.test", ["ann@example.test"], message).startswith("250")
    for key in (word, word.lower(), word[:3], f"number{count}x"):
        expected.setdefault(key, []).append(count)


def fill(messages):
    client = house.smtp()
    for n in range(messages):
        kind = list(WORDS)[n % len(WORDS)]
        deliver(client, WORDS[kind], kind)
    client.close()


def search(client, key, what):
    client.literal = what.encode()
    return [int(n) for n in client.uid("SEARCH", "CHARSET", "UTF-8", key)[1][0].split()]


def answers(when):
    """Every answer is the one that the messages themselves give."""
    client = house.imap()
    client.select("INBOX")
    wrong = []
    for what in sorted(expected, key=lambda k: (len(expected[k]), k))[-24:] + ["nowheretobefound", "#~"]:
        wanted = sorted(set(expected.get(what, [])))
        for key in ("BODY", "TEXT"):
            got = search(client, key, what)
            if got != wanted:
                wrong.append((what, key, wanted[:5], got[:5]))
    by_prefix = search(client, "TEXT", "delivered-to: ann")
    there = sorted({n for found in expected.values() for n in found})
    if by_prefix not in ([], there):
        wrong.append(("delivered-to", by_prefix[:5]))
    check(f"{when}: {count} messages, every answer is exact", not wrong, wrong[:5])
    client.logout()


check("it starts", house.start(), house.tail())
fill(40)
answers("at once")
check("the index is complete soon", until(lambda: complete(40)), status())
answers("from the index")
shown = house.mailctl("status", "-o", "table").stdout
check("mailctl status shows it", "search index" in shown and "complete, 40 messages" in shown, shown)
metrics = house.mailctl("server", "metrics").stdout
number = lambda name: int(next(line for line in metrics.splitlines() if line.startswith(name + " ")).split()[1])
check("the index was asked, and answered", number("maild_text_index_lookups_total") > 60 and
      number("maild_text_index_lookup_failures_total") == 0, metrics[-1500:])
check("so do the metrics", "maild_text_index_messages 40" in metrics and "maild_derived_total 0" in metrics, metrics[-800:])
client = house.imap()
client.select("INBOX")
client.store("1:3", "+FLAGS", "\\Deleted")
client.expunge()
client.logout()
for what in expected:
    expected[what] = [n for n in expected[what] if n > 3]
fill(5)
check("a rebuild is asked for", "built again" in house.mailctl("server", "reindex").stdout)
answers("during a rebuild")
check("it is complete again", until(lambda: complete(42)), status())
answers("after the rebuild")

check("it stops", house.stop() == 0, house.tail())
for path in house.data.glob("text.db*"):
    path.unlink()
check("it starts without its index", house.start(), house.tail())
answers("with the index deleted")
check("the index is built anew", until(lambda: complete(42)), status())
answers("from the new index")

check("it stops again", house.stop() == 0, house.tail())
for path in house.data.glob("text.db-*"):
    path.unlink()
index.write_bytes(b"\0damaged" * 4096)
check("it starts with a damaged index", house.start(), house.tail())
check("and replaces it", until(lambda: complete(42)) and "text_index_dropped" in (house.dir / "log").read_text(), house.tail())
answers("after damage")

for round_number in range(3):
    fill(40)
    house.mailctl("server", "reindex")
    time.sleep(0.02 + 0.1 * round_number)  # somewhere in the middle of the work
    house.kill()
    check(f"it starts after kill -9 number {round_number + 1}", house.start(), house.tail())
    answers("right after kill -9")
check("the index is completed", until(lambda: complete(42 + 120), 60), status())
answers("after all of it")
check("it stops cleanly", house.stop() == 0, house.tail())
report = house.check()
check("maild check finds the store sound", report.returncode == 0, report.stdout + report.stderr)
check.finish()
