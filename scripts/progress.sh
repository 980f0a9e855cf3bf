# Sourced by demo and test: runs a command and shows that it moves.
# shellcheck shell=sh

if [ -t 1 ]; then
	bold=$(printf '\033[1m') dim=$(printf '\033[2m') red=$(printf '\033[31m')
	green=$(printf '\033[32m') plain=$(printf '\033[0m') redraw=$(printf '\r\033[K')
else
	bold= dim= red= green= plain= redraw=
fi

step_pid=
# A command in the background ignores Ctrl-C, so it is passed on.
interrupted() {
	trap - INT TERM HUP
	if [ -n "$step_pid" ]; then
		kill "$step_pid" 2>/dev/null
		wait "$step_pid"
	fi
	printf '%s\n' "${redraw}interrupted"
	exit 130
}
trap interrupted INT TERM HUP

# What the log last said of how far it is: "[ 42%]", "[12/80]", or the package.
step_position() {
	tail -c 4000 "$1" |
		grep -oE '\[ *[0-9]+%\]|\[[0-9]+/[0-9]+\]|^(Unpacking|Setting up) [a-z0-9.+-]+' |
		tail -n 1
}

# run_step TITLE LOG COMMAND…: its output goes to LOG. On a terminal one line is
# redrawn meanwhile; elsewhere it says every 30 s that it is still at it. Returns
# the command's status and leaves its duration in step_seconds.
run_step() {
	step_title=$1 step_log=$2
	shift 2
	step_started=$(date +%s)
	step_said=$step_started
	"$@" >"$step_log" 2>&1 </dev/null &
	step_pid=$!
	while kill -0 "$step_pid" 2>/dev/null; do
		step_now=$(date +%s)
		step_seconds=$((step_now - step_started))
		if [ -n "$redraw" ]; then
			printf '%s  %-28s%s %s s %s%s' "$redraw" "$step_title" "$dim" \
				"$step_seconds" "$(step_position "$step_log")" "$plain"
		elif [ $((step_now - step_said)) -ge 30 ]; then
			step_said=$step_now
			echo "  … $step_seconds s $(step_position "$step_log")"
		fi
		sleep 0.2
	done
	wait "$step_pid"
	step_status=$?
	step_pid=
	step_seconds=$(($(date +%s) - step_started))
	printf '%s' "$redraw"
	return $step_status
}

# `sudo` must leave no root's files in a user's clone: what was built is its
# owner's.
give_back() {
	if [ "$(id -u)" = 0 ] && [ "$(stat -c %u .)" != 0 ] && [ -d build ]; then
		chown -R --reference=. build
	fi
}
