#!/usr/bin/env python3
"""storage_faults.py [NAME...]: maild on real file systems that fail: full, without inodes, frozen, read-only, with write-back errors,
or copied while it runs. Each check begins with the number of its fault. Without the right to mount they are skipped (status 77)."""
import imaplib, os, pathlib, random, signal, sys, tempfile, threading, time
from disk import Ext4, health, run, send, small_tmpfs, subjects
from house import Checks, House, Smtp, until

check = Checks()
skipped = []


def skip(fault, why):
    skipped.append(fault)
    print(f"skip - {fault}: {why}", flush=True)


def small_segments(house):
    (house.dir / "boot").write_text("segment_bytes: 1048576\n")
    return ["--config", house.dir / "boot"]


def free(house):
    space = os.statvfs(house.data)
    return space.f_bavail * space.f_frsize


def fill(house, left=0):
    """Ballast until `left` bytes are free."""
    with open(house.data / f"ballast{random.random()}", "wb") as file:
        while free(house) > left:
            try:
                os.posix_fallocate(file.fileno(), 0, os.fstat(file.fileno()).st_size + max(4096, min(1 << 22, free(house) - left)))
            except OSError:
                break


def unload(house):
    for path in house.data.glob("ballast*"):
        path.unlink()


def ended_well(house, fault):
    check(f"{fault}: it stops cleanly", house.stop(30) == 0, house.tail())
    report = house.check()
    check(f"{fault}: maild check finds everything sound", report.returncode == 0, report.stdout + report.stderr)


def full_disk():
    house = House()
    if not small_tmpfs(house, "size=200m"):
        return skip("F07", "no right to mount a tmpfs")
    check("F07: it starts on a small disk", house.start(), house.tail())
    check("F07: mail is taken", all(send(house, f"before {n}").startswith("250") for n in range(4)))
    fill(house, 40 << 20)
    time.sleep(0.5)  # the free space is looked at five times a second
    refused = lambda: send(house, "full").startswith("452 4.3.1")
    check("F07: below the reserve mail is answered 452 4.3.1", until(refused, 5), send(house, "full"))
    imap = house.imap()
    imap.select("INBOX")
    answer = imap.append("INBOX", None, None, b"Subject: full\r\n\r\nx\r\n")
    check("F07: APPEND is answered NO with a code that says so", answer[0] == "NO" and (b"[OVERQUOTA]" in answer[1][0] or b"[LIMIT]" in answer[1][0]
          or b"[UNAVAILABLE]" in answer[1][0]), answer)
    check("F07: in the reserve reading goes on", b"before 0" in imap.fetch("1", "(BODY.PEEK[])")[1][0][1])
    check("F07: in the reserve flags can be changed", imap.store("1", "+FLAGS", r"(\Deleted)")[0] == "OK")
    check("F07: in the reserve expunging works", imap.expunge()[0] == "OK" and subjects(house)[0] == ["before 1", "before 2", "before 3"])
    done = house.mailctl("domain", "create", "small.test", check=False)
    check("F07: in the reserve an administrator can act", done.returncode == 0, done.stderr)
    fill(house)
    check("F07: a disk without a byte left answers 452 4.3.1", send(house, "full").startswith("452 4.3.1"))
    kinds = [imap.store("1", "+FLAGS", rf"(\Flagged k{n})")[0] for n in range(20)]
    check("F07: a change that finds no room is answered OK or NO", set(kinds) <= {"OK", "NO"}, kinds)
    big = "comment: " + "x" * 60000
    acts = [house.mailctl("domain", "create", f"full{n}.test", "--comment", big, check=False) for n in range(6)]
    there = house.mailctl("domain", "list").stdout
    check("F07: a change by an administrator is made and recorded, or refused with a reason",
          all((f"full{n}.test" in there) == (a.returncode == 0) and (a.returncode == 0 or a.stderr) for n, a in enumerate(acts)), [a.stderr for a in acts])
    check("F07: without a byte left reading goes on", subjects(house)[0] == ["before 1", "before 2", "before 3"])
    unload(house)
    accepted = lambda: send(house, "after").startswith("250")
    check("F07: with room again it takes mail by itself", until(accepted, 10), house.tail())
    check("F07: nothing refused is there", subjects(house)[0][:4] == ["before 1", "before 2", "before 3", "after"], subjects(house))
    imap.logout()
    ended_well(house, "F07")


