"""
A day of HostedReplies over TLS. Prints "ok ..." and "FAIL ..." lines.

hosted_tls.py prepare FOLDER: a root, and a certificate in each of three places, which change in the ways of Kubernetes, certbot and mv.
hosted_tls.py run FOLDER PID LOG PORT PORT PORT WEB: 200 clients, renewals, a broken file, metrics, and SIGTERM in the middle of it all.
"""
import asyncio
import os
import pathlib
import re
import shutil
import signal
import ssl
import subprocess
import sys
import time
import urllib.request

CLIENTS = 200
BATCH = 20
PATIENCE = 60
DAY = 86400
RULES = {"1": "你猜!", "2": "谢谢!", "3": "对不起!", "4": "好的!"}
OPENSSL = """
[req]
distinguished_name = subject
[subject]
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""
folder = pathlib.Path(sys.argv[2])
root = folder / "root.pem"
failures = 0


def openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def issue(to, name, section, days, *signer):
    openssl("req", "-x509", "-config", folder / "openssl.cnf", "-extensions", section, "-subj", f"/CN={name}", "-days", days,
            "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", to / "tls.key", "-out", to / "tls.crt", *signer)


class Place:
    """Where a certificate and its key lie; the service is given the paths `crt` and `key`."""

    def __init__(self, name):
        self.path = folder / name
        self.crt, self.key = self.path / "tls.crt", self.path / "tls.key"

    def renew(self, days, broken=False):
        """Puts a new pair there. Returns its certificate as DER, and when the old one had gone."""
        fresh = folder / f"{self.path.name}.{time.time_ns()}"
        fresh.mkdir()
        issue(fresh, "localhost", "leaf", days, "-CA", root, "-CAkey", folder / "root.key")
        der = ssl.PEM_cert_to_DER_cert((fresh / "tls.crt").read_text())
        if broken:
            (fresh / "tls.crt").write_text("-----BEGIN CERTIFICATE-----\nnonsense\n")
        self.path.mkdir(exist_ok=True)
        self.swap(fresh)
        return der, time.monotonic()

    @staticmethod
    def link(at, to):
        new = at.with_name(f"{at.name}.new")
        new.symlink_to(to)
        new.replace(at)


class Renamed(Place):
    """Files of their own, each replaced at a stroke."""

    def swap(self, fresh):
        (fresh / "tls.key").replace(self.key)
        (fresh / "tls.crt").replace(self.crt)


class Kubernetes(Place):
    """tls.crt -> ..data/tls.crt, and ..data -> a folder with the time in its name, which is swapped for both at once."""

    def swap(self, fresh):
        fresh = fresh.rename(self.path / f"..{fresh.name}")
        data = self.path / "..data"
        old = data.resolve() if data.exists() else None
        self.link(data, fresh.name)
        if old:
            shutil.rmtree(old)
        else:
            self.crt.symlink_to("..data/tls.crt")
            self.key.symlink_to("..data/tls.key")


class Certbot(Place):
    """Links into an archive, swapped one after the other."""

    def swap(self, fresh):
        self.link(self.key, fresh / "tls.key")
        self.link(self.crt, fresh / "tls.crt")


PLACES = [Kubernetes("kubernetes"), Certbot("certbot"), Renamed("renamed")]


def trusting():
    """What a client demands: the root, the name, and all that RFC 5280 says."""
    context = ssl.create_default_context(cafile=root)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


class Client:
    """TLS on memory, since asyncio's own does not tell a close_notify from a cut."""

    def __init__(self, port, context, name="localhost"):
        self.port = port
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name)
        self.rest = b""

    async def connect(self):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            await self.repeat(self.tls.do_handshake)
        except ssl.SSLError:
            # The alert that says why is still to be sent.
            self.close()
            raise
        return self

    async def repeat(self, action):
        while True:
            try:
                result = action()
                self.flush()
                return result
            except ssl.SSLWantReadError:
                self.flush()
            data = await self.reader.read(65536)
            if not data:
                raise EOFError("the stream ended without close_notify")
            self.incoming.write(data)

    def flush(self):
        self.writer.write(self.outgoing.read())

    @property
    def certificate(self):
        return self.tls.getpeercert(binary_form=True)

    def send(self, text):
        """One record, so that it arrives as a whole or not at all."""
        self.tls.write(text.encode())
        self.flush()

    async def read(self):
        """Some bytes; none after close_notify."""
        return await self.repeat(lambda: self.tls.read(65536))

    async def ask(self, text):
        self.send(f"{text}\n")
        while b"\n" not in self.rest:
            data = await self.read()
            assert data, "the server closed"
            self.rest += data
        line, self.rest = self.rest.split(b"\n", 1)
        return line.decode()

    def close(self):
        try:
            self.tls.unwrap()
        except ssl.SSLError:
            pass  # It waits for nobody's answer.
        self.flush()
        self.writer.close()


