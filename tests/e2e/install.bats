#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load helper

@test "install: programs, pages with their options, completions of three shells" {
    target=$BATS_TEST_TMPDIR/target
    run -0 make -s -C "$TOP" install PREFIX=/usr DESTDIR="$target" MAKEFLAGS=
    for program in $(basename -a "$TOP"/bin/*); do
        [ -x "$target/usr/bin/$program" ]
        page=$target/usr/share/man/man1/$program.1
        grep -q 'home' "$page" && grep -q 'EXIT STATUS' "$page"
        ! grep -q 'the installed page' "$page"
        [ -s "$target/usr/share/zsh/site-functions/_$program" ] && [ -s "$target/usr/share/fish/vendor_completions.d/$program.fish" ]
        bash -n "$target/usr/share/bash-completion/completions/$program"
    done
}

@test "install: the bash loader completes options" {
    run -0 bash -c "source '$TOP/completions/rdb.bash'; complete -p rdb-serve rdb-init rdb-cli rdb-backup rdb-restore rdb-vacuum rdb-audit rdb-diag"
    [ "${#lines[@]}" -eq 8 ]
}

# Loads the installed file in the shell itself and asks what follows a word.
@test "install: zsh and fish complete options in earnest" {
    target=$BATS_TEST_TMPDIR/target
    run -0 make -s -C "$TOP" install PREFIX=/usr DESTDIR="$target" MAKEFLAGS=
    run -0 env HOME="$BATS_TEST_TMPDIR" PATH="$target/usr/bin:$PATH" XDG_DATA_HOME="$BATS_TEST_TMPDIR" fish --no-config -c "
        source $target/usr/share/fish/vendor_completions.d/rdb-cli.fish; complete -C 'rdb-cli --tup'; complete -C 'rdb-cli --output '"
    echo "$output"
    [[ "$output" == *"--tuples-only"* && "$output" == *unaligned* ]]
    cat >"$BATS_TEST_TMPDIR/.zshrc" <<ZSH
fpath=($target/usr/share/zsh/site-functions \$fpath)
path=($target/usr/bin \$path)
autoload -Uz compinit && compinit -u -d $BATS_TEST_TMPDIR/dump
ZSH
    run env HOME="$BATS_TEST_TMPDIR" ZDOTDIR="$BATS_TEST_TMPDIR" TERM=xterm timeout 500 script -qc "zsh -i" /dev/null \
        < <(sleep 1; printf 'rdb-serve --max-c\t'; sleep 1; printf ' 7 --che\t --home /nowhere\n'; sleep 1; printf 'exit\n'; sleep 0.5)
    echo "$output"
    [[ "$output" == *"--max-connections"* && "$output" == *"--check-config"* ]]
}
