"""imap_client.py: an IMAP client for the functional tests that shows each line as it came and compresses when asked to."""
import socket, zlib


class Imap:
    """One connection. Calling it sends a command and returns all lines of the answer."""

    def __init__(self, port, user=None, password="secret"):
        self.socket = socket.create_connection(("127.0.0.1", port), 30)
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
