#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load helper

@test "install: programs, pages with their options, completions of three shells" {
    target=$BATS_TEST_TMPDIR/target
    run -0 make -s -C "$TOP" install PREFIX=/usr DESTDIR="$target" MAKEFLAGS=
    for program in rdb-cli rdb-init rdb-serve; do
        [ -x "$target/usr/bin/$program" ]
        page=$target/usr/share/man/man1/$program.1
        grep -q 'home' "$page" && grep -q 'EXIT STATUS' "$page"
        ! grep -q 'the installed page' "$page"
        [ -s "$target/usr/share/zsh/site-functions/_$program" ] && [ -s "$target/usr/share/fish/vendor_completions.d/$program.fish" ]
        bash -n "$target/usr/share/bash-completion/completions/$program"
    done
}

@test "install: the bash loader completes options" {
    run -0 bash -c "source '$TOP/completions/rdb.bash'; complete -p rdb-serve rdb-init rdb-cli"
    [ "${#lines[@]}" -eq 3 ]
}
