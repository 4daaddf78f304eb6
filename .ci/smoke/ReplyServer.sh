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