def body_without_room():
    """The disk fills up while a large message is on its way; small segments make each of them need room."""
    house = House()
    if not small_tmpfs(house, "size=200m"):
        return skip("F07", "no right to mount a tmpfs")
    house.start(arguments=small_segments(house))
    check("F07: mail is taken before", send(house, "before", 300000).startswith("250"))
    client = house.smtp(timeout=40)
    for line in ("MAIL FROM:<s@remote.test>", "RCPT TO:<ann@example.test>", "DATA"):
        client.command(line)
    client.send("Subject: large\r\n\r\n" + ("x" * 70 + "\r\n") * 1000)
    fill(house)
    client.send(("x" * 70 + "\r\n") * 100000 + ".\r\n")
    reply = client.reply()
    check("F07: a body that finds no room is answered 452 4.3.1", reply.startswith("452 4.3.1"), reply)
    check("F07: the session goes on", client.command("NOOP").startswith("250"))
    unload(house)
    accepted = lambda: send(house, "after", 300000).startswith("250")
    check("F07: with room again it takes mail by itself", until(accepted, 10), house.tail())
    check("F07: nothing of it is there", subjects(house)[0] == ["before", "after"])
    ended_well(house, "F07")


def log_without_room():
    house = House()
    (house.dir / "log").symlink_to("/dev/full")
    check("F07, F22: it starts with a log on a full disk", house.start())
    check("F07, F22: and takes mail", all(send(house, f"m {n}").startswith("250") for n in range(5)))
    dropped = lambda: house.mailctl("status", check=False).returncode == 0
    check("F07, F22: and answers its administrator", dropped())
    check("F07, F22: and stops cleanly", house.stop() == 0)


def no_inodes():
    house = House()
    if not small_tmpfs(house, "size=300m,nr_inodes=64"):
        return skip("F08", "no right to mount a tmpfs")
    check("F08: it starts on a disk with 64 inodes", house.start(arguments=small_segments(house)), house.tail())
    check("F08: mail is taken", send(house, "m 0", 200000).startswith("250"))
    for n in range(64):
        try:
            (house.data / f"ballast{n}").touch()
        except OSError:
            break
    replies = ["250"]
    while len(replies) < 40 and replies[-1][:3] == "250":
        replies.append(send(house, f"m {len(replies)}", 200000))
    taken = len(replies) - 1
    check(f"F08: without an inode for the next segment mail is answered 452 4.3.1 (after {taken} messages)", replies[-1].startswith("452 4.3.1"), replies[-1])
    check("F08: reading goes on", subjects(house)[0] == [f"m {n}" for n in range(taken)])
    imap = house.imap()
    imap.select("INBOX")
    imap.store("1", "+FLAGS", r"(\Deleted)")
    check("F08: expunging works", imap.expunge()[0] == "OK")
    imap.logout()
    unload(house)
    accepted = lambda: send(house, "after", 200000).startswith("250")
    check("F08: with inodes again it takes mail by itself", until(accepted, 10), house.tail())
    ended_well(house, "F08")


