#!/usr/bin/env bash
# A service that is told everything by environment variables: replies, health and metrics, starts that fail, a drain.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

http() {
  python3 - "$1" <<'PY'
import sys, urllib.error, urllib.request
try:
    answer = urllib.request.urlopen(sys.argv[1], timeout=10)
except urllib.error.HTTPError as error:
    answer = error
print(answer.status)
print(answer.read().decode().strip())
PY
}

# says URL STATUS TEXT: the answer has this status, and the text in it.
says() {
  local got
  got=$(http "$1")
  [[ $(head -1 <<<"$got") == "$2" && $got == *"$3"* ]] || { echo "got '$got'"; return 1; }
}

answers() {
  local got
  got=$(printf '%s\n' "$2" | timeout 10 nc -N 127.0.0.1 "$1")
  [[ $got =~ ^($3)$ ]] || { echo "sent '$2', got '$got'"; return 1; }
}

# environment PORT WEB NAME=VALUE...: puts a command into `given` that tells the program everything by its environment.
environment() {
  given=(env "SocketKit__Servers__replies__Listen=tcp://127.0.0.1:$1" SocketKit__Servers__replies__Framing__Kind=Lines "Urls=http://127.0.0.1:$2" "${@:3}" "$program")
}

# refuses TEXT COMMAND...: exit code 1 and one line that holds the text.
refuses() {
  local text=$1 code=0 said
  shift
  said=$(timeout 20 "$@" 2>&1 </dev/null) || code=$?
  said=$(sed '/^$/d' <<<"$said")
  ((code == 1)) && [[ $said == *"$text"* && $(wc -l <<<"$said") -eq 1 ]] || { echo "exit code $code: $said"; return 1; }
}

# A message whose line end comes only after SIGTERM is none; one that is whole is answered before the end.
drains() {
  python3 - "$1" "$2" <<'PY'
import os, signal, socket, sys
peers = [socket.create_connection(("127.0.0.1", int(sys.argv[1])), 10) for _ in range(20)]
for peer in peers:
    peer.settimeout(10)
    peer.sendall(b"4\n" * 50)
first = "好".encode()[:1]
for peer in peers:
    assert peer.recv(1) == first
os.kill(int(sys.argv[2]), signal.SIGTERM)
for peer in peers:
    received = b""
    while data := peer.recv(65536):
        received += data
    # The first byte of the first answer was read before.
    assert (first + received).decode() == "好的!\n" * 50, received
PY
}

# A peer that does not read holds up the drain, in which health and metrics are still answered.
is_not_ready_while_it_drains() {
  python3 - "$1" "$2" "$3" <<'PY'
import os, signal, socket, sys, time, urllib.error, urllib.request
def get(path):
    try:
        answer = urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[2]}{path}", timeout=10)
    except urllib.error.HTTPError as error:
        answer = error
    return answer.status, answer.read().decode()
with socket.socket() as peer:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.settimeout(1)
    peer.connect(("127.0.0.1", int(sys.argv[1])))
    try:
        while True:
            peer.sendall(b"4\n" * 10000)
    except TimeoutError:
        pass  # Nothing is taken any more, in either direction.
    os.kill(int(sys.argv[3]), signal.SIGTERM)
    deadline = time.monotonic() + 8
    while (got := get("/health/ready")) != (503, "socketkit_server_replies: Unhealthy, is draining\n"):
        assert got[0] == 200 and time.monotonic() < deadline, got
        time.sleep(0.02)
    assert get("/health/live")[0] == 200 and "socketkit_server_active_connections{" in get("/metrics")[1]
PY
}

