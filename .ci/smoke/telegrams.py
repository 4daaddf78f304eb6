"""Speaks the protocol of the CustomFraming sample, written anew: telegrams.py PORT. Prints "ok ..." and "FAIL ..." lines."""
import binascii
import socket
import struct
import sys

port = int(sys.argv[1])
failures = 0


def telegram(type_, body):
    inner = struct.pack(">HB", 1 + len(body), type_) + body
    return b"\xaa\x55" + inner + struct.pack(">H", binascii.crc_hqx(inner, 0xFFFF))


def exchange(pieces):
    """Sends the pieces and half-closes; returns all that came back."""
    with socket.create_connection(("127.0.0.1", port), 10) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            peer.sendall(piece)
        peer.shutdown(socket.SHUT_WR)
        received = b""
        while data := peer.recv(65536):
            received += data
        return received


def check(name, pieces, expected):
    global failures
    try:
        got = exchange(pieces)
        assert got == expected, f"expected {expected.hex()}, got {got.hex()}"
        print(f"ok {name}")
    except (AssertionError, OSError) as error:
        failures += 1
        print(f"FAIL {name}\n    {error}")


reverse, reversed_ = telegram(1, b"abc"), telegram(0x81, b"cba")
bad_crc = reverse[:-1] + bytes([reverse[-1] ^ 1])
check("a telegram", [reverse], reversed_)
check("the other type", [telegram(2, bytes([1, 2, 250]))], telegram(0x82, b"253"))
check("an unknown type", [telegram(7, b"x")], telegram(0xFF, b"x"))
check("an empty body", [telegram(1, b"")], telegram(0x81, b""))
check("the longest telegram", [telegram(1, b"x" * 1023)], telegram(0x81, b"x" * 1023))
check("bytes one at a time", [bytes([byte]) for byte in reverse], reversed_)
check("1,000 in one write", [reverse * 1000], reversed_ * 1000)
check("garbage, then a telegram", [b"GET / HTTP/1.1\r\n\r\n\xaa" + reverse], reversed_)
check("a wrong checksum is skipped", [bad_crc + reverse], reversed_)
check("a telegram inside a broken one is found", [b"\xaa\x55\x00\x20" + reverse + reverse * 3], reversed_ * 4)
check("nothing but garbage", [b"x" * 1000], b"")
sys.exit(1 if failures else 0)
