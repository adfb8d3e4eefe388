#!/bin/sh
# Real pushes over ssh on loopback: ssh.sh FOLDER. orch is on PATH; everything is made in FOLDER, which is empty but for
# `home` and `work`. The server is Debian's sshd: the one that is installed, or one that apt-get downloads into FOLDER.
# Nothing outside of FOLDER is changed. Exits with 0 only if everything is as it should be.
set -eu
folder=$(cd "$1" && pwd)
cd "$folder/work"
place=$PWD
HOME=$folder/home
export HOME
user=$(id -un)
server=

clean_up() {
    status=$?
    trap - EXIT
    ORCH_STATE_DIR=$folder/state ORCH_CONFIG=$folder/config.json orch quit --on-stop halt >/dev/null 2>&1 || true
    [ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server"; } || true
    [ "$status" -eq 0 ] || tail -n 20 "$folder/sshd.log" >&2 2>/dev/null || true
    exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

wrong() {
    echo "trial: ssh: $*" >&2
    exit 1
}

# MARK: The server

sshd=$(PATH=$PATH:/usr/sbin command -v sshd || true)
if [ -z "$sshd" ]; then
    mkdir "$folder/packages" "$folder/debian"
    (cd "$folder/packages" && apt-get download -q openssh-server libwrap0 >/dev/null 2>&1) \
        || wrong "there is no sshd here, and apt-get cannot download openssh-server"
    for package in "$folder"/packages/*.deb; do dpkg-deb -x "$package" "$folder/debian"; done
    sshd=$folder/debian/usr/sbin/sshd
fi
libraries=$(find "$folder/debian" -name 'libwrap.so*' -printf '%h:' -quit 2>/dev/null || true)

ssh-keygen -q -t ed25519 -N '' -f "$folder/host-key"
mkdir -m 700 "$HOME/.ssh"
ssh-keygen -q -t ed25519 -N '' -f "$HOME/.ssh/id_trial"
cp "$HOME/.ssh/id_trial.pub" "$folder/authorized-keys"
# A port that nobody listens on; the server says if somebody has been faster.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >"$folder/sshd-config" <<END
ListenAddress 127.0.0.1
Port $port
HostKey $folder/host-key
AuthorizedKeysFile $folder/authorized-keys
PidFile none
UsePAM no
StrictModes no
PermitRootLogin yes
AllowUsers $user
PasswordAuthentication no
KbdInteractiveAuthentication no
SetEnv HOME=$HOME
END
set -- "$sshd" -D -e -f "$folder/sshd-config"
[ -z "$libraries" ] || set -- env LD_LIBRARY_PATH="$libraries" "$@"
if [ "$(id -u)" -eq 0 ]; then
    # As root it wants a user of its own and a directory in /run: in a mount namespace, nobody else sees those.
    { cat /etc/passwd; getent passwd sshd >/dev/null || echo "sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin"; } >"$folder/passwd"
    set -- unshare --mount --propagation private sh -euc '
        mount --bind "$0" /etc/passwd
        mount -t tmpfs -o mode=755 tmpfs /run
        mkdir -m 755 /run/sshd
        exec "$@"' "$folder/passwd" "$@"
fi
"$@" 2>"$folder/sshd.log" &
server=$!

# What a user has: a key, a server that is known, and git told of both.
echo "[127.0.0.1]:$port $(cat "$folder/host-key.pub")" >"$HOME/.ssh/known_hosts"
cat >"$HOME/.ssh/config" <<END
IdentityFile "$HOME/.ssh/id_trial"
IdentitiesOnly yes
IdentityAgent none
UserKnownHostsFile "$HOME/.ssh/known_hosts"
StrictHostKeyChecking yes
END
# ssh looks for its configuration in the home directory of the password file, whatever HOME says.
ssh="ssh -F '$HOME/.ssh/config'"
git config --global core.sshCommand "$ssh"
tries=0
until ssh -F "$HOME/.ssh/config" -o BatchMode=yes -p "$port" "$user@127.0.0.1" true 2>"$folder/refused"; do
    kill -0 "$server" 2>/dev/null || wrong "sshd does not start: $(cat "$folder/sshd.log")"
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || wrong "sshd does not let us in: $(cat "$folder/refused")"
    sleep 0.1
done

# MARK: Pushes into a repository that verifies

# Where the hook finds what is orch's is said when it is installed: the server's environment is another one.
ORCH_STATE_DIR=$folder/state ORCH_CONFIG=$folder/config.json
export ORCH_STATE_DIR ORCH_CONFIG
cat >"$ORCH_CONFIG" <<END
{
  "defaultProfile": "script",
  "profiles": { "script": { "kind": "command", "command": ["sh", "$folder/agent.sh"], "timeLimit": "1m" } }
}
END
git init -q -b main project
cd project
mkdir .orch
cat >.orch/config.json <<'END'
{ "verifiers": [{ "name": "test", "command": ["sh", "judge.sh"], "timeout": "1m" }], "approve": "auto" }
END
cat >judge.sh <<'END'
# Slow where the README says so.
echo "judging $(cat README)"
if grep -q SLOW README; then sleep 5; fi
! grep -q BROKEN README
END
change() {
    echo "$1" >README
    git add -A
    git commit -qm "$1"
}
change "The first"
git clone -q --bare . ../hub.git
git -C ../hub.git config receive.denyDeletes false
orch hook install --repo ../hub.git
git remote add hub "ssh://$user@127.0.0.1:$port$place/hub.git"

# push ARGUMENTS…: pushes, and keeps what the pusher is told.
push() {
    git push hub "$@" >"$folder/told" 2>&1 || wrong "git push $*: $(cat "$folder/told")"
}
told() { grep -qF -- "remote: $1" "$folder/told" || wrong "the pusher is not told '$1': $(cat "$folder/told")"; }
verdicts() {
    said=$(grep -cE '^remote: (PASS|FAIL|ERROR) ' "$folder/told" || true)
    [ "$said" -eq "$1" ] || wrong "$said verdicts, not $1: $(cat "$folder/told")"
}
short() { git rev-parse --short=10 "$1"; }
status_of() { sed -n 's/.*"tree":"[^"]*","status":"\([A-Z]*\)".*/\1/p' "../hub.git/ci-status/$(git rev-parse "$1").json"; }
expect_status() { [ "$(status_of "$1")" = "$2" ] || wrong "ci-status of $1 is not $2: $(cat "../hub.git/ci-status/$(git rev-parse "$1").json")"; }

# verified COMMIT: it passes, soon. The hook is told of it when the branch is at it already.
verified() {
    tries=0
    until [ -e "../hub.git/ci-status/$(git rev-parse "$1").json" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 300 ] || wrong "$1 is not verified where it was pushed to"
        sleep 0.1
    done
    expect_status "$1" PASS
}

change "Good"
push main
told "orch: verifying refs/heads/main"
told "test: exit 0"
told "PASS $(short main)"
verdicts 1
expect_status main PASS

change "BROKEN"
push main
told "    judging BROKEN"
told "FAIL $(short main): test: exit 1"
verdicts 1
expect_status main FAIL

git reset -q --hard HEAD^
change "Good otherwise"
if git push hub main >"$folder/told" 2>&1; then wrong "what is not a fast-forward went through without force"; fi
verdicts 0
push --force main
told "PASS $(short main)"
verdicts 1

git branch one
change "BROKEN again"
git branch two
git reset -q --hard HEAD^
git tag -a -m "A tag" v1 HEAD^
push one two v1
told "FAIL $(short two): test: exit 1"
told "PASS $(short one)"
told "PASS $(short v1^{commit})"
verdicts 3

change "Good once more"
push main :two
told "PASS $(short main)"
verdicts 1
push --delete one
verdicts 0
git ls-remote --exit-code hub one two >/dev/null && wrong "what was deleted is there"

# Two at once.
git checkout -q -b left && change "SLOW left"
git checkout -q -b right main && change "SLOW right"
git push hub left >"$folder/left" 2>&1 &
left=$!
push right
told "PASS $(short right)"
wait "$left" || wrong "one of two pushes at once failed: $(cat "$folder/left")"
cp "$folder/left" "$folder/told"
told "PASS $(short left)"

# A pusher who leaves while it is verified: what was pushed is there, verified all the same, and in nobody's way.
git checkout -q -b gone main && change "SLOW and gone"
git push hub gone >"$folder/told" 2>&1 &
pusher=$!
tries=0
until grep -qs 'judging SLOW and gone' "$folder"/state/ci/runs/*/*/stdout; do
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] || wrong "the push is not verified: $(cat "$folder/told")"
    sleep 0.1
done
kill "$pusher"
wait "$pusher" 2>/dev/null || true
git checkout -q main && change "After the one who left"
push main
told "PASS $(short main)"
[ "$(git ls-remote hub gone | cut -f1)" = "$(git rev-parse gone)" ] || wrong "what was pushed by one who left is not there"
verified gone
echo "pushes over ssh are verified, and the pusher told"

# MARK: What lands is pushed

cat >"$folder/agent.sh" <<'END'
echo "$ORCH_TITLE" >>work.txt
END
git config --global user.useConfigOnly true
sed -i "s|\"approve\": \"auto\"|\"approve\": \"auto\", \"landing\": { \"push\": { \"remote\": \"$(git remote get-url hub)\" } }|" .orch/config.json
git commit -qam "Push what lands"
push main
orch init --trust >/dev/null

# lands TITLE: a ticket lands, on main at least.
lands() { orch run --wait --title "$1" --description "$1." >"$folder/told" 2>&1 || wrong "$1: $(cat "$folder/told")"; }
# arrives: the server has what is on main here.
arrives() {
    tries=0
    until [ "$(git -C ../hub.git rev-parse main)" = "$(git rev-parse main)" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || wrong "what has landed does not arrive: $(orch status)"
        sleep 0.1
    done
}
# says TEXT: the daemon does, of the push.
says() {
    tries=0
    until orch status | grep -qF -- "$1"; do
        tries=$((tries + 1))
        [ "$tries" -lt 300 ] || wrong "nobody says '$1': $(orch status)"
        sleep 0.1
    done
}

lands "By the configuration of git"
arrives
verified main

# As it is in a unit of systemd, or a shell: by the environment of the daemon.
orch quit >/dev/null
git config --global --unset core.sshCommand
GIT_SSH_COMMAND=$ssh lands "By the environment"
arrives

# A server that lets nobody in, and then does.
mv "$folder/authorized-keys" "$folder/locked-out"
lands "While nobody is let in"
says "Permission denied"
[ "$(git -C ../hub.git rev-parse main)" != "$(git rev-parse main)" ] || wrong "it was pushed without a key"
mv "$folder/locked-out" "$folder/authorized-keys"
lands "When people are let in again"
arrives

# Somebody else was there first.
git clone -q ../hub.git ../other
(cd ../other && echo x >x && git add x && git commit -qm "Somebody else's" && git push -q origin main >/dev/null 2>&1)
lands "While somebody else is ahead"
says "which is not in main here"
git fetch -q ../hub.git main
git merge -q --no-edit FETCH_HEAD
arrives
verified main
orch quit >/dev/null
tries=0
while pgrep -f "orch-runner $folder" >/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] || wrong "something still runs: $(pgrep -af "orch-runner $folder")"
    sleep 0.1
done
echo "what lands is pushed over ssh, never by force"
