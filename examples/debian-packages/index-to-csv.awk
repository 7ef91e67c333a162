# Turns apt's package index into two CSV files: -v packages=FILE -v dependencies=FILE.
function quote(text) { gsub(/"/, "\"\"", text); return "\"" text "\"" }
function depend(kind, text,    parts, count, i, names, target) {
    count = split(text, parts, /, */)
    for (i = 1; i <= count; i++) {
        split(parts[i], names, / *\| */)          # of alternatives, the first
        target = names[1]
        sub(/[ (:].*/, "", target)
        if (target != "" && !((name, kind, target) in seen)) {
            seen[name, kind, target] = 1
            print name "," kind "," target > dependencies
        }
    }
}
function finish() {
    if (name != "" && !(name in done)) {
        done[name] = 1
        print name "," quote(version) "," section "," priority "," (installed == "" ? "" : installed) "," (size == "" ? 0 : size) "," \
            quote(maintainer) "," quote(summary) > packages
        if (pre != "") depend("pre-depends", pre)
        if (deps != "") depend("depends", deps)
        if (recommends != "") depend("recommends", recommends)
        if (suggests != "") depend("suggests", suggests)
    }
    name = version = section = priority = installed = size = maintainer = summary = pre = deps = recommends = suggests = ""
}
function value() { return substr($0, index($0, ": ") + 2) }
/^$/ { finish() }
/^Package: / { name = value() }
/^Version: / { version = value() }
/^Section: / { section = value() }
/^Priority: / { priority = value() }
/^Installed-Size: / { installed = value() }
/^Size: / { size = value() }
/^Maintainer: / { maintainer = value() }
/^Description: / { summary = value() }
/^Pre-Depends: / { pre = value() }
/^Depends: / { deps = value() }
/^Recommends: / { recommends = value() }
/^Suggests: / { suggests = value() }
END { finish() }
