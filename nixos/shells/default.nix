# The development shell: all that `make mount`, `make test`, `make bench` and the checks of the Nix files need. They find
# IN_NIX_SHELL set and take Python's packages from here instead of installing the pinned ones.
{
  mkShell,
  python3,
  acl,
  attr,
  bindfs,
  deadnix,
  fuse3,
  git,
  nixfmt,
  pkg-config,
  ruff,
  statix,
  strace,
}:
mkShell {
  packages = [
    (python3.withPackages (
      packages: with packages; [
        click
        hypothesis
        mypy
        networkx
        pathspec
        pip
        pyfuse3
        pytest
        setuptools
        sqlite-utils
        trio
      ]
    ))
    acl
    attr
    bindfs
    deadnix
    fuse3
    git
    nixfmt
    pkg-config
    ruff
    statix
    strace
  ];

  # Only the system's own fusermount3 is setuid: without it an ordinary user cannot mount.
  shellHook = ''
    for folder in /run/wrappers/bin /usr/bin; do
      if [ -u "$folder/fusermount3" ]; then
        mkdir -p .cache/bin
        ln -sf "$folder/fusermount3" .cache/bin/fusermount3
        PATH=$PWD/.cache/bin:$PATH
        break
      fi
    done
  '';
}
