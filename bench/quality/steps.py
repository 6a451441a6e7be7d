"""What scripts are put together of, and what each step makes of which files.

In a step's text `{a}`, `{b}` and `{c}` are files that are there, `{x}`, `{y}` and `{z}` new ones, `{p}` one
that an earlier step made, `{t}` and `{u}` names that are gone after it, `{g}` a pattern for several files,
`{v}` a new variable and `{w}` one that holds what was captured before.  What is made stands behind it:
`x: a b` says that x is made of a and b, `p + a` that a is added to it, `x: a ?b` that b only had a say (how
many lines, which of them): whether that makes it a source is left open.  `x*: a` is used by no
later step; `p -> x` moves it; `$v: a` captures; `log + a` goes to the script's own output.
"""

from __future__ import annotations

from typing import NamedTuple


class Step(NamedTuple):
    """One kind of step: its text, what it makes, and whether it needs more than a POSIX shell."""

    text: str
    made: str
    shells: tuple[str, ...] = ("sh", "dash", "bash", "zsh")


_RICH = ("bash", "zsh")
_BASH = ("bash",)

STEPS = (
    # redirected commands, pipelines
    Step("sort {a} > {x}", "x: a"),
    Step("tr a-z A-Z < {a} > {x}", "x: a"),
    Step("< {a} wc -l > {x}", "x: a"),
    Step("head -n 3 {a} > {x}; tail -n 2 {b} > {y}", "x: a; y: b"),
    Step("sort {a} | uniq > {x}", "x: a"),
    Step("cat {a} {b} | grep -v zzz | sort > {x}", "x: a b"),
    Step("cat {a} | tr a-z A-Z | sort -r | head -n 4 > {x}", "x: a"),
    Step("< {a} grep . | sed s/a/b/ > {x}", "x: a"),
    Step("cut -d' ' -f2 {a} | paste - {b} > {x}", "x: a b"),
    Step("cat {a} - < {b} > {x}", "x: a b"),
    Step("cat {a}; sort {b} > {x}", "log + a; x: b"),
    Step("sort {a} | head -n 2", "log + a"),
    Step("sort {a} 2>&1 > {x}", "x: a"),
    Step(": > {x}; echo begun >> {x}", "x:"),
    # loops
    Step('while read -r l; do echo "$l"; done < {a} > {x}', "x: a"),
    Step('while read -r l; do echo "$l" >> {x}; done < {a}', "x: a"),
    Step('grep . {a} | while read -r l; do echo "<$l>"; done > {x}', "x: a"),
    Step('while read -r l; do grep -c "$l" {b}; done < {a} > {x}', "x: b ?a"),
    Step('while read -r l r; do echo "$l" >> {x}; echo "$r" >> {y}; done < {a}', "x: a; y: a"),
    Step('while read -r l; do echo "$l" | tr a-z A-Z; done < {a} > {x}', "x: a"),
    Step('while read -r l; do echo "$l"; done < {a}', "log + a"),
    Step('for f in {g}; do cat "$f"; done > {x}', "x: g"),
    Step("for f in {a} {b}; do sort $f > $f.srt; done", "a.srt: a; b.srt: b"),
    Step("for f in {a} {b}; do grep . $f | sort | uniq > $f.cnt; done", "a.cnt: a; b.cnt: b"),
    Step("for i in 1 2 3; do head -n $i {a} >> {x}; done; sort {b} >> {x}", "x: a b"),
    # several outputs, programs that run others
    Step("sort {a} | tee {x} > {y}", "x: a; y: a"),
    Step("cat {a} {b} | tee {x} {y} | wc -l > {z}", "x: a b; y: a b; z: a b"),
    Step("head -n 2 {a} | tee -a {p} > {x}", "p + a; x: a"),
    Step("printf '%s\\n' {a} {b} | xargs -I@ cat @ > {x}", "x: a b"),
    Step('echo {a} {b} | xargs -n1 sh -c \'sort "$0" > "$0.o"\'', "a.o: a; b.o: b"),
    Step("printf '%s\\n' {a} {b} > {x}; xargs cat < {x} > {y}", "x:; y: a b ?x"),
    Step("find {a} {b} -exec cat '{{}}' + > {x}", "x: a b"),
    Step("env LC_ALL=C sort {a} > {x}", "x: a"),
    Step("timeout 9 sort {a} > {x}; nice -n 1 cat {b} > {y}", "x: a; y: b"),
    Step("cat {a} | timeout 9 env A=1 sort > {x}", "x: a"),
    Step("nohup sort {a} > {x} 2> {y}", "x: a; y*:"),
    Step("sh -c 'sort {a} | uniq' > {x}", "x: a"),
    # groups, what is added, descriptors
    Step("(cat {a}; sort {b}) > {x}", "x: a b"),
    Step("{{ head -n 1 {a}; echo; tail -n 2 {b}; }} > {x}", "x: a b"),
    Step("{{ cat {a}; cat {b}; }} | sort > {x}", "x: a b"),
    Step("(cd . && cat {a} | sort) > {x}", "x: a"),
    Step("cat {a} >> {p}", "p + a"),
    Step("echo done >> {p}", "p +"),
    Step("head -n 1 {a} > {x}; sort {b} > {y}; tail -n 1 {c} >> {x}", "x: a c; y: b"),
    Step("exec 3> {x}; cat {a} >&3; sort {b} >&3; exec 3>&-", "x: a b"),
    Step("exec 4< {a}; cat <&4 > {x}; exec 4<&-", "x: a"),
    Step('exec 4< {a}; read -r l <&4; exec 4<&-; echo "$l" > {x}', "x: a"),
    Step("(exec < {a}; sort > {x})", "x: a"),
    Step("{{ cat {a} >&3; }} 3> {x}", "x: a"),
    # what is captured
    Step("cat > {x} <<EOF\nat $(head -n 1 {a})\nEOF", "x: a"),
    Step("cat > {x} <<'EOF'\nplain\nEOF", "x:"),
    Step("sort - {b} > {x} <<EOF\n$(cat {a})\nEOF", "x: a b"),
    Step('{v}=$(cat {a}); echo "${v}" > {x}', "x: a"),
    Step("{v}=$(cat {a})", "$v: a"),
    Step("{v}=$(sort {a} | head -n 2)", "$v: a"),
    Step('echo "${w}" > {x}', "x: w"),
    Step('printf "%s\\n" "${w}" | sort > {x}', "x: w"),
    Step('echo "${w}" >> {p}', "p + w"),
    Step('{v}=$(head -n 1 {a}); echo "${v}"', "log + a"),
    Step('{v}=$(head -n 1 {a}); sort {b} > {x}; echo "${v}" > {y}', "x: b; y: a"),
    Step('{v}=$(cat {a}); sort {b} > {x}; echo "${v}" > {y}; echo end > {z}', "x: b; y: a; z:"),
    Step("{v}=$(wc -l < {a}); head -n ${v} {b} > {x}", "x: b ?a"),
    Step("{v}=$(wc -l < {a}); head -n ${v} {b} > {x}; echo end > {y}", "x: b ?a; y:"),
    Step('read -r l < {a}; echo "$l" > {x}', "x: a"),
    Step("read -r l < {a}; sort {b} > {x}", "x: b"),
    Step("echo $(cat {a}) > {x}", "x: a"),
    Step('printf "%s-%s\\n" "$(head -n 1 {a})" "$(tail -n 1 {b})" > {x}', "x: a b"),
    Step('grep -v "$(head -n 1 {a})" {b} > {x}', "x*: b ?a"),
    Step('echo "$(sort $(echo {a}))" > {x}', "x: a"),
    Step("echo {a} > {t}; sort $(cat {t}) > {x}; rm {t}", "x: a"),
    Step('f() {{ cat "$1"; }}; {v}=$(f {a}); echo "${v}" > {x}', "x: a"),
    Step('if [ "$(head -n 1 {a})" != z ]; then sort {b} > {x}; fi', "x: b ?a"),
    Step("grep -q . {a} && echo yes > {x}", "x: ?a; log + ?a"),
    Step('case "$(wc -l < {a})" in *) cat {b} > {x} ;; esac', "x: b ?a"),
    Step("if cmp -s {a} {b}; then echo same; else echo differ; fi > {x}", "x: ?a ?b"),
    # jobs, functions, eval
    Step("sort {a} > {x} & cat {b} > {y} & wait", "x: a; y: b"),
    Step("(cat {a} | sort > {x}) & wait", "x: a"),
    Step('f() {{ sort "$1" | uniq; }}; f {a} > {x}', "x: a"),
    Step('eval "sort {a} > {x}"', "x: a"),
    Step("eval 'l=$(cat {a}); echo \"$l\"' > {x}", "x: a"),
    # programs with ways of their own
    Step("sort -o {x} {a}", "x: a"),
    Step("sort -o {p} {p}", "p +"),
    Step("sed -i s/a/b/ {p}", "p +"),
    Step("sed -n '/./w {x}' {a}", "x: a"),
    Step("cp {a} {x}; sed -i s/a/b/ {x}", "x: a"),
    Step('awk \'{{ print $1 > "{x}"; print $2 > "{y}" }}\' {a} {b}', "x: a b; y: a b"),
    Step("awk 'NR == FNR {{ n[$1] = $2; next }} {{ print $0, n[$1] }}' {a} {b} > {x}", "x: a b"),
    Step("join {a} {b} > {x}; comm {a} {b} 2> /dev/null > {y}", "x*: a b; y: a b"),
    Step("diff {a} {b} > {x}", "x: a b"),
    Step("cp {a} {x}; cat {b} >> {x}", "x: a b"),
    Step("mv {p} {x}", "p -> x"),
    Step("ln -s {a} {t}; cat {t} > {x}; rm {t}", "x: a"),
    Step("tar -cf {x} {a} {b}", "x*: a b"),
    Step("tar -cf - {a} {b} | gzip > {x}", "x*: a b"),
    Step("gzip -c {a} > {x}; gzip -dc {x} | sort > {y}", "x*: a; y: x"),
    Step("dd if={a} of={x} 2> /dev/null", "x: a"),
    Step("perl -pe 's/a/b/' {a} > {x}", "x: a"),
    Step("split -l 3 {a} {x}", "x+aa*: a; x+ab*: a"),
    Step("sort {a} > {t}; uniq {t} > {x}; rm {t}", "x: a"),
    Step("sort {a} > {t}; cat {b} > {u}; paste {t} {u} > {x}; rm {t} {u}", "x: a b"),
    Step('t=$(mktemp); sort {a} > "$t"; uniq "$t" > {x}; rm "$t"', "x: a"),
    # what not every shell has
    Step("diff <(sort {a}) <(sort {b}) > {x}", "x: a b", _RICH),
    Step("paste <(cut -d' ' -f1 {a}) {b} > {x}", "x: a b", _RICH),
    Step('while read -r l; do echo "$l"; done < <(sort {a}) > {x}', "x: a", _RICH),
    Step("sort {a} | tee >(grep . > {x}) > {y}; sleep .1", "x*: a; y: a", _RICH),
    Step("sort {a} > >(tr a-z A-Z > {x}); sleep .1", "x*: a", _RICH),
    Step('sort <<< "$(cat {a})" > {x}', "x: a", _RICH),
    Step("sort {a} |& cat > {x}", "x: a", _RICH),
    Step('mapfile -t l < {a}; printf "%s\\n" "${{l[@]}}" > {x}', "x: a", _BASH),
    Step('read -r l <<< "$(head -n 1 {a})"; echo "$l" > {x}', "x: a", _RICH),
    Step('{v}=$(<{a}); echo "${v}" > {x}', "x: a", _RICH),
    Step("cat {a} &>> {p}", "p + a", _RICH),
    Step(
        'coproc tr a-z A-Z; exec 7<&"${{COPROC[0]}}"; cat {a} >&"${{COPROC[1]}}"; '
        'eval "exec ${{COPROC[1]}}>&-"; cat <&7 > {x}; exec 7<&-; wait',
        "x: a",
        _BASH,
    ),
)
