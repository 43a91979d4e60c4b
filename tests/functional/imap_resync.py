#!/usr/bin/env python3
"""imap_resync.py [SEED]: sessions that change two folders at once in every way while observers resynchronise from what they remember,
by QRESYNC, by CONDSTORE, or staying connected (RFC 7162); when all is quiet each observer must know exactly what is there."""
import random, re, sys, threading, time
from house import Checks, House
from imap_client import Imap

SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 1
FOLDERS = ("INBOX", "Work")
ROUNDS, SECONDS, WRITERS = 4, 1.5, 4
check = Checks()
house = House()
faults = []


def numbers(text):
    """The numbers of a set: 2,4:6."""
    for part in text.split(","):
        first, _, last = part.partition(":")
        yield from range(int(first), int(last or first) + 1)


def uid_set(uids):
    return ",".join(map(str, sorted(uids))) or "1"


def fetched(line):
    """(uid, flags, modseq) of a FETCH response, or None."""
    uid, flags, modseq = re.search(r"\bUID (\d+)", line), re.search(r"FLAGS \(([^)]*)\)", line), re.search(r"MODSEQ \((\d+)\)", line)
    if not re.match(r"\* \d+ FETCH ", line):
        return None
    if not uid or not flags:
        raise AssertionError(f"a FETCH without UID or FLAGS: {line}")
    return int(uid[1]), frozenset(flags[1].split()) - {"\\Recent"}, int(modseq[1]) if modseq else 0


class Writer(threading.Thread):
    def __init__(self, seed, end):
        super().__init__()
        self.random, self.end = random.Random(seed), end

    def run(self):
        try:
            here = self.random.choice(FOLDERS)
            other = FOLDERS[1 - FOLDERS.index(here)]
            imap = Imap(house.ports["imap"], "ann")
            imap("ENABLE CONDSTORE")
            imap(f"SELECT {here}")
            while time.monotonic() < self.end:
                self.change(imap, here, other)
            imap("LOGOUT")
        except Exception as error:
            faults.append(f"writer: {error!r}")

    def change(self, imap, here, other):
        pick = self.random
        last = max((fetched(line)[0] for line in imap("UID FETCH * (FLAGS)") if fetched(line)), default=1)
        some = uid_set({pick.randint(max(1, last - 40), last) for _ in range(pick.randint(1, 6))})
        flags = " ".join(pick.sample(["\\Seen", "\\Flagged", "\\Answered", "\\Draft", "$Work", f"word{pick.randint(1, 12)}"], pick.randint(1, 3)))
        sign = pick.choice(["+", "-", ""])
        what = pick.randint(0, 99)
        if what < 35:
            answer = imap.append("Subject: x\r\n\r\nx\r\n", pick.choice(FOLDERS))
        elif what < 55:
            answer = imap(f"UID STORE {some} {sign}FLAGS ({flags})")
        elif what < 70:
            answer = self.guarded(imap, some, sign, flags)
        elif what < 80:
            answer = imap(f"UID COPY {some} {other}")
        elif what < 87:
            answer = imap(f"UID MOVE {some} {other}")
        else:
            imap(f"UID STORE {some} +FLAGS.SILENT (\\Deleted)")
            answer = imap(f"UID EXPUNGE {some}" if pick.random() < .5 else "EXPUNGE")
        if not answer[-1].startswith("OK"):
            raise AssertionError(answer[-1])

    def guarded(self, imap, some, sign, flags):
        """RFC 7162 §3.1.3: what was told as MODIFIED was indeed changed after the mark."""
        mark = max([fetched(line)[2] for line in imap("UID FETCH 1:* (FLAGS MODSEQ)") if fetched(line)], default=1)
        mark -= self.random.randint(0, 20)
        answer = imap(f"UID STORE {some} (UNCHANGEDSINCE {max(mark, 1)}) {sign}FLAGS ({flags})")
        modified = re.search(r"\[MODIFIED ([\d:,]+)\]", answer[-1])
        if modified:
            now = {uid: modseq for uid, _, modseq in filter(None, map(fetched, imap(f"UID FETCH {modified[1]} (FLAGS MODSEQ)")))}
            if any(modseq <= mark for modseq in now.values()):
                raise AssertionError(f"MODIFIED {modified[1]}, but {now} with {mark}")
        return answer


class Observer:
    """What it remembers of one folder."""
    def __init__(self, folder, seed):
        self.folder, self.random = folder, random.Random(seed)
        self.validity = self.modseq = 0
        self.items = {}  # uid: flags
        self.imap = None

    def connect(self, enable):
        self.imap = Imap(house.ports["imap"], "ann")
        self.imap(f"ENABLE {enable}")

    def learn(self, lines):
        """What a whole answer told; the highest modification sequence in it."""
        highest = 0
        for line in lines:
            item = fetched(line)
            if item:
                self.items[item[0]] = item[1]
                highest = max(highest, item[2])
            elif line.startswith("* VANISHED"):
                for uid in numbers(line.split()[-1]):
                    self.items.pop(uid, None)
            known = re.match(r"\* OK \[HIGHESTMODSEQ (\d+)\]", line)
            self.select_modseq = int(known[1]) if known else getattr(self, "select_modseq", 0)
            validity = re.match(r"\* OK \[UIDVALIDITY (\d+)\]", line)
            if validity:
                assert self.validity in (0, int(validity[1])), "UIDVALIDITY changed"
                self.validity = int(validity[1])
        if not lines[-1].startswith("OK"):
            raise AssertionError(lines[-1])
        return highest