def http(path):
    with urllib.request.urlopen(f"http://127.0.0.1:{web}{path}", timeout=PATIENCE) as answer:
        return answer.status, answer.read().decode()


def metric(name, *labels):
    """The sum of the series that have these labels."""
    series = re.findall(rf"^{name}{{(.*)}} (\S+)$", http("/metrics")[1], re.MULTILINE)
    return sum(float(value) for has, value in series if all(label in has for label in labels))


def handshakes(label):
    return metric("socketkit_tls_handshake_duration_seconds_count", 'socketkit_role="server"', label)


def days_left(place):
    """Whole ones."""
    return metric("socketkit_tls_certificate_expiry_seconds", f'socketkit_tls_certificate_name="{place.crt}"') // DAY


async def becomes(expected, look):
    """Looks until it is so: a scrape may be 300 ms old, and what is told in the log comes a little later."""
    deadline = time.monotonic() + PATIENCE / 2
    while (got := await asyncio.to_thread(look)) != expected:
        assert time.monotonic() < deadline, f"got {got}, not {expected}"
        await asyncio.sleep(0.05)


def events(number, place):
    return len(re.findall(rf"\[{number}\] The certificate {place.crt} ", log.read_text()))


class Scene:
    def __init__(self):
        self.clients = []
        # Others have been here before.
        self.handshakes = handshakes('tls_protocol_version="1.3"')
        self.current = {place: ssl.PEM_cert_to_DER_cert(place.crt.read_text()) for place in PLACES}

    async def newcomer(self, place):
        """A client that connects, is answered and leaves. Returns the certificate that it was shown."""
        client = await Client(ports[place], trusting()).connect()
        assert await client.ask("1") == RULES["1"]
        client.close()
        return client.certificate

    async def sees(self, place, der, swapped):
        """Handshakes get the new certificate a second after the swap, at the latest: the tests hold that, and this has two seconds more for a busy machine."""
        old, self.current[place] = self.current[place], der
        while True:
            began = time.monotonic()
            shown = await self.newcomer(place)
            if shown == der:
                return
            assert shown == old
            assert began - swapped < 3, f"{place.path.name}: the old certificate {began - swapped:.2f} s after the swap"
            await asyncio.sleep(0.02)

    async def everybody_is_answered(self):
        async def one(client):
            for text, reply in RULES.items():
                got = await client.ask(text)
                assert got == reply, f"asked {text}, got {got!r}"
        await asyncio.gather(*map(one, self.clients))


STEPS = []


def check(name):
    def add(step):
        STEPS.append((name, step))
    return add


@check(f"{CLIENTS} clients connect, each sure of root and name, over three listeners")
async def _(scene):
    context, places = trusting(), asyncio.Semaphore(32)

    async def one(number):
        place = PLACES[number % len(PLACES)]
        async with places:
            client = await Client(ports[place], context).connect()
        assert client.tls.version() == "TLSv1.3" and client.certificate == scene.current[place]
        scene.clients.append(client)
    await asyncio.gather(*map(one, range(CLIENTS)))


@check("who asks for another name, or does not know the root, refuses the certificate")
async def _(scene):
    for context, name, why in (trusting(), "localhost.example", "Hostname mismatch"), (ssl.create_default_context(), "localhost", "unable to get local issuer"):
        try:
            await Client(ports[PLACES[0]], context, name).connect()
        except ssl.SSLCertVerificationError as error:
            assert why in str(error), error
        else:
            raise AssertionError(f"{name} was accepted")


