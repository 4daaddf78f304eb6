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

# refuses TEXT ARGUMENTS...: exit code 1 and one line of error that holds the text.
refuses() {
  local text=$1 code=0 said
  shift
  said=$(timeout 20 "$(program_of ReplyServer)" "$@" 2>&1 </dev/null) || code=$?
  said=$(sed '/^$/d' <<<"$said")
  ((code == 1)) && [[ $said == *"$text"* && $(wc -l <<<"$said") -eq 1 ]] || { echo "exit code $code: $said"; return 1; }
}

port=$(free_port)
start taken "$(program_of ReplyServer)" --port "$port"
server=$started
if check "a second server: the first one listens" listens 20 "$server" "$port"; then
  check "a port in use: one line, exit code 1" refuses "127.0.0.1:$port" --port "$port"
  check "a port out of range: one line, exit code 1" refuses "65535" --port 65536
  check "a heartbeat that is no number: one line, exit code 1" refuses "--heartbeat" --heartbeat often
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
