{
  description = "A FUSE filesystem that notices which files belong together";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs =
    { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;
      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      forEach = make: lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});
      program = system: name: description: {
        type = "app";
        program = "${self.packages.${system}.default}/bin/${name}";
        meta = { inherit description; };
      };
    in
    {
      packages = forEach (pkgs: rec {
        mycelial = pkgs.callPackage ./nixos/package.nix { };
        default = mycelial;
      });

      apps = lib.genAttrs systems (system: rec {
        mycelial = program system "mycelial" "Ask which files belong together";
        mycelial-mount = program system "mycelial-mount" "Mount a directory through Mycelial";
        default = mycelial;
      });

      devShells = forEach (pkgs: {
        default = pkgs.callPackage ./nixos/shell.nix { };
      });

      checks = lib.genAttrs systems (system: {
        package = self.packages.${system}.default;
      });

      overlays.default = final: _: { mycelial = final.callPackage ./nixos/package.nix { }; };

      formatter = forEach (pkgs: pkgs.nixfmt-tree or pkgs.nixfmt-rfc-style);
    };
}