program=$(program_of HostedReplies)
port=$(free_port)
web=$(free_port)
environment "$port" "$web" Logging__Console__FormatterName=json
start service "${given[@]}"
service=$started
check "listens where the environment says" listens 20 "$service" "$port" || { cat "$(log_of service)"; exit 1; }
check "nc: 1" answers "$port" 1 '你猜!'
check "nc: 2" answers "$port" 2 '谢谢!'
check "nc: 3" answers "$port" 3 '对不起!'
check "nc: 4" answers "$port" 4 '好的!'
check "nc: 你好" answers "$port" 你好 '你好|不知道你在说什么!'
check "live" wait_for 10 says "http://127.0.0.1:$web/health/live" 200 "socketkit_live: Healthy"
check "a variable makes each line of the log an object" wait_for 5 python3 -c 'import json, sys; [json.loads(line)["Category"] for line in open(sys.argv[1])]' "$(log_of service)"
check "ready" says "http://127.0.0.1:$web/health/ready" 200 "socketkit_server_replies: Healthy, listens"
check "metrics" says "http://127.0.0.1:$web/metrics" 200 "socketkit_"
environment "$port" "$(free_port)"
check "a port in use: one line, exit code 1" refuses "The server replies cannot start: Cannot listen on 127.0.0.1:$port" "${given[@]}"
environment "$(free_port)" "$web" Logging__LogLevel__Default=None
check "the port of HTTP in use: one line, exit code 1" refuses "127.0.0.1:$web" "${given[@]}"
environment "$(free_port)" "$(free_port)" SocketKit__Servers__replies__MaxConnections=0
check "a setting out of range: one line, exit code 1" refuses "SocketKit:Servers:replies:MaxConnections: 0 is out of range; type a number from 1" "${given[@]}"
environment "$(free_port)" "$(free_port)" SocketKit__Servers__replies__MaxConnectons=5
check "a misspelled setting: one line, exit code 1" refuses "SocketKit:Servers:replies:MaxConnectons: there is no such setting" "${given[@]}"
check "what was accepted is answered after SIGTERM" drains "$port" "$service"
check "it ends with 0" ends 30 "$service"

port=$(free_port)
web=$(free_port)
environment "$port" "$web" SocketKit__Servers__replies__SlowConsumerTimeout=20s
start held "${given[@]}"
service=$started
check "a service with a peer that does not read: listens" listens 20 "$service" "$port" || { cat "$(log_of held)"; exit 1; }
check "HTTP is there" wait_for 10 says "http://127.0.0.1:$web/health/ready" 200 "Healthy"
check "503 while it drains, and metrics" is_not_ready_while_it_drains "$port" "$web" "$service"
check "without that peer it ends at once, with 0" ends 30 "$service"

# A day over TLS. The ports are the system's choice, and the log tells them.
certificates=$smoke_logs/certificates
check "TLS: a root and three certificates" python3 .ci/smoke/hosted_tls.py prepare "$certificates" || exit 1
given=(env SocketKit__Servers__replies__Framing__Kind=Lines Urls=http://127.0.0.1:0)
for place in kubernetes certbot renamed; do
  given+=("SocketKit__Servers__replies__Listen__$((${#given[@]} - 3))=tls://127.0.0.1:0?cert=$certificates/$place/tls.crt&key=$certificates/$place/tls.key")
done
start tls "${given[@]}" "$program"
service=$started
check "TLS: the service starts" wait_for 20 grep -q 'Application started' "$(log_of tls)" || { cat "$(log_of tls)"; exit 1; }
mapfile -t ports < <(sed -nE 's/.*\] Listening on 127\.0\.0\.1:([0-9]+) \(.*$/\1/p' "$(log_of tls)")
web=$(sed -nE 's|.* listening on: http://127\.0\.0\.1:([0-9]+)$|\1|p' "$(log_of tls)")
check "TLS: openssl s_client gets the five replies" openssl_gets_five_replies "${ports[0]}" "$certificates/root.pem"
python3 .ci/smoke/hosted_tls.py run "$certificates" "$service" "$(log_of tls)" "${ports[@]}" "$web" || cat "$(log_of tls)"
check "TLS: it ends with 0, within the host's time-out" ends 30 "$service"