def write_back_error():
    """The ext4 lies in a file on a tmpfs that has no room for it: what the kernel took cannot be written, and fsync says EIO once."""
    where = pathlib.Path(tempfile.mkdtemp(prefix="maild.tmpfs."))
    if run("mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", where).returncode:
        return skip("F06", "no right to mount a tmpfs")
    house = House()
    try:
        disk = Ext4(house, 1000, where, "errors=continue", journal=False)
        if not disk.made:
            return skip("F06", "no loop device or no ext4")
        check("F06: it starts", house.start(), house.tail())
        acked = [f"m {n}" for n in range(5) if send(house, f"m {n}").startswith("250")]
        with open(where / "ballast", "wb") as ballast:
            while os.statvfs(where).f_bavail > 0:
                ballast.write(bytes(min(1 << 20, os.statvfs(where).f_bavail * 4096)))
                ballast.flush()
        replies = []
        for n in range(60):
            try:
                replies.append(send(house, f"late {n}", 60000))
            except OSError as error:
                replies.append(repr(error))
            except EOFError:
                replies.append("end")
            if replies[-1].startswith("250"):
                acked.append(f"late {n}")
            else:
                break
        check("F06: at the first sync that fails the message is answered 451 4.3.0", replies[-1].startswith("451 4.3.0"), replies[-1])
        try:
            status = house.process.wait(30)
        except Exception:
            status = "none"
        check("F06: maild ends with 75", status == 75, (status, house.tail()))
        (where / "ballast").unlink()
        check("F06: it starts again", house.start(), house.tail())
        found = subjects(house)[0]
        check(f"F06: all {len(acked)} that were answered 250 are there once", [s for s in found if s in acked] == acked, (found, acked))
        ended_well(house, "F06")
    finally:
        if house.process and house.process.poll() is None:
            house.kill()
        disk.destroy()
        run("umount", "-l", where)
        where.rmdir()


class Sender(threading.Thread):
    def __init__(self, house, name):
        super().__init__(daemon=True)
        self.house, self.name, self.acked, self.end = house, name, [], False

    def run(self):
        try:
            client = Smtp(self.house.ports["smtp"], 30)
            for n in range(100000):
                if self.end:
                    break
                subject = f"{self.name}-{n}"
                body = "x" * random.choice((10, 2000, 30000))
                if client.deliver("s@remote.test", ["ann@example.test"], f"Subject: {subject}\r\n\r\n{body}").startswith("250"):
                    self.acked.append(subject)
        except (OSError, EOFError):
            pass


def crash_images():
    """The device as it is at some moment under load is copied; each copy is what a power cut at that moment would leave."""
    where = pathlib.Path(tempfile.mkdtemp(prefix="maild.tmpfs."))
    if run("mount", "-t", "tmpfs", "-o", "size=2g", "tmpfs", where).returncode:
        return skip("F11", "no right to mount a tmpfs")
    house, disk = House(), None
    try:
        disk = Ext4(house, 240, where)
        if not disk.made:
            return skip("F11", "no loop device or no ext4")
        check("F11, F03: it starts", house.start(arguments=small_segments(house)), house.tail())
        senders = [Sender(house, f"s{n}") for n in range(4)]
        [s.start() for s in senders]
        images = []
        for n in range(200):
            if len(images) == 5:
                break
            time.sleep(random.uniform(0.1, 0.5))
            acked = [x for s in senders for x in list(s.acked)]
            house.process.send_signal(signal.SIGSTOP)
            before = disk.written()
            run("cp", "--sparse=always", disk.image, where / f"copy{n}")
            quiet = before == disk.written()
            house.process.send_signal(signal.SIGCONT)
            if quiet and acked:
                images.append((where / f"copy{n}", acked))
            else:
                (where / f"copy{n}").unlink()
        for s in senders:
            s.end = True
        [s.join(30) for s in senders]
        house.kill()
        disk.destroy()
        check("F11, F03: five images were taken under load", len(images) == 5)
        for n, (image, acked) in enumerate(images):
            image.rename(where / "image")
            disk = Ext4(house, 0, where, make=False)
            report = house.check()
            check(f"F11, F03: image {n}: maild check finds everything sound", disk.made and report.returncode == 0, report.stdout + report.stderr)
            check(f"F11, F03: image {n}: it starts", house.start(arguments=small_segments(house)), house.tail())
            found, uids = subjects(house)
            check(f"F11, F03: image {n}: all {len(acked)} that were answered 250 are there, nothing twice, UIDs ascend",
                  set(acked) <= set(found) and len(found) == len(set(found)) and uids == sorted(set(uids)))
            house.kill()
            disk.destroy()
    finally:
        if house.process and house.process.poll() is None:
            house.process.send_signal(signal.SIGCONT)
            house.kill()
        if disk:
            disk.destroy()
        run("umount", "-l", where)
        where.rmdir()


