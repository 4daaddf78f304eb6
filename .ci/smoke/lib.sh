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

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
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

# ends_well PID: asks the process to end, and expects exit code 0 within 10 seconds.
ends_well() {
  local code=0
  kill -TERM "$1" 2>/dev/null || { echo "it had ended before"; return 1; }
  (sleep 10; kill -KILL "$1") >/dev/null 2>&1 &
  local watchdog=$!
  wait "$1" || code=$?
  kill "$watchdog" 2>/dev/null
  ((code == 0)) || echo "exit code $code"
  ((code == 0))
}
