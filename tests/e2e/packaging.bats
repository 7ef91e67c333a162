#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What is delivered beside the programs: units, alerts, the dashboard, the Debian package.
load helper

@test "systemd takes the units, and finds them well hardened" {
    command -v systemd-analyze >/dev/null || skip "no systemd"
    local units
    units=$(mktemp -d)
    cp "$TOP"/packaging/systemd/*.service "$units"
    sed -i "s|/usr/bin/rdb-serve|$BIN/rdb-serve|; /^Documentation/d" "$units"/*.service
    cp "$units/rustydb@.service" "$units/rustydb@one.service"
    run systemd-analyze verify --man=no "$units/rustydb.service" "$units/rustydb@one.service"
    echo "$output"
    [ "$status" -eq 0 ]
    ! grep -q "$units" <<<"$output"
    for unit in rustydb rustydb@one; do # 0 is sealed, 10 is open to all
        run systemd-analyze security --offline=true --threshold=30 "$units/$unit.service"
        [ "$status" -eq 0 ]
    done
    rm -r "$units"
}

@test "alerts are well-formed and fire at their thresholds; the dashboard asks for metrics there are" {
    python3 - "$TOP" <<'PYTHON'
import json, re, subprocess, sys
top = sys.argv[1]
source = open(top + "/libcommon/session/engine_metrics.c").read() + open(top + "/bin/rdb-serve/monitor.c").read()
known = {"rustydb_" + name for name in re.findall(r'NAME\("(\w+)"\)', source)} | set(re.findall(r'"(rustydb_\w+)"', source))
texts = open(top + "/packaging/grafana/rustydb.json").read() + open(top + "/packaging/prometheus/rustydb.rules.yml").read()
json.loads(open(top + "/packaging/grafana/rustydb.json").read())
for name in set(re.findall(r"rustydb_\w+", texts)) - {"rustydb_up"}:
    assert re.sub(r"_bucket$", "", name) in known, name
PYTHON
    promtool=$(command -v promtool || true)
    if [ -z "$promtool" ]; then # unpacked, not installed
        mkdir -p "$TOP/build/prometheus"
        [ -x "$TOP/build/prometheus/usr/bin/promtool" ] ||
            (cd "$TOP/build/prometheus" && apt-get download -q prometheus >/dev/null 2>&1 && dpkg -x prometheus_*.deb . && rm -f prometheus_*.deb) || skip "no promtool"
        promtool=$TOP/build/prometheus/usr/bin/promtool
    fi
    cd "$TOP/packaging/prometheus"
    "$promtool" check rules rustydb.rules.yml
    "$promtool" check config prometheus.yml
    "$promtool" test rules rustydb.rules.test.yml
}

@test "make deb builds a package with programs, pages, units and what they need" {
    command -v dpkg-deb >/dev/null || skip "no dpkg"
    local output package root
    output=$(mktemp -d)
    package=$(cd "$TOP" && make -s deb DEB_OUTPUT="$output" | tail -1)
    [ -s "$package" ]
    root=$output/root
    dpkg-deb --extract "$package" "$root"
    [ -x "$root/usr/bin/rdb-serve" ] && [ -f "$root/lib/systemd/system/rustydb@.service" ] && [ -f "$root/usr/share/man/man1/rdb-serve.1.gz" ]
    "$root/usr/bin/rdb-serve" --version
    dpkg-deb --field "$package" Depends | grep -q libssl
    ! dpkg-deb --contents "$package" | grep -q /home/
    rm -r "$output"
}
