# What `nix run` starts: the commands, and scripts that take the working directory for a checkout.
{
  lib,
  pkgs,
  mycelial,
  machine,
}:
let
  app = program: description: {
    type = "app";
    inherit program;
    meta = { inherit description; };
  };
  command = name: app "${mycelial}/bin/${name}";
  script =
    name: description: runtimeInputs: text:
    app (lib.getExe (pkgs.writeShellApplication { inherit name runtimeInputs text; })) description;
in
rec {
  default = mycelial-mount;
  mycelial-mount = command "mycelial-mount" "Mount a directory through Mycelial";
  mycelial = command "mycelial" "Ask which files belong together";

  bench = script "mycelial-bench" "What the mount costs, in a checkout" [ pkgs.nix ] ''
    exec nix develop --command make bench "$@"
  '';
  vm = app "${machine.config.system.build.vm}/bin/run-mycelial-vm" "A virtual machine to try it in";
  release-check =
    script "mycelial-release-check" "Whether a checkout can be released"
      [
        pkgs.git
        pkgs.gnugrep
        pkgs.gnused
        pkgs.nix
      ]
      ''
        version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
        grep -q "^__version__ = \"$version\"" mycelial/__init__.py || { echo "mycelial/__init__.py has another version than $version" >&2; exit 1; }
        grep -q "^## $version" CHANGELOG.md || { echo "CHANGELOG.md does not know $version" >&2; exit 1; }
        [[ -z $(git status --porcelain) ]] || { echo "there are changes that are not committed" >&2; exit 1; }
        nix flake check --print-build-logs
        nix build --no-link .#oci .#mycelial-aarch64 .#mycelial-riscv64
        echo "$version can be released"
      '';
}
