"""Remote mail servers that a test scripts, on addresses of loopback: well-behaved, slow, or hostile."""
import socket, threading, time


class Remote(threading.Thread):
    """An SMTP server on `address` that keeps what it takes. `override` maps a verb (or "greeting", "message") to what is said
    instead: bytes, or a function of the connection and the line that returns bytes, b"" to close, or None for the usual answer."""
    def __init__(self, address, port, override=None, capabilities=("PIPELINING", "8BITMIME")):
        super().__init__(daemon=True)
        self.override, self.capabilities = override or {}, capabilities
        self.messages, self.arrived, self.lines = [], [], []
        self.open = self.most_open = self.connections = 0
        self.lock = threading.Lock()
        self.server = socket.create_server((address, port), backlog=128)
        self.start()

    def run(self):
        while True:
            connection, _ = self.server.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def count(self, change):
        with self.lock:
            self.open += change
            self.connections += change > 0
            self.most_open = max(self.most_open, self.open)

    def serve(self, connection):
        self.count(1)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.talk(connection, connection.makefile("rb"))
        except OSError:
            pass
        finally:
            connection.close()
            self.count(-1)

    def say(self, connection, verb, line, usual):
        answer = self.override.get(verb)
        if callable(answer):
            answer = answer(connection, line)
        answer = usual if answer is None else answer
        if answer:
            connection.sendall(answer)
        return bool(answer)

    def talk(self, connection, stream):
        going = self.say(connection, "greeting", b"", b"220 remote.test ESMTP\r\n")
        while going:
            line = stream.readline()
            verb = line[:4].strip().upper().decode("ascii", "replace")
            self.lines.append(line)
            if not line:
                return
            if verb == "EHLO":
                words = "".join(f"250-{word}\r\n" for word in self.capabilities)
                going = self.say(connection, verb, line, f"250-remote.test\r\n{words}250 SIZE\r\n".encode())
            elif verb == "DATA":
                going = self.say(connection, verb, line, b"354 go on\r\n") and self.take(connection, stream)
            elif verb == "QUIT":
                connection.sendall(b"221 bye\r\n")
                return
            else:
                going = self.say(connection, verb, line, b"250 2.0.0 ok\r\n")

    def take(self, connection, stream):
        message = b""
        while not message.endswith(b"\r\n.\r\n") and message != b".\r\n":
            line = stream.readline()
            if not line:
                return False
            message += line
        with self.lock:
            self.messages.append(message)
            self.arrived.append(time.time())
        return self.say(connection, "message", message, b"250 2.0.0 in the sink\r\n")


def black_hole(address, port):
    """A listening address that nobody ever connects to: its backlog is full, so that a SYN gets no answer. What it returns is to be kept."""
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((address, port))
    server.listen(0)
    kept = [server]
    for _ in range(3):
        client = socket.socket()
        client.settimeout(0.3)
        kept.append(client)
        try:
            client.connect((address, port))
        except TimeoutError:
            break
    return kept
