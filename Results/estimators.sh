#!/usr/bin/env bash
# Which estimator chooses best: the predicted and the held-out loss of the policy that each one leads to.
# Takes some ten minutes a model; prints one row per model, estimator and budget. Run by `make estimators`.
set -euo pipefail
tool=.build/release/bitbudget
python=.fixtures/venv/bin/python
studies=$(mktemp -d)
trap 'rm -rf "$studies"' EXIT

compare() {  # name model calibration heldout samples estimators budgets extra...
  local name=$1 model=$2 data=$3 heldout=$4 samples=$5 estimators=$6 budgets=$7
  shift 7
  for estimator in $estimators; do
    local start=$SECONDS
    "$tool" measure "$model" --data "$data" --all --samples "$samples" --estimator "$estimator" -q \
      -o "$studies/$name" >/dev/null
    local seconds=$((SECONDS - start))
    for budget in $budgets; do
      "$tool" plan "$studies/$name" --estimator "$estimator" --budget "${budget}bpw" \
        -o "$studies/policy.json" >/dev/null
      "$tool" verify "$model" "$studies/policy.json" --data "$heldout" --all --samples 64 -q \
        --baselines int2-g128 --json "$@" >"$studies/proof.json" || true
      "$python" - "$name" "$estimator" "$budget" "$seconds" "$studies" <<'PY'
import json, sys
name, estimator, budget, seconds, folder = sys.argv[1:]
policy = json.load(open(folder + "/policy.json"))["predicted"]["loss"]
proof = json.load(open(folder + "/proof.json"))["entries"][0]["loss"]
print(f"| {name} | {estimator} | {seconds} s | {budget} | {policy:.4f} | {proof:.4f} |", flush=True)
PY
    done
  done
}

echo "| model | estimator | measured in | bpw | predicted | held out |"
echo "|---|---|---|---|---|---|"
all="fisher-channel fisher-output output-error exact-kl"
compare MiniLM .fixtures/minilm .fixtures/text/sentences.txt .fixtures/text/lee.txt 64 "$all" "3 4 5"
compare EfficientNet-Lite0 .fixtures/efficientnet-lite0/model.onnx .fixtures/photos \
  .fixtures/photos-heldout 64 "$all" "3 4 5"
