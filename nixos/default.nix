# The outputs of the flake; what each of them is stands in a file of its own.
{
  self,
  nixpkgs,
  nixpkgs-unstable,
}:
let
  inherit (nixpkgs) lib;
  systems = [
    "x86_64-linux"
    "aarch64-linux"
  ];
  forEach = make: lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});
  machine =
    system: modules:
    lib.nixosSystem {
      specialArgs.pkgs-unstable = nixpkgs-unstable.legacyPackages.${system};
      modules = [
        { nixpkgs.hostPlatform = system; }
        self.nixosModules.default
      ]
      ++ modules;
    };
  vm = system: machine system [ ./machines/vm.nix ];
in
{
  packages = forEach (
    pkgs:
    let
      mycelial = pkgs.callPackage ./package.nix { };
    in
    {
      inherit mycelial;
      default = mycelial;
      oci = pkgs.callPackage ./oci.nix { inherit mycelial; };
      mycelial-aarch64 = pkgs.pkgsCross.aarch64-multiplatform.callPackage ./package.nix { };
      mycelial-riscv64 = pkgs.pkgsCross.riscv64.callPackage ./package.nix { };
    }
  );

  overlays.default = final: _: { mycelial-fs = final.callPackage ./package.nix { }; };

  nixosModules.default = ./modules/nixos.nix;
  homeModules.default = ./modules/home.nix;

  nixosConfigurations = {
    demo = machine "x86_64-linux" [ ./machines/demo.nix ];
    vm = vm "x86_64-linux";
  };

  apps = forEach (
    pkgs:
    import ./apps.nix {
      inherit lib pkgs;
      mycelial = self.packages.${pkgs.stdenv.hostPlatform.system}.default;
      machine = vm pkgs.stdenv.hostPlatform.system;
    }
  );

  devShells = forEach (pkgs: {
    default = pkgs.callPackage ./shells/default.nix { };
    filesystem = pkgs.callPackage ./shells/filesystem.nix { };
    profiling = pkgs.callPackage ./shells/profiling.nix { };
  });

  checks = forEach (
    pkgs:
    {
      package = self.packages.${pkgs.stdenv.hostPlatform.system}.default;
    }
    // import ./checks { inherit self pkgs lib; }
    // import ./tests { inherit self pkgs lib; }
  );

  formatter = forEach (pkgs: pkgs.nixfmt-tree or pkgs.nixfmt);

  # The list of options in docs/nixos.md.
  lib.optionsDocument = import ./modules/document.nix { inherit lib; };
}
