"""Holds a running ReplyServer to the shipped rules: reply_rules.py line|length|raw PORT|PATH. Prints "ok ..." and "FAIL ..." lines."""
import socket
import struct
import sys

RULES = {"1": "你猜!", "2": "谢谢!", "3": "对不起!", "4": "好的!"}
UNKNOWN = "不知道你在说什么!"
framing, address = sys.argv[1], sys.argv[2]
failures = 0


def encode(text):
    body = text.encode()
    return body + b"\n" if framing == "line" else struct.pack(">I", len(body)) + body if framing == "length" else body


class Peer:
    def __init__(self):
        if address.startswith("/"):
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.socket.settimeout(10)
            self.socket.connect(address)
        else:
            self.socket = socket.create_connection(("127.0.0.1", int(address)), 10)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def more(self):
        data = self.socket.recv(65536)
        if not data:
            raise EOFError(f"the server closed, {len(self.rest)} bytes left over: {self.rest!r}")
        self.rest += data

    def exactly(self, count):
        while len(self.rest) < count:
            self.more()
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def receive(self):
        if framing == "line":
            while b"\n" not in self.rest:
                self.more()
            line, self.rest = self.rest.split(b"\n", 1)
            return line.removesuffix(b"\r").decode()
        if framing == "length":
            return self.exactly(struct.unpack(">I", self.exactly(4))[0]).decode()
        # Raw has no borders; each answer is known well enough to wait for all of it.
        while True:
            if not self.rest:
                self.more()
            try:
                text = self.rest.decode()
                if text.endswith("!"):
                    self.rest = b""
                    return text
            except UnicodeDecodeError:
                pass
            self.more()

    def ask(self, text):
        self.send(encode(text))
        return self.receive()


def check(name):
    def run(action):
        global failures
        try:
            action()
            print(f"ok {framing}: {name}", flush=True)
        except Exception as error:
            failures += 1
            print(f"FAIL {framing}: {name}\n    {type(error).__name__}: {error}", flush=True)
    return run


def expect(actual, *allowed):
    assert actual in allowed, f"got {actual!r}, expected {' or '.join(map(repr, allowed))}"


@check("four fixed rules, in order, on one connection")
def _():
    with Peer() as peer:
        for text, reply in RULES.items():
            expect(peer.ask(text), reply)


@check("anything else: the same text or the shrug, both within 200 tries")
def _():
    with Peer() as peer:
        seen = set()
        for _ in range(200):
            reply = peer.ask("今天天气真好!")
            expect(reply, "今天天气真好!", UNKNOWN)
            seen.add(reply)
        assert len(seen) == 2, f"only {seen}"


if framing != "raw":
    @check("bytes dribbled one at a time")
    def _():
        with Peer() as peer:
            for text in ("1", "你好", "2"):
                for byte in encode(text):
                    peer.send(bytes([byte]))
                expect(peer.receive(), *([RULES[text]] if text in RULES else [text, UNKNOWN]))

    @check("1,000 requests in one write, 1,000 answers in order")
    def _():
        with Peer() as peer:
            asked = [str(i % 4 + 1) for i in range(1000)]
            peer.send(b"".join(map(encode, asked)))
            for text in asked:
                expect(peer.receive(), RULES[text])

    @check("half a message, then FIN: the server closes and serves others")
    def _():
        with Peer() as peer:
            peer.send(encode("你好吗")[:-2])
            peer.socket.shutdown(socket.SHUT_WR)
            try:
                reply = peer.socket.recv(100)
            except ConnectionResetError:
                reply = b""
            expect(reply, b"")
        with Peer() as peer:
            expect(peer.ask("1"), RULES["1"])


@check("ten clients at once")
def _():
    peers = [Peer() for _ in range(10)]
    try:
        for peer in peers:
            peer.send(encode("3"))
        for peer in peers:
            expect(peer.receive(), RULES["3"])
    finally:
        for peer in peers:
            peer.socket.close()


sys.exit(1 if failures else 0)