class Resyncing(Observer):
    """Comes back again and again with QRESYNC, now and then with its UIDs and some message numbers (RFC 7162 §3.2.5)."""
    def resync(self):
        self.connect("QRESYNC")
        more, last = "", max(self.items, default=0)
        if self.items and self.random.random() < .5:
            more = " " + uid_set(self.items)
            if self.random.random() < .5:
                uids = sorted(self.items)
                more += f" (1,{len(uids)} {uids[0]},{uids[-1]})" if len(uids) > 1 else f" (1 {uids[0]})"
        resync = f" (QRESYNC ({self.validity} {self.modseq}{more}))" if self.modseq else ""
        self.learn(self.imap(f"SELECT {self.folder}{resync}"))
        if not resync or more: # RFC 7162 §3.2.5.2: with known UIDs only they are told of; the others are new
            self.learn(self.imap(f"UID FETCH {last + 1}:* (FLAGS)"))
        self.modseq = self.select_modseq
        self.imap("LOGOUT")


class Asking(Observer):
    """CONDSTORE alone: what changed by CHANGEDSINCE, what is left by SEARCH."""
    def resync(self):
        self.connect("CONDSTORE")
        self.learn(self.imap(f"SELECT {self.folder} (CONDSTORE)"))
        mark = self.select_modseq
        self.learn(self.imap(f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {max(self.modseq, 1)})" if self.modseq else "UID FETCH 1:* (FLAGS)"))
        found = [line for line in self.imap("UID SEARCH ALL") if line.startswith("* SEARCH")][-1].split()[2:]
        left = set(map(int, found))
        self.items = {uid: flags for uid, flags in self.items.items() if uid in left}
        if left - set(self.items):
            self.learn(self.imap(f"UID FETCH {uid_set(left - set(self.items))} (FLAGS)"))
        self.modseq = mark
        self.imap("LOGOUT")


class Staying(Observer):
    """Stays connected and is told; its mark is what it was told of at the end of a command (RFC 7162 §3.1.2). Now and then it comes back."""
    def resync(self):
        if self.imap is None:
            self.connect("QRESYNC")
            resync = f" (QRESYNC ({self.validity} {self.modseq}))" if self.modseq else ""
            self.learn(self.imap(f"SELECT {self.folder}{resync}"))
            if not resync:
                self.learn(self.imap("UID FETCH 1:* (FLAGS MODSEQ)"))
            self.modseq = self.select_modseq
        last = max(self.items, default=0)
        self.modseq = max(self.modseq, self.learn(self.imap("NOOP")))
        self.learn(self.imap(f"UID FETCH {last + 1}:* (FLAGS)"))
        if self.random.random() < .2:
            self.imap("LOGOUT")
            self.imap = None


def watch(observer, end):
    try:
        while time.monotonic() < end:
            observer.resync()
            time.sleep(observer.random.random() / 10)
    except Exception as error:
        faults.append(f"{type(observer).__name__} {observer.folder}: {error!r}")


try:
    check("it starts", house.start(), house.tail())
    starter = Imap(house.ports["imap"], "ann")
    starter("CREATE Work")
    for i in range(20):
        starter.append(f"Subject: {i}\r\n\r\nx\r\n", FOLDERS[i % 2])
    first, second = (Imap(house.ports["imap"], "ann") for _ in range(2))
    for imap in (first, second):
        imap("SELECT INBOX")
    second("STORE 2 +FLAGS (\\Flagged)")
    told = first("STORE 1 -FLAGS (\\Flagged)") + first("NOOP")
    check("a STORE that changes nothing hides no change of others", any(line.startswith("* 2 FETCH") for line in told), told)
    observers = [kind(folder, SEED * 100 + i) for i, (kind, folder) in enumerate((k, f) for f in FOLDERS for k in (Resyncing, Asking, Staying))]
    for turn in range(ROUNDS):
        end = time.monotonic() + SECONDS
        threads = [Writer(SEED * 1000 + turn * 10 + i, end) for i in range(WRITERS)]
        threads += [threading.Thread(target=watch, args=(observer, end)) for observer in observers]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        check(f"round {turn + 1}: every answer made sense", not faults, faults[:3])
        for observer in observers:
            observer.resync()
            fresh = Imap(house.ports["imap"], "ann")
            fresh(f"EXAMINE {observer.folder}")
            truth = {uid: flags for uid, flags, _ in filter(None, map(fetched, fresh("UID FETCH 1:* (FLAGS)")))}
            fresh("LOGOUT")
            wrong = {uid: (observer.items.get(uid), truth.get(uid)) for uid in observer.items.keys() | truth.keys()
                     if observer.items.get(uid) != truth.get(uid)}
            check(f"round {turn + 1}: {type(observer).__name__} knows the {len(truth)} messages of {observer.folder}", not wrong,
                  f"{len(wrong)} differ (known, true): {dict(list(wrong.items())[:5])}")
    check("it stops cleanly", house.stop() == 0, house.tail())
finally:
    house.destroy()
check.finish()
