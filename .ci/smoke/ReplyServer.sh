#!/usr/bin/env bash
# Talks to the sample server as a stranger would: nc and a plain socket, over each framing.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# answers PORT LINE EXPECTED: nc sends one line, half-closes, and reads until the server closes.
answers() {
  local got
  got=$(printf '%s\n' "$2" | timeout 10 nc -N 127.0.0.1 "$1")
  [[ $got == "$3" ]] || { echo "sent '$2', expected '$3', got '$got'"; return 1; }
}

# The command of the README, with a port that is surely free.
port=$(free_port)
start readme dotnet run --project samples/ReplyServer -- --port "$port"
server=$started
if check "dotnet run --project samples/ReplyServer listens" listens 180 "$server" "$port"; then
  check "nc: 1" answers "$port" 1 '你猜!'
  check "nc: 2" answers "$port" 2 '谢谢!'
  check "nc: 3" answers "$port" 3 '对不起!'
  check "nc: 4" answers "$port" 4 '好的!'
  check "SIGTERM ends dotnet run with 0" ends_well "$server"
else
  cat "$(log_of readme)"
fi

for framing in line length raw; do
  port=$(free_port)
  start "$framing" "$(program_of ReplyServer)" --port "$port" --framing "$framing"
  server=$started
  if check "$framing: listens" listens 20 "$server" "$port"; then
    python3 .ci/smoke/reply_rules.py "$framing" "$port" || cat "$(log_of "$framing")"
    check "$framing: SIGTERM drains and ends with 0" ends_well "$server"
  else
    cat "$(log_of "$framing")"
  fi
done

# answers_on PATH LINE EXPECTED: the same over a Unix socket.
answers_on() {
  local got
  got=$(printf '%s\n' "$2" | timeout 10 nc -N -U "$1")
  [[ $got == "$3" ]] || { echo "sent '$2', expected '$3', got '$got'"; return 1; }
}

# refuses TEXT ARGUMENTS...: exit code 1 and one line of error that holds the text.
refuses() {
  local text=$1 code=0 said
  shift
  said=$(timeout 20 "$(program_of ReplyServer)" "$@" 2>&1 </dev/null) || code=$?
  said=$(sed '/^$/d' <<<"$said")
  ((code == 1)) && [[ $said == *"$text"* && $(wc -l <<<"$said") -eq 1 ]] || { echo "exit code $code: $said"; return 1; }
}

# Two addresses at once, as URLs.
port=$(free_port)
socket=$smoke_logs/reply.sock
start urls "$(program_of ReplyServer)" --listen "tcp://127.0.0.1:$port" --listen "unix://$socket?mode=660"
server=$started
if check "--listen twice: listens on TCP" listens 20 "$server" "$port" && check "--listen twice: listens on a Unix socket" listens_on 20 "$server" "$socket"; then
  check "nc over TCP: 1" answers "$port" 1 '你猜!'
  check "nc -U: 1" answers_on "$socket" 1 '你猜!'
  check "nc -U: 2" answers_on "$socket" 2 '谢谢!'
  check "nc -U: 3" answers_on "$socket" 3 '对不起!'
  check "nc -U: 4" answers_on "$socket" 4 '好的!'
  python3 .ci/smoke/reply_rules.py line "$socket" || cat "$(log_of urls)"
  check "mode=660: the permissions of the socket" test "$(stat -c %a "$socket")" = 660
  check "the log names the process at the other end" grep -qE "process [0-9]+ of user $(id -u) said 1" "$(log_of urls)"
  check "a second server on the Unix socket: one line, exit code 1" refuses "another server listens" --listen "unix://$socket"
  check "the first one still answers" answers_on "$socket" 1 '你猜!'
  { kill -KILL "$server"; wait "$server"; } 2>/dev/null
  check "kill -9 leaves the socket behind" test -S "$socket"
  start again "$(program_of ReplyServer)" --listen "unix://$socket"
  server=$started
  check "the next server takes its place" listens_on 20 "$server" "$socket" || cat "$(log_of again)"
  check "and answers" answers_on "$socket" 2 '谢谢!'
  check "SIGTERM ends it with 0" ends_well "$server"
  check "and removes the socket" test ! -e "$socket"
else
  cat "$(log_of urls)"
fi

# TLS with the development certificate, as openssl sees it.
openssl_trusts_nobody() {
  ! printf '1\n' | timeout 20 openssl s_client -connect "localhost:$1" -servername localhost -verify_return_error -quiet -no_ign_eof
}

port=$(free_port)
export XDG_DATA_HOME=$smoke_logs/data
certificate=$XDG_DATA_HOME/SocketKit/reply-server.pem
start tls "$(program_of ReplyServer)" --listen "tls://127.0.0.1:$port"
server=$started
if check "tls: listens" wait_for 20 grep -q ' listening on ' "$(log_of tls)"; then
  check "tls: the log says which file has the certificate" grep -qF "?ca=$certificate " "$(log_of tls)"
  check "tls: openssl s_client gets the five replies" openssl_gets_five_replies "$port" "$certificate"
  check "tls: openssl s_client refuses the certificate when it is not told to trust it" openssl_trusts_nobody "$port"
  check "tls: SIGTERM ends it with 0" ends_well "$server"
else
  cat "$(log_of tls)"
fi

port=$(free_port)
start taken "$(program_of ReplyServer)" --port "$port"
server=$started
if check "a second server: the first one listens" listens 20 "$server" "$port"; then
  check "a port in use: one line, exit code 1" refuses "127.0.0.1:$port" --port "$port"
  check "a port out of range: one line, exit code 1" refuses "65535" --port 65536
  check "a heartbeat that is no number: one line, exit code 1" refuses "--heartbeat" --heartbeat often
  check "an address of no known form: one line, exit code 1" refuses '"tcp://127.0.0.1" is no address' --listen tcp://127.0.0.1
  check "a certificate that is not there: one line, exit code 1" refuses "/nowhere/full.pem" --listen "tls://127.0.0.1:0?cert=/nowhere/full.pem"
  check "--listen and --port: one line, exit code 1" refuses "takes the place" --listen unix:///tmp/reply.sock --port 9000
  check "an unknown option: one line, exit code 1" refuses "--colour" "--colour=red"
  check "the first one still ends with 0" ends_well "$server"
fi

# A peer that is silent for three beats is dropped, and the log says why.
silent_peer_is_dropped() {
  python3 - "$1" <<'PY'
import socket, sys
peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 10)
peer.settimeout(10)
received = b""
try:
    while data := peer.recv(100):
        received += data
except ConnectionResetError:
    pass  # The server has given the peer up, so it resets.
assert received.startswith(b"beat\n"), received
PY
}

port=$(free_port)
start beats "$(program_of ReplyServer)" --port "$port" --heartbeat 1
server=$started
if check "--heartbeat 1: listens" listens 20 "$server" "$port"; then
  check "--heartbeat 1: a silent peer gets beats, then the end" silent_peer_is_dropped "$port"
  check "--heartbeat 1: the log says why" wait_for 5 grep -q 'left: HeartbeatTimeout' "$(log_of beats)"
  printf 'a\033[2Jb\n' | timeout 10 nc -N 127.0.0.1 "$port" >/dev/null
  check "control characters of a peer are escaped in the log" wait_for 5 grep -qF 'said a\u001B[2Jb' "$(log_of beats)"
  check "--heartbeat 1: SIGTERM ends it with 0" ends_well "$server"
fi
