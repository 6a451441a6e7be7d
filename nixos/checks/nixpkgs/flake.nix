# Stands in for nixpkgs where none can be had: just enough of it to evaluate our flake, strict about what it is given.
# Every package is a dummy derivation; a name that is not listed here does not exist, and neither does an argument of
# buildPythonApplication. What is added here must exist in the real nixpkgs under that name.
{
  outputs =
    { self }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      lib = rec {
        genAttrs =
          names: make:
          builtins.listToAttrs (
            map (name: {
              inherit name;
              value = make name;
            }) names
          );
        callPackageWith =
          scope: file: arguments:
          let
            function = import file;
          in
          function (builtins.intersectAttrs (builtins.functionArgs function) scope // arguments);
        cleanSource = path: path;
        licenses.mit = {
          spdxId = "MIT";
        };
        platforms.linux = systems;
      };

      packagesFor =
        system:
        let
          package =
            name: inputs: attributes:
            derivation {
              inherit name system;
              builder = "/bin/sh";
              args = [
                "-c"
                "echo dummy > $out"
              ];
              inputs = map toString inputs;
            }
            // attributes;
          dummies = names: lib.genAttrs names (name: package name [ ] { });

          applicationArguments = [
            "pname"
            "version"
            "pyproject"
            "src"
            "build-system"
            "nativeBuildInputs"
            "buildInputs"
            "dependencies"
            "nativeCheckInputs"
            "checkPhase"
            "pythonImportsCheck"
            "meta"
          ];
          buildPythonApplication =
            arguments:
            let
              unknown = builtins.attrNames (removeAttrs arguments applicationArguments);
              inputs = builtins.concatMap (kind: arguments.${kind} or [ ]) [
                "build-system"
                "nativeBuildInputs"
                "buildInputs"
                "dependencies"
                "nativeCheckInputs"
              ];
            in
            if unknown != [ ] then
              throw "buildPythonApplication: unknown argument ${builtins.head unknown}"
            else
              builtins.deepSeq arguments.meta package "${arguments.pname}-${arguments.version}" inputs {
                inherit (arguments) meta;
              };

          python3Packages =
            dummies [
              "click"
              "hypothesis"
              "mypy"
              "networkx"
              "pathspec"
              "pip"
              "pyfuse3"
              "pytest"
              "setuptools"
              "sqlite-utils"
              "trio"
            ]
            // {
              inherit buildPythonApplication;
            };

          scope =
            dummies [
              "acl"
              "attr"
              "bindfs"
              "fuse3"
              "git"
              "nixfmt-tree"
              "pkg-config"
              "ruff"
              "strace"
            ]
            // {
              inherit lib python3Packages;
              python3 = package "python3" [ ] {
                withPackages = choose: package "python3-env" (choose python3Packages) { };
              };
              mkShell = arguments: package "shell" arguments.packages { };
              callPackage = lib.callPackageWith scope;
            };
        in
        scope;
    in
    {
      inherit lib;
      legacyPackages = lib.genAttrs systems packagesFor;
    };
}