@check("each gets the four replies")
async def _(scene):
    await scene.everybody_is_answered()


@check("ready, with a warning: a certificate expires within 14 days")
async def _(scene):
    status, text = http("/health/ready")
    assert status == 200 and "socketkit_server_replies: Degraded, its certificate expires" in text, (status, text)


@check("metrics: connections, handshakes, days of the certificates")
async def _(scene):
    # Those who refused may not be gone yet.
    await becomes(CLIENTS, lambda: metric("socketkit_server_active_connections", 'socketkit_name="replies"'))
    for place in PLACES:
        await becomes(9, lambda: days_left(place))
    await becomes(scene.handshakes + CLIENTS, lambda: handshakes('tls_protocol_version="1.3"'))
    await becomes(2, lambda: handshakes("error_type="))


for place in PLACES:
    @check(f"{place.path.name}: new handshakes get the new certificate")
    async def _(scene, place=place):
        await scene.sees(place, *place.renew(90))
        await becomes(1, lambda: events(51, place))


@check("those who are connected stay, and are answered")
async def _(scene):
    await scene.everybody_is_answered()
    assert metric("socketkit_server_active_connections") >= CLIENTS


@check("ready without a warning; the new days in the metrics")
async def _(scene):
    status, text = http("/health/ready")
    assert status == 200 and "socketkit_server_replies: Healthy, listens" in text, (status, text)
    for place in PLACES:
        await becomes(89, lambda: days_left(place))


@check("a broken file leaves the certificate in use, and the log says so once")
async def _(scene):
    before = [events(52, place) for place in PLACES]
    for place in PLACES:
        place.renew(90, broken=True)
    looks = 0
    # It looks twice a second; so many are some looks after the line.
    while looks < 20:
        for place in PLACES:
            assert await scene.newcomer(place) == scene.current[place]
        told = [events(52, place) - told for place, told in zip(PLACES, before)]
        assert max(told) <= 1, told
        looks += min(told)
        await asyncio.sleep(0.1)


@check("and a whole one takes its place")
async def _(scene):
    for place in PLACES:
        der, swapped = place.renew(30)
        await scene.sees(place, der, swapped)
        await becomes(2, lambda: events(51, place))


@check(f"SIGTERM while all have just sent {BATCH} messages and {BATCH} more: what was accepted is answered, then close_notify")
async def _(scene):
    firsts = []
    for client in scene.clients:
        client.send("4\n" * BATCH)
    for client in scene.clients:
        # A record is accepted as a whole, so this proves that all of it was.
        firsts.append(await client.read())
    for client in scene.clients:
        client.send("4\n" * BATCH)
    os.kill(pid, signal.SIGTERM)

    async def rest(client, received):
        while data := await client.read():
            received += data
        client.close()
        return received.decode()
    for got in await asyncio.gather(*map(rest, scene.clients, firsts)):
        count = got.count("\n")
        assert got == "好的!\n" * count and BATCH <= count <= 2 * BATCH, f"{count} lines: {got!r}"


@check("the log has no other errors")
async def _(scene):
    errors = [line for line in log.read_text().splitlines() if re.match("fail|crit", line) and "[52] The certificate" not in line]
    assert not errors, errors


async def run():
    global failures
    scene = Scene()
    for name, step in STEPS:
        try:
            await asyncio.wait_for(step(scene), PATIENCE)
            print(f"ok TLS: {name}", flush=True)
        except Exception as error:
            failures += 1
            print(f"FAIL TLS: {name}\n    {type(error).__name__}: {error}", flush=True)


if sys.argv[1] == "prepare":
    folder.mkdir()
    (folder / "openssl.cnf").write_text(OPENSSL)
    issue(folder, "SocketKit smoke root", "root", 90)
    (folder / "tls.crt").rename(root)
    (folder / "tls.key").rename(folder / "root.key")
    for place in PLACES:
        place.renew(10)
else:
    pid, log, web = int(sys.argv[3]), pathlib.Path(sys.argv[4]), sys.argv[8]
    ports = dict(zip(PLACES, map(int, sys.argv[5:8])))
    asyncio.run(run())
    sys.exit(1 if failures else 0)
