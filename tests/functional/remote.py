"""Remote mail servers that a test scripts, on addresses of loopback: well-behaved, slow, or hostile."""
import collections, re, socket, ssl, threading, time
from house import until

Taken = collections.namedtuple("Taken", "sender recipients message encrypted")


class Remote(threading.Thread):
    """An SMTP server on `address` that keeps what it takes. `override` maps a verb (or "greeting", "message") to what is said
    instead: bytes, or a function of the connection and the line that returns bytes, b"" to close, or None for the usual answer.
    With `pair`, a certificate and its key, it offers STARTTLS."""
    def __init__(self, address, port, override=None, capabilities=("PIPELINING", "8BITMIME"), pair=None):
        super().__init__(daemon=True)
        self.override, self.capabilities, self.pair = override or {}, capabilities, pair
        self.messages, self.taken, self.arrived, self.lines, self.peers = [], [], [], [], []
        self.open = self.most_open = self.connections = 0
        self.lock = threading.Lock()
        self.server = socket.create_server((address, port), backlog=128)
        self.start()

    def run(self):
        while True:
            connection, peer = self.server.accept()
            self.peers.append(peer[0])
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
        return answer

    def talk(self, connection, stream):
        going = self.say(connection, "greeting", b"", b"220 remote.test ESMTP\r\n")
        encrypted, sender, recipients = False, "", []
        while going:
            line = stream.readline()
            verb = line[:4].strip().upper().decode("ascii", "replace")
            self.lines.append(line)
            if not line:
                return
            if verb == "EHLO":
                offered = (*self.capabilities, "STARTTLS") if self.pair and not encrypted else self.capabilities
                words = "".join(f"250-{word}\r\n" for word in offered)
                going = self.say(connection, verb, line, f"250-remote.test\r\n{words}250 SIZE\r\n".encode())
            elif verb == "STAR" and self.pair:
                connection.sendall(b"220 go\r\n")
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(*self.pair)
                connection = context.wrap_socket(connection, server_side=True)
                stream, encrypted = connection.makefile("rb"), True
            elif verb == "MAIL":
                sender, recipients = address_in(line), []
                going = self.say(connection, verb, line, b"250 2.1.0 ok\r\n")
            elif verb == "RCPT":
                going = self.say(connection, verb, line, b"250 2.1.5 ok\r\n")
                if going.startswith(b"2"):
                    recipients.append(address_in(line))
            elif verb == "DATA" and not recipients:
                connection.sendall(b"503 5.5.1 no recipients\r\n")
            elif verb == "DATA":
                going = self.say(connection, verb, line, b"354 go on\r\n") and self.take(connection, stream, sender, recipients, encrypted)
            elif verb == "QUIT":
                connection.sendall(b"221 bye\r\n")
                return
            else:
                going = self.say(connection, verb, line, b"250 2.0.0 ok\r\n")

    def take(self, connection, stream, sender, recipients, encrypted):
        message = b""
        while not message.endswith(b"\r\n.\r\n") and message != b".\r\n":
            line = stream.readline()
            if not line:
                return False
            message += line
        with self.lock:
            self.messages.append(message)
            self.taken.append(Taken(sender, recipients, message.decode("utf-8", "replace"), encrypted))
            self.arrived.append(time.time())
        return self.say(connection, "message", message, b"250 2.0.0 in the sink\r\n")

    def to(self, address):
        """What came for an address, once something has."""
        found = lambda: [one for one in self.taken if address in one.recipients]
        until(found)
        return found()


def address_in(line):
    """The path of MAIL or RCPT."""
    return re.search(rb"<(.*?)>", line)[1].decode("utf-8", "replace")


def refuse(word, answer, times=None):
    """An override of RCPT: `answer` to recipients with `word` in them, at most `times`, then the usual one."""
    left = [times]

    def override(_, line):
        if word not in line or left[0] == 0:
            return None
        left[0] = left[0] and left[0] - 1
        return answer
    return override


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
