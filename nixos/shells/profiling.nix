# For finding out where time and memory go. Each command prints what it does.
{
  mkShell,
  callPackage,
  writeShellApplication,
  flamegraph,
  heaptrack,
  hyperfine,
  perf,
  py-spy,
}:
let
  command =
    name: text:
    writeShellApplication {
      inherit name;
      text = ''
        pid=''${1:-$(pgrep --newest --full mycelial-mount)}
        set -x
        ${text}
      '';
    };
in
mkShell {
  inputsFrom = [ (callPackage ./default.nix { }) ];
  packages = [
    flamegraph
    heaptrack
    hyperfine
    perf
    py-spy
    (command "flame-python" "exec py-spy record --native --duration 20 --output flame-python.svg --pid \"$pid\"")
    (command "flame-kernel" ''
      perf record --freq 499 --call-graph dwarf --pid "$pid" --output flame-kernel.data -- sleep 20
      perf script --input flame-kernel.data | stackcollapse-perf.pl | flamegraph.pl >flame-kernel.svg
    '')
    (command "memory" "exec heaptrack --pid \"$pid\"")
    (writeShellApplication {
      name = "compare-listing";
      text = ''
        # compare-listing SOURCE MOUNTPOINT: the same `ls -lR` below and through the mount
        set -x
        exec hyperfine --warmup 2 "ls -lR ''${1@Q}" "ls -lR ''${2@Q}"
      '';
    })
  ];
}
