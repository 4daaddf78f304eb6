#!/usr/bin/env bash
# HTTP and lines on one Kestrel.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

says() {
  local got
  got=$(python3 -c 'import sys, urllib.request; print(urllib.request.urlopen(urllib.request.Request(sys.argv[1], method=sys.argv[2]), timeout=10).read().decode().strip())' "$1" "$2")
  [[ $got == "$3" ]] || { echo "got '$got'"; return 1; }
}

answers() {
  local got
  got=$(printf '%s\n' "$2" | timeout 10 nc -N 127.0.0.1 "$1")
  [[ $got == "$3" ]] || { echo "got '$got'"; return 1; }
}

web=$(free_port)
lines=$(free_port)
start server "$(program_of KestrelBoth)" --web "$web" --lines "$lines"
server=$started
check "listens" listens 20 "$server" "$web" || { cat "$(log_of server)"; exit 1; }
# Kestrel binds its end points one after the other.
check "the lines listen, too" listens 20 "$server" "$lines" || { cat "$(log_of server)"; exit 1; }
check "the line protocol answers" answers "$lines" 1 '你猜!'
check "HTTP answers" wait_for 10 says "http://127.0.0.1:$web/connections" GET 0
check "a broadcast without recipients" says "http://127.0.0.1:$web/say/hello" POST 0
check "SIGTERM ends it with 0" ends_well "$server"
