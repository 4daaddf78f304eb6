#!/usr/bin/env bash
# The sample's own demonstration, and a second implementation of its protocol against its server.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

demonstration() {
  local said code=0
  said=$(timeout 60 "$(program_of CustomFraming)" 2>&1 </dev/null) || code=$?
  ((code == 0)) && [[ $(grep -c ' ok ' <<<"$said") -eq 8 && $said != *FAIL* ]] || { echo "exit code $code: $said"; return 1; }
}

check "the demonstration holds" demonstration

port=$(free_port)
start server "$(program_of CustomFraming)" --serve "$port"
server=$started
check "--serve listens" listens 20 "$server" "$port" || { cat "$(log_of server)"; exit 1; }
python3 .ci/smoke/telegrams.py "$port" || cat "$(log_of server)"
check "SIGTERM ends it with 0" ends_well "$server"
