#!/usr/bin/env bash
# Strategies of the sample's own, and the shipped ones behind them.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# answers PORT LINE EXPECTED...: sends a line and half-closes; the replies are these lines.
answers() {
  local port=$1 line=$2 got
  shift 2
  got=$(printf '%s\n' "$line" | timeout 10 nc -N 127.0.0.1 "$port")
  [[ $got == "$(printf '%s\n' "$@")" ]] || { echo "sent '$line', got '$got'"; return 1; }
}

looks_like_a_time() {
  printf '几点了\n' | timeout 10 nc -N 127.0.0.1 "$1" | grep -qE '^[0-9]{2}:[0-9]{2}:[0-9]{2}$'
}

port=$(free_port)
start server "$(program_of CustomReplies)" --port "$port"
server=$started
check "listens" listens 20 "$server" "$port" || { cat "$(log_of server)"; exit 1; }
check "a calculation" answers "$port" '12 * 3' 36
check "a division by zero" answers "$port" '1 / 0' '除数不能是零!'
check "several replies to one message" answers "$port" '倒数 3' 3 2 1 '出发!'
check "a rule with a function" looks_like_a_time "$port"
check "a rule with a predicate" answers "$port" '再见啦' '慢走!'
check "a rule that stays silent" answers "$port" quiet ''
check "what nobody took goes to the shipped rules" answers "$port" 1 '你猜!'
check "SIGTERM ends it with 0" ends_well "$server"
