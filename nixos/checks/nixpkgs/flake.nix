# Stands in for nixpkgs where none can be had: enough of `lib`, a module system, NixOS' systemd options and a set of
# dummy packages to evaluate our flake. It is strict: a package, an argument of a builder or an option that is not
# listed here does not exist. What is added must exist in the real nixpkgs under that name.
{
  outputs = { self }:
    let
      lib = import ./lib.nix;
      pkgsFor = system: import ./pkgs.nix { inherit lib system; overlays = [ ]; };
    in
    {
      lib = lib // {
        nixosSystem = args: import ./nixos.nix { lib = self.lib; pkgs = pkgsFor "x86_64-linux"; } args;
      };
      legacyPackages = lib.genAttrs [ "x86_64-linux" "aarch64-linux" ] pkgsFor;
    };
}
