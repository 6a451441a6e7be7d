# For work on the filesystem itself: tools to watch requests and to compare with.
{
  mkShell,
  callPackage,
  writeShellApplication,
  bindfs,
  bpftrace,
  fio,
  ltrace,
}:
mkShell {
  inputsFrom = [ (callPackage ./default.nix { }) ];
  packages = [
    bindfs
    bpftrace
    fio
    ltrace
    (writeShellApplication {
      name = "mount-mycelial";
      text = ''
        # mount-mycelial SOURCE MOUNTPOINT [WORD...]: mounts from this checkout and stays in the foreground, with debugging
        scripts/environment dev
        set -x
        exec .venv/bin/mycelial-mount -d "''${@:3}" "$1" "$2"
      '';
    })
  ];
}
