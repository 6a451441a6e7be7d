# Checks without a machine: the module refuses what is wrong and says why, and the Nix files are tidy.
{
  self,
  pkgs,
  lib,
}:
let
  source = lib.fileset.toSource {
    root = ../..;
    fileset = lib.fileset.unions [
      ../../flake.nix
      ../../nixos
    ];
  };
  lint =
    name: tool: text:
    pkgs.runCommand "mycelial-${name}" { nativeBuildInputs = [ tool ]; } ''
      cd ${source}
      ${text}
      touch $out
    '';
in
{
  nix-format = lint "nix-format" pkgs.nixfmt ''
    find . -name '*.nix' ! -path './nixos/checks/nixpkgs/*' -exec nixfmt --check {} +
  '';
  nix-statix = lint "nix-statix" pkgs.statix "statix check --ignore nixos/checks/nixpkgs -- .";
  nix-deadnix = lint "nix-deadnix" pkgs.deadnix "deadnix --fail --exclude nixos/checks/nixpkgs -- .";
  module = import ./module.nix { inherit self pkgs lib; };
}
