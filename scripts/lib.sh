# Shared by the scripts beside it: progress, system packages, the Python environment, Asterisk. Sourced, not run.
# Everything is made once and stamped; a second run takes no time and no network.

set -euo pipefail

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
# A relative data folder means: from where the caller stands. In .env it means: from the checkout.
if [[ -n ${CALLCENTER_DATA:-} && $CALLCENTER_DATA != /* ]]; then export CALLCENTER_DATA="$PWD/$CALLCENTER_DATA"; fi
cd "$root"
HOME=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}
export HOME
cache=${CALLCENTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/callcenter}
venv=$root/.venv
python=$venv/bin/python

say() { printf '[%6.1f s] %s\n' "$(elapsed)" "$*"; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 2; }
have() { command -v "$1" >/dev/null || [[ -x /usr/sbin/$1 ]]; }
begun=$(date +%s%N)
elapsed() { local now; now=$(date +%s%N); printf '%d.%d' $(((now - begun) / 1000000000)) $(((now - begun) / 100000000 % 10)); }

# Run a command with its output in a log, telling every few seconds that it still works.
# progress "what it does" "what to do when it fails" command...
progress() {
  local what=$1 remedy=$2 log pid ticks=0 status=0
  shift 2
  log=$(mktemp "${TMPDIR:-/tmp}/callcenter-setup.XXXXXX")
  say "$what"
  "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.2
    ticks=$((ticks + 1))
    ((ticks % 25)) || say "  still at it: $(tail -n 1 "$log" | tr -d '\r' | cut -c 1-90)"
  done
  wait "$pid" || status=$?
  if ((status)); then
    tail -n 15 "$log" >&2
    die "$what: failed (status $status). $remedy The whole log is $log."
  fi
  rm -f "$log"
}

# Install the packages of commands that are missing: apt_need command:package...
apt_need() {
  local pair missing=() packages=() sudo=()
  for pair in "$@"; do
    have "${pair%%:*}" || { missing+=("${pair%%:*}"); packages+=("${pair#*:}"); }
  done
  ((${#missing[@]})) || return 0
  apt_install "the commands ${missing[*]} are missing" "${packages[@]}"
}

apt_install() {
  local why=$1 sudo=()
  shift
  local remedy="Run as an administrator: apt-get install $*"
  have apt-get || die "$why, and this is no Debian or Ubuntu: install $* with your own package manager."
  if (($(id -u))); then
    have sudo || die "$why, and there is no sudo to install them. $remedy"
    sudo=(sudo)
    # Whoever may use sudo for apt-get only may not try it on anything else.
    sudo -n -l apt-get >/dev/null 2>&1 || { [[ -t 0 ]] && sudo -v; } || die "$why, and sudo was refused. $remedy"
  fi
  # A package list that is old or absent is only fetched when it has to be.
  export DEBIAN_FRONTEND=noninteractive
  local install=("${sudo[@]}" apt-get install -y --no-install-recommends "$@")
  if ! "${install[@]}" --download-only >/dev/null 2>&1 </dev/null; then
    progress "fetching the list of system packages" "Check the network and the apt sources." "${sudo[@]}" apt-get update
  fi
  progress "installing system packages: $*" "$remedy" "${install[@]}"
}

# The environment of requirements.lock ("run") or of requirements-dev.lock ("dev", which holds all of the other).
ensure_python() {
  local kind=$1 lock=requirements.lock stamp=$venv/.stamp want
  [[ $kind == dev ]] && lock=requirements-dev.lock
  want=$(cat requirements.lock requirements-dev.lock | sha256sum | cut -c 1-64)
  # What a developer's set-up made serves to run the product too.
  if [[ -x $python && -f $stamp ]] && grep -qxE "(dev|$kind) $want" "$stamp"; then return 0; fi
  [[ -w $root ]] || die "the checkout $root cannot be written: make it writable for $(id -un), or copy it to where it is."
  exec 8<"$root"
  flock 8
  if [[ -x $python && -f $stamp ]] && grep -qxE "(dev|$kind) $want" "$stamp"; then flock -u 8; return 0; fi

  local base
  base=$(find_python) || { apt_install "Python 3.11 or newer is missing" python3; base=$(find_python) ||
    die "Python 3.11 or newer is needed; this system's is older: install a newer python3 and put it first on PATH."; }
  rm -f "$stamp"
  if have uv; then
    [[ -x $python ]] && "$python" -c '' 2>/dev/null || { rm -rf "$venv"; uv venv -q --python "$base" "$venv"; }
    progress "installing the Python packages of $lock" "Check the network to the package index; behind a proxy with a certificate of its own set SSL_CERT_FILE." \
      env VIRTUAL_ENV="$venv" uv pip install --compile-bytecode --require-hashes -r "$lock"
  else
    if ! [[ -x $python ]] || ! "$python" -m pip --version >/dev/null 2>&1; then
      rm -rf "$venv"
      if ! "$base" -c 'import ensurepip' 2>/dev/null; then apt_install "Python's venv module is missing" python3-venv; fi
      progress "making the Python environment" "Install python3-venv." "$base" -m venv "$venv"
    fi
    progress "installing the Python packages of $lock" "Check the network to the package index; behind a proxy with a certificate of its own set SSL_CERT_FILE." \
      "$python" -m pip install --progress-bar off --disable-pip-version-check --require-hashes -r "$lock"
  fi
  # The checkout itself, from wherever it is run.
  echo "$root" >"$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/callcenter.pth"
  echo "$kind $want" >"$stamp"
  flock -u 8
}

# The console's page, built from callcenter/console when that or the API has changed; kept beside it in dist/.
ensure_console() {
  local source=$root/callcenter/console want
  want=$(find callcenter \( -name node_modules -o -name dist -o -name __pycache__ \) -prune -o -type f \
    \( -name '*.py' -o -path 'callcenter/console/*' \) ! -name openapi.json ! -name schema.gen.ts -print0 |
    sort -z | xargs -0 cat | sha256sum | cut -c 1-64)
  if [[ -f $source/dist/.stamp ]] && grep -qx "$want" "$source/dist/.stamp"; then return 0; fi
  apt_need npm:npm
  exec 7<"$source"
  flock 7
  if ! [[ -f $source/dist/.stamp ]] || ! grep -qx "$want" "$source/dist/.stamp"; then
    if ! cmp -s "$source/package-lock.json" "$source/node_modules/.locked"; then
      progress "installing the packages of the console" "Check the network to the npm registry; behind a proxy with a certificate of its own set NODE_EXTRA_CA_CERTS." \
        npm --prefix "$source" ci --no-audit --no-fund
      cp "$source/package-lock.json" "$source/node_modules/.locked"
    fi
    progress "building the console" "Its source is callcenter/console." build_console
    echo "$want" >"$source/dist/.stamp"
  fi
  flock -u 7
}

# The types come from the API's own description, so the page and the API cannot drift apart unseen.
build_console() {
  cd "$root/callcenter/console" &&
    "$python" -m callcenter.cli openapi >openapi.json &&
    npm run -s types &&
    npm run -s build &&
    find dist/assets -type f -mtime +30 -delete &&
    find dist/assets -type f \( -name '*.js' -o -name '*.css' -o -name '*.svg' \) -exec gzip -9 -k -n -f {} +
}

find_python() {
  local name
  for name in python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3; do
    if command -v "$name" >/dev/null && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$name"
      return 0
    fi
  done
  return 1
}

# Asterisk 20 or newer: the one on PATH, else Debian's packages unpacked into the cache; neither root nor chroot needed.
ensure_asterisk() {
  local where
  where=$("$python" -m callcenter.asterisk_runtime 2>/dev/null) && return 0
  apt_need mmdebstrap:mmdebstrap
  mkdir -p "$cache" 2>/dev/null && [[ -w $cache ]] ||
    die "the cache folder $cache cannot be written: set CALLCENTER_CACHE to one that can."
  exec 9>"$cache/.lock"
  if ! flock -n 9; then say "another set-up is unpacking Asterisk; waiting for it"; flock 9; fi
  if ! "$python" -m callcenter.asterisk_runtime >/dev/null 2>&1; then unpack_asterisk; fi
  flock -u 9
  where=$("$python" -m callcenter.asterisk_runtime) || die "the unpacked Asterisk does not run: remove $cache and try again."
  say "$where"
}

unpack_asterisk() {
  local suite=${CALLCENTER_ASTERISK_SUITE:-sid} arch id target mirror=()
  arch=$(dpkg --print-architecture)
  id=$(. /etc/os-release && echo "$ID")
  target=$cache/asterisk-$suite-$arch
  if [[ $id == debian ]]; then
    # The mirror this machine already uses; elsewhere mmdebstrap knows Debian's.
    mirror=("$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1)")
    [[ -n ${mirror[0]} ]] || mirror=()
  elif ! [[ -e /usr/share/keyrings/debian-archive-keyring.gpg ]]; then
    apt_install "Debian's archive keys are missing" debian-archive-keyring
  fi
  unpacking=$(mktemp -d "$cache/.unpacking.XXXXXX")
  trap 'rm -rf "$unpacking"' EXIT
  progress "unpacking Asterisk from Debian $suite into $target (about 270 MB, once)" \
    "Check the network to the Debian mirror and the space in $cache." \
    mmdebstrap --mode=chrootless --variant=extract --aptopt='Acquire::Check-Valid-Until "false"' \
    --include=asterisk "$suite" "$unpacking/root" "${mirror[@]}"
  rm -rf "$target"
  mv -T "$unpacking/root" "$target"
  rm -rf "$unpacking"
  trap - EXIT
}