def frozen():
    house = House()
    disk = Ext4(house, 400)
    if not disk.made:
        return skip("F12", "no loop device or no ext4")
    check("F12: it starts", house.start(), house.tail())
    check("F12: mail is taken", send(house, "before").startswith("250"))
    imap = house.imap()
    imap.select("INBOX")
    if run("fsfreeze", "-f", house.data).returncode:
        return skip("F12", "a file system cannot be frozen here")
    try:
        replies = {}
        waiting = [threading.Thread(target=lambda n=n: replies.update({n: send(house, f"frozen {n}")}), daemon=True) for n in range(3)]
        [t.start() for t in waiting]
        time.sleep(2)
        check("F12: who sends mail to a frozen disk waits", not replies, replies)
        check("F12: health says stalled", until(lambda: "stalled" in health(house), 25), health(house))
        try:
            reply = house.smtp(timeout=10).command("MAIL FROM:<s@remote.test>")
        except (OSError, EOFError) as error:
            reply = repr(error)
        check("F12: new mail is refused with 451", reply.startswith("451"), reply)
        try:
            imap.sock.settimeout(10)
            text = imap.fetch("1", "(BODY.PEEK[])")[1][0][1]
        except (OSError, imaplib.IMAP4.abort) as error:
            text = repr(error).encode()
        check("F12: reading goes on", b"before" in text, text)
    finally:
        run("fsfreeze", "-u", house.data)
    [t.join(30) for t in waiting]
    check("F12: when the disk answers those who waited are answered 250", sorted(r[:3] for r in replies.values()) == ["250"] * 3, replies)
    check("F12: health says ok", until(lambda: '"ok"' in health(house), 10), health(house))
    check("F12: mail is taken again", until(lambda: send(house, "after").startswith("250"), 10))
    check("F12: all is there", sorted(subjects(house)[0]) == sorted(["after", "before", "frozen 0", "frozen 1", "frozen 2"]), subjects(house))
    ended_well(house, "F12")
    disk.destroy()


def read_only():
    house = House()
    disk = Ext4(house, 400)
    if not disk.made:
        return skip("F14", "no loop device or no ext4")
    check("F14: it starts", house.start(), house.tail())
    check("F14: mail is taken", send(house, "before").startswith("250"))
    try:
        pathlib.Path(f"/sys/fs/ext4/{disk.name}/trigger_fs_error").write_text("test")
    except OSError as error:
        return skip("F14", f"an error of the file system cannot be made here: {error}")
    reply = send(house, "refused")
    check("F14: on a disk that has become read-only mail is answered 451", reply.startswith("451"), reply)
    check("F14: and again", send(house, "refused again").startswith("451"))
    check("F14: IMAP still reads", subjects(house)[0] == ["before"])
    imap = house.imap()
    imap.select("INBOX")
    check("F14: a change is answered NO", imap.store("1", "+FLAGS", r"(\Flagged)")[0] == "NO")
    check("F14: the log says why", "event=store_read_only" in house.tail(60), house.tail())
    check("F14: health says failed", "failed" in health(house), health(house))
    time.sleep(6)  # longer than the store takes to look at its disk again
    check("F14: it goes on reading", subjects(house)[0] == ["before"] and house.process.poll() is None)
    imap.logout()
    house.stop(30)
    run("umount", house.data)
    run("e2fsck", "-fy", disk.device)
    check("F14: after the repair it starts", run("mount", disk.device, house.data).returncode == 0 and house.start(), house.tail())
    check("F14: and takes mail", send(house, "after").startswith("250") and subjects(house)[0] == ["before", "after"])
    ended_well(house, "F14")
    disk.destroy()


ALL = [full_disk, body_without_room, log_without_room, no_inodes, write_back_error, crash_images, frozen, read_only]
for test in ALL:
    if len(sys.argv) < 2 or test.__name__ in sys.argv[1:]:
        began = time.time()
        test()
        print(f"--   {test.__name__}: {time.time() - began:.1f} s", flush=True)
if skipped and check.passed == 0:
    sys.exit(77)
check.finish()
