# What the smoke scripts share. A script sources this file, checks with `check`, and prints "ok ..." or "FAIL ..." lines, which .ci/run counts.
# .ci/run has built the samples in Release before. Everything started here ends with the script.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

smoke_logs=$(mktemp -d)
smoke_pids=()

smoke_end() {
  # A subshell that is killed right after its fork still has this trap.
  [[ $BASHPID == "$$" ]] || return 0
  for pid in "${smoke_pids[@]}"; do
    kill -KILL -- "-$pid" 2>/dev/null
  done
  rm -rf "$smoke_logs"
}
trap smoke_end EXIT

# check NAME COMMAND...: one line, "ok NAME" or "FAIL NAME" with what the command printed.
check() {
  local name=$1
  shift
  # Not in a subshell, which could not wait for the processes of this one.
  if "$@" >"$smoke_logs/said" 2>&1; then
    echo "ok $name"
  else
    echo "FAIL $name"
    sed 's/^/    /' "$smoke_logs/said"
    return 1
  fi
}

# A port below those that the system gives to clients: nobody gets it by chance before the program that is told to listen there, not even who polls it.
free_port() {
  python3 - <<'PY'
import random, socket
while True:
    port = random.randrange(15000, 32000)
    try:
        with socket.create_server(("127.0.0.1", port)):
            print(port)
            break
    except OSError:
        pass  # Taken: another one.
PY
}

# wait_for SECONDS COMMAND...: repeats the command until it succeeds.
wait_for() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" 2>/dev/null; do
    ((SECONDS < deadline)) || { echo "gave up waiting for: $*"; return 1; }
    sleep 0.1
  done
}

# start NAME COMMAND...: runs it in the background without input, as a process group; its output goes to "$(log_of NAME)", its process id to $started.
start() {
  local name=$1
  shift
  setsid "$@" </dev/null >"$smoke_logs/$name.log" 2>&1 &
  started=$!
  smoke_pids+=("$started")
}

log_of() {
  echo "$smoke_logs/$1.log"
}

# The built program of a sample.
program_of() {
  echo "samples/$1/bin/Release/net10.0/$1"
}

# listens SECONDS PID PORT: waits until the process accepts on the port, or is gone.
listens() {
  local deadline=$((SECONDS + $1))
  until python3 -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1).close()' "$3" 2>/dev/null; do
    kill -0 "$2" 2>/dev/null || { echo "the process ended"; return 1; }
    ((SECONDS < deadline)) || { echo "nobody listens on port $3 after $1 s"; return 1; }
    sleep 0.1
  done
}

# listens_on SECONDS PID PATH: the same for a Unix socket.
listens_on() {
  local deadline=$((SECONDS + $1))
  until python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])' "$3" 2>/dev/null; do
    kill -0 "$2" 2>/dev/null || { echo "the process ended"; return 1; }
    ((SECONDS < deadline)) || { echo "nobody listens on $3 after $1 s"; return 1; }
    sleep 0.1
  done
}

# ends SECONDS PID: expects that the process, which has been asked to, ends with exit code 0 in time.
ends() {
  local code=0
  (sleep "$1"; kill -KILL "$2") >/dev/null 2>&1 &
  local watchdog=$!
  wait "$2" || code=$?
  kill "$watchdog" 2>/dev/null
  ((code == 0)) || echo "exit code $code"
  ((code == 0))
}

# ends_well PID: asks the process to end, and expects exit code 0 within 10 seconds.
ends_well() {
  kill -TERM "$1" 2>/dev/null || { echo "it had ended before"; return 1; }
  ends 10 "$1"
}

# openssl_gets_five_replies PORT CA: as a stranger would type, with the input open until the replies are there.
openssl_gets_five_replies() {
  local got=$smoke_logs/openssl.out
  : >"$got"
  { printf '1\n2\n3\n4\n你好\n'; wait_for 15 has_lines 5 "$got" >&2; } \
    | timeout 30 openssl s_client -connect "127.0.0.1:$1" -servername localhost -verify_hostname localhost -verify_return_error -CAfile "$2" -quiet -no_ign_eof >"$got" 2>"$smoke_logs/openssl.err" \
    || { echo "failed: $(cat "$got" "$smoke_logs/openssl.err")"; return 1; }
  local said
  said=$(cat "$got")
  [[ $said == '你猜!'$'\n''谢谢!'$'\n''对不起!'$'\n''好的!'$'\n'* && ${said##*$'\n'} =~ ^(你好|不知道你在说什么!)$ ]] || { echo "$said"; return 1; }
}

has_lines() {
  (($(wc -l <"$2") >= $1))
}
