#!/usr/bin/env bash
# What action.yml runs: audit a model, judge it by a policy, leave reports, a summary and outputs.
#
# Everything comes in through variables, so that no input is ever read as shell:
#   MODEL TRIGGER        the model file, and trigger specs, one a line
#   DATA                 labelled images; empty to go by the model's shape
#   POLICY               a folder with a bdaudit.toml whose [policy] the gate takes; empty for here,
#                        where it may be stricter than the defaults and no looser
#   FAIL_ON              fail, inconclusive (that as well) or never
#   REPORTS              folder for the reports
#   GITHUB_OUTPUT GITHUB_STEP_SUMMARY    as GitHub sets them
set -euo pipefail

case "$FAIL_ON" in
fail | inconclusive | never) ;;
*)
	echo "bdaudit: fail-on: '$FAIL_ON' is none of fail, inconclusive, never" >&2
	exit 2
	;;
esac

mkdir -p "$REPORTS"
reports=$(cd "$REPORTS" && pwd)
arguments=("$MODEL")
while IFS= read -r trigger; do
	if [ -n "$trigger" ]; then arguments+=(--trigger "$trigger"); fi
done <<<"$TRIGGER"
if [ -n "${DATA:-}" ]; then arguments+=(--data "$DATA"); fi

bdaudit scan "${arguments[@]}" --exit-zero --force \
	-o "$reports/audit.json" -o "$reports/certificate.html" -o "$reports/certificate.pdf" \
	-o "$reports/audit.sarif" -o "$reports/audit.xml" -o "$reports/summary.md"
cat "$reports/summary.md" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"

policy=()
for file in pyproject.toml bdaudit.toml; do # a folder that was named may hold any policy
	if [ "${POLICY:-.}" != . ] && [ -e "$POLICY/$file" ]; then policy=(--config "$file"); fi
done
status=0
(cd "${POLICY:-.}" && bdaudit gate "$reports/audit.json" ${policy[@]+"${policy[@]}"}) || status=$?
verdict=$(case $status in 0) echo pass ;; 1) echo fail ;; 4) echo inconclusive ;; *) echo error ;; esac)

python3 - "$reports/audit.json" "$verdict" >>"${GITHUB_OUTPUT:-/dev/null}" <<'PYTHON'
import json
import sys

found = json.load(open(sys.argv[1]))
audits = found.get("audits", [found])
measured = [audit["measurements"]["before"] for audit in audits]
print(f"verdict={sys.argv[2]}")
for name, key in (("asr", "value"), ("tar", "median")):
    known = [m[name][key] for m in measured if m[name].get(key) is not None]
    print(f"{name}={max(known) if known else ''}")
PYTHON
printf '%s=%s\n' json "$reports/audit.json" html "$reports/certificate.html" \
	pdf "$reports/certificate.pdf" sarif "$reports/audit.sarif" junit "$reports/audit.xml" \
	>>"${GITHUB_OUTPUT:-/dev/null}"

case "$FAIL_ON:$verdict" in
*:error) exit "$status" ;;
fail:fail | inconclusive:fail | inconclusive:inconclusive) exit "$status" ;;
esac
