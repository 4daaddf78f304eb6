#!/usr/bin/env bash
# The sample client against the sample server: scripted, with redirected input, and through a crash of the server.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
client=$(program_of ReplyClient)

# says PATTERN COMMAND...: the command ends with 0 and prints a line that fits.
says() {
  local pattern=$1 code=0 said
  shift
  said=$(timeout 60 "$@" 2>&1) || code=$?
  ((code == 0)) && grep -qE "$pattern" <<<"$said" || { echo "exit code $code: $said"; return 1; }
}

# fails COMMAND...: the command ends with 1.
fails() {
  local code=0 said
  said=$(timeout 60 "$@" 2>&1 </dev/null) || code=$?
  ((code == 1)) || { echo "exit code $code: $said"; return 1; }
}

for framing in line length raw; do
  port=$(free_port)

  # Without framing, a heartbeat that comes together with an answer cannot be told from it.
  beat=$([[ $framing == raw ]] && echo 30 || echo 1)
  start "$framing" "$(program_of ReplyServer)" --port "$port" --framing "$framing" --heartbeat "$beat"
  server=$started
  if check "$framing: the server listens" listens 20 "$server" "$port"; then
    check "$framing: --count 500, all answered right, exit code 0" says '500 sent, 500 answered right, 0 wrong' "$client" --port "$port" --framing "$framing" --heartbeat "$beat" --count 500
    check "$framing: the server ends with 0" ends_well "$server"
  fi
done

# Redirected input: a reply to each line, then the end.
chat_from_file() {
  local said
  said=$(printf '1\n2\n你好\n' | timeout 60 "$client" --port "$1") || { echo "exit code $?: $said"; return 1; }
  [[ $said == *'你猜!'*'谢谢!'* && $said =~ (你好|不知道你在说什么!) ]] || { echo "$said"; return 1; }
}

port=$(free_port)
start first "$(program_of ReplyServer)" --port "$port"
server=$started
check "the server listens" listens 20 "$server" "$port" || exit 1
check "lines from a pipe are answered" chat_from_file "$port"

# The server is killed while the client runs, and comes back.
mkfifo "$smoke_logs/typed"
exec 7<>"$smoke_logs/typed"
setsid "$client" --port "$port" <"$smoke_logs/typed" >"$(log_of chat)" 2>&1 &
chat=$!
smoke_pids+=("$chat")
check "the chat is connected" wait_for 20 grep -q ' connected$' "$(log_of chat)" || cat "$(log_of chat)"
{ kill -KILL "$server"; wait "$server"; } 2>/dev/null
check "after kill -9 the client says that the connection is lost" wait_for 20 grep -q 'connection lost' "$(log_of chat)" || cat "$(log_of chat)"
echo 3 >&7
start second "$(program_of ReplyServer)" --port "$port"
server=$started
check "the restarted server listens" listens 20 "$server" "$port"
check "the client comes back by itself and says so" wait_for 20 grep -q 'connected again' "$(log_of chat)" || cat "$(log_of chat)"
check "what was typed meanwhile is answered" wait_for 20 grep -q '对不起!' "$(log_of chat)" || cat "$(log_of chat)"
echo 4 >&7
check "and so is what is typed now" wait_for 20 grep -q '好的!' "$(log_of chat)" || cat "$(log_of chat)"
check "SIGTERM ends the client with 0" ends_well "$chat"
check "the server ends with 0" ends_well "$server"

# The same over a Unix socket.
socket=$smoke_logs/reply.sock
start unix "$(program_of ReplyServer)" --listen "unix://$socket"
server=$started
if check "a Unix socket: the server listens" listens_on 20 "$server" "$socket"; then
  check "a Unix socket: --count 500, all answered right, exit code 0" says '500 sent, 500 answered right, 0 wrong' "$client" --connect "unix://$socket" --count 500
  check "a Unix socket: the server ends with 0" ends_well "$server"
fi

# The same over TLS, with the server's development certificate, which is trusted only by who is told to.
refuses_stranger() {
  local code=0 said
  said=$(timeout 120 "$client" --connect "$1" --count 1 2>&1) || code=$?
  ((code == 1)) && [[ $said == *"nobody who is trusted"* ]] || { echo "exit code $code: $said"; return 1; }
}

port=$(free_port)
export XDG_DATA_HOME=$smoke_logs/data
start tls "$(program_of ReplyServer)" --listen "tls://127.0.0.1:$port"
server=$started
if check "TLS: the server listens" wait_for 20 grep -q ' listening on ' "$(log_of tls)"; then
  check "TLS: --count 500, all answered right, exit code 0" says '500 sent, 500 answered right, 0 wrong' "$client" --connect "tls://localhost:$port?ca=$XDG_DATA_HOME/SocketKit/reply-server.pem" --count 500
  check "TLS: without being told to trust it the client refuses, exit code 1" refuses_stranger "tls://localhost:$port"
  check "TLS: the server ends with 0" ends_well "$server"
fi

# A server that talks nonsense, and arguments that do not fit.
port=$(free_port)
start nonsense python3 -c '
import socketserver, sys
class Nonsense(socketserver.StreamRequestHandler):
    def handle(self):
        for _ in self.rfile:
            self.wfile.write(b"nonsense\n")
socketserver.TCPServer(("127.0.0.1", int(sys.argv[1])), Nonsense).serve_forever()' "$port"
check "a server that talks nonsense listens" listens 20 "$started" "$port"
check "wrong answers: exit code 1" fails "$client" --port "$port" --count 5
check "--count 0: exit code 1" fails "$client" --count 0
check "--connect without a port: exit code 1" fails "$client" --connect tcp://127.0.0.1
check "--connect and --port: exit code 1" fails "$client" --connect tcp://127.0.0.1:9000 --port 9000
check "--framing words: exit code 1" fails "$client" --framing words
