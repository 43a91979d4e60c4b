#!/usr/bin/env python3
"""imap_extensions.py: what a transcript cannot play: compression, several connections at once, pushes within their time."""
import socket, time, zlib
from house import Checks, House

check = Checks()
house = House()


class Imap:
    """A client that shows each line as it came; compresses when asked to."""

    def __init__(self, user=None, password="secret"):
        self.socket = socket.create_connection(("127.0.0.1", house.ports["imap"]), 30)
        self.packer = self.unpacker = None
        self.text, self.count = b"", 0
        self.greeting = self.line()
        if user:
            self(f"LOGIN {user}@example.test {password}")

    def send(self, data):
        data = data.encode() if isinstance(data, str) else data
        if self.packer:
            data = self.packer.compress(data) + self.packer.flush(zlib.Z_SYNC_FLUSH)
        self.socket.sendall(data)

    def fill(self):
        data = self.socket.recv(65536)
        if not data:
            raise EOFError("the server closed the connection")
        self.text += self.unpacker.decompress(data) if self.unpacker else data

    def line(self, timeout=30):
        """One response with its literals, without the last CRLF."""
        self.socket.settimeout(timeout)
        out = b""
        while True:
            while b"\r\n" not in self.text:
                self.fill()
            piece, self.text = self.text.split(b"\r\n", 1)
            out += piece
            if not piece.endswith(b"}") or b"{" not in piece or not piece[piece.rindex(b"{") + 1:-1].isdigit():
                return out.decode("utf-8", "surrogateescape")
            size = int(piece[piece.rindex(b"{") + 1:-1])
            while len(self.text) < size:
                self.fill()
            out += b"\r\n" + self.text[:size]
            self.text = self.text[size:]

    def __call__(self, command):
        """All lines of the answer; the tag of the last is left out."""
        self.count += 1
        tag = f"t{self.count}"
        self.send(f"{tag} {command}\r\n")
        lines = []
        while True:
            line = self.line()
            if line.startswith(tag + " "):
                return lines + [line[len(tag) + 1:]]
            lines.append(line)

    def append(self, message, folder="INBOX"):
        return self(f"APPEND {folder} {{{len(message)}+}}\r\n{message}")

    def compress(self):
        answer = self("COMPRESS DEFLATE")
        self.packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        self.unpacker = zlib.decompressobj(-15)
        return answer[-1]

    def closed(self):
        try:
            while True:
                self.line()
        except (EOFError, OSError, zlib.error):
            return True


def compression():
    """RFC 4978."""
    client = Imap("ann")
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

    bomb = Imap("ann")
    bomb.compress()
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = packed.compress(b"a NOOP " + b"(" * (64 << 20)) + packed.flush(zlib.Z_SYNC_FLUSH)
    try:
        bomb.socket.sendall(data)
    except OSError:
        pass
    check("what unpacks to too much is cut off", bomb.closed())
    rubbish = Imap("ann")
    rubbish.compress()
    rubbish.socket.sendall(b"\xff\xff\xff\xff not compressed\r\n")
    check("rubbish ends the connection", rubbish.closed())
    check("the next client is served", Imap("ann")("NOOP")[-1].startswith("OK"))


try:
    check("maild starts", house.start(), house.tail())
    compression()
    check("maild stops cleanly", house.stop() == 0, house.tail())
finally:
    house.destroy()
check.finish()
