#!/usr/bin/env bash
# demo.sh - one unmodified client and server behind a NAT gateway that forgets after 350 s, three times, 50 times faster.
# LAPSE names the program when it is not the one that `./dev build` makes.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
lapse=${LAPSE:-../build/control/cli/lapse}
readonly url=http://api.example.com:8080

bold() {
  if [[ -t 1 ]]; then
    printf '\033[1m%s\033[0m\n' "$*"
  else
    printf '%s\n' "$*"
  fi
}

# act TITLE EXPECTED-STATUS CLIENT-ARGUMENTS...: stops the demo where the story goes another way than it should.
act() {
  local title=$1 expected=$2 status=0
  shift 2
  echo
  bold "$title"
  bold "\$ lapse lab nat-gateway --warp 50 -- python3 client.py $*"
  "$lapse" lab nat-gateway.yaml --warp 50 -- python3 client.py "$@" || status=$?
  if ((status == expected)); then
    return 0
  fi
  if ((status == 125)); then
    printf '\ndemo: the lab did not start; the reason and the remedy stand above.\n' >&2
    exit 3
  fi
  printf '\ndemo: the client ended with status %d, and this act is about status %d.\n' "$status" "$expected" >&2
  exit 1
}

[[ -x $lapse ]] || {
  printf 'demo: %s is not there; ./dev demo builds it.\n' "$lapse" >&2
  exit 3
}

cat <<'TEXT'
A client in a private subnet asks a server on the internet for a report. The server works on it for 363 s, in silence.
Between them stands a NAT gateway that forgets a connection after 350 s. Kernels, sockets and programs are real and
unmodified; only time runs 50 times faster, so that each of the three acts takes about 8 s.

    app ── private ── natgw ── internet ── api
TEXT

act '1. As programs are: the answer never arrives, and nobody is told.' 1 \
  --url "$url/report" --timeout 400
act '2. With TCP keepalive every 60 s: the gateway sees packets, and the answer arrives.' 0 \
  --url "$url/report" --keepalive 60 --timeout 400
act '3. A pooled connection, used again after 351 s: the gateway answers with a reset, and the server never knows.' 1 \
  --url "$url/quick" --reuse-after 351

cat <<'TEXT'

Now your own program, from the root of this checkout:

    build/control/cli/lapse lab nat-gateway --warp 50 -- YOUR-PROGRAM

It runs on `app`, as you, in this folder. `lapse lab nat-gateway` without a program leaves the lab running: then move time
yourself (`lapse ctl clock advance 351s`), look at what is remembered (`lapse ctl flows`) and run anything on either side
(`lapse exec api -- ss -tno`). Copy topologies/nat-gateway.yaml to put your own server in the place of `api`.
TEXT
