/** The programs of a kill sandbox, for /bin/sh. Each notes in the journal which processes it is and starts, by pid and start time. */

/** `note PID` writes a process down as its script's kind; `at NAME` kills the engine when the test has asked for it there; `linger` leaves three kinds of processes behind. */
export const COMMON = `folder=\${folder:-$1}
say() { printf '%s\\n' "$*" >> "$folder/journal"; }
note() { say "process $kind $1 $(cut -d' ' -f22 "/proc/$1/stat")"; }
at() { if rm "$folder/kill-at-$1" 2> /dev/null; then kill -9 "$(cat "$folder/engine.pid")"; fi; }
linger() {
  sleep 600 & note $!
  setsid sleep 600 & note $!
  (setsid sh -c 'sleep 600 & printf "process %s %s %s\\n" "$1" $! "$(cut -d" " -f22 /proc/$!/stat)" >> "$0/journal"' "$folder" "$kind" &)
}
`;

export const AGENT = `kind=agent
note $$
cat > /dev/null
say "start $BATON_TASK_ID $BATON_STEP_ID"
at agent-start
linger
if [ "$BATON_STEP_ID" = implement ]; then echo work >> "$BATON_TASK_ID.txt"; else echo fixed >> "$BATON_TASK_ID.txt"; fi
at agent-edited
while [ -e "$folder/hold" ]; do sleep 0.05; done
sleep 0.1
say "end $BATON_TASK_ID $BATON_STEP_ID"
at agent-end
`;

export const SETUP = `kind=command
note $$
linger
at setup
echo made > made
`;

export const GATE = `kind=command
note $$
linger
# What tools write into a checkout, and what is lost with it.
echo left > left-by-gate.txt
at gate
# The base is green: it has no such file.
test -e "$BATON_TASK_ID.txt" || exit 0
case "$BATON_TASK_ID" in fix*) grep -q fixed "$BATON_TASK_ID.txt" ;; *) grep -q work "$BATON_TASK_ID.txt" ;; esac
`;

/** Before COMMON in a git hook, which gets no folder as an argument. */
export const HOOK = `#!/bin/sh
folder='FOLDER'
`;
