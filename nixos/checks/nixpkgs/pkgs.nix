# A package set in which every package is a dummy with a store path and the builders check their arguments.
{ lib, system, overlays, cross ? null }:
let
  names = import ./names.nix;
  platform = {
    inherit system; config = system; parsed = { };
    isLinux = true; isDarwin = false; isx86_64 = system == "x86_64-linux"; isAarch64 = system == "aarch64-linux"; isx86 = system == "x86_64-linux"; isAarch = system == "aarch64-linux";
  };
  host = if cross == null then platform else platform // { system = cross; isx86_64 = cross == "x86_64-linux"; isAarch64 = cross == "aarch64-linux"; };
  suffix = if cross == null then "" else "-${cross}";
  make = name: extra:
    let
      inputs = lib.concatMap (a: extra.${a} or [ ]) [ "buildInputs" "nativeBuildInputs" "dependencies" "build-system" "nativeCheckInputs" "packages" "inputsFrom" "contents" "paths" "propagatedBuildInputs" ];
      bad = lib.filter (i: !(lib.isDerivation i || lib.isStringLike i)) (lib.flatten inputs);
      drv = builtins.derivation {
        name = name + suffix; inherit system; builder = "/bin/sh"; args = [ "-c" "echo dummy > $out" ];
        inputs = if bad != [ ] then throw "${name}: an input is no package" else map toString (lib.flatten inputs);
        src = toString (extra.src or "");
      };
      self = drv // rec { outputs = [ "out" "bin" "dev" "lib" "man" ]; out = self; bin = self; dev = self; lib = self; man = self; passthru = { }; } // extra.passthru or { } // {
        pname = extra.pname or name; version = extra.version or "0"; meta = { mainProgram = extra.pname or name; } // extra.meta or { };
        overrideAttrs = f: make name (extra // (if lib.isFunction f then (if lib.isFunction (f extra) then f extra extra else f extra) else f));
        overridePythonAttrs = f: make name (extra // f extra);
        args = extra;
      };
    in self;
  checkPython = kind: a0:
    let
      a = if lib.isFunction a0 then lib.fix (self: a0 (self // { finalPackage = make "self" { }; })) else a0;
      known = [ "pname" "version" "name" "src" "pyproject" "format" "build-system" "dependencies" "optional-dependencies" "buildInputs" "nativeBuildInputs" "propagatedBuildInputs" "nativeCheckInputs" "checkInputs"
        "pythonImportsCheck" "disabledTests" "disabledTestPaths" "enabledTestPaths" "enabledTests" "pytestFlags" "pytestFlagsArray" "doCheck" "meta" "passthru" "env" "patches" "postPatch" "prePatch" "preBuild" "postBuild" "preCheck" "postCheck"
        "preInstall" "postInstall" "postFixup" "makeWrapperArgs" "outputs" "pythonRelaxDeps" "pythonRemoveDeps" "disabled" "preConfigure" "configureFlags" "dontUsePytestCheck" "strictDeps" "__structuredAttrs" "sourceRoot" "checkPhase" "installPhase" "buildPhase" "preFixup" "dontWrapPythonPrograms" "installCheckPhase" "doInstallCheck" "nativeInstallCheckInputs" ];
      unknown = lib.filter (n: !(lib.elem n known)) (lib.attrNames a);
    in
    if unknown != [ ] then throw "${kind}: unknown argument `${lib.head unknown}'"
    else if !(a ? pyproject || a ? format) then throw "${kind}: `pyproject = true' is missing"
    else if !(a ? src) then throw "${kind}: `src' is missing"
    else builtins.deepSeq (a.pythonImportsCheck or [ ]) (make "${a.pname}-${a.version}" a);

  inline = value:
    if lib.isAttrs value then "{ ${lib.concatStringsSep ", " (lib.mapAttrsToList (k: v: "${k} = ${inline v}") value)} }"
    else if lib.isList value then "[${lib.concatMapStringsSep ", " inline value}]"
    else builtins.toJSON value;

  base = final: lib.genAttrs names (n: make n { }) // rec {
    inherit lib system;
    dummy = n: make n { };
    path = toString ./.;
    stdenv = { inherit system; hostPlatform = host; buildPlatform = platform; targetPlatform = host; mkDerivation = a: make (a.name or "${a.pname}-${a.version}") (if lib.isFunction a then a { } else a); isLinux = true; cc = make "gcc" { }; };
    stdenvNoCC = stdenv;
    callPackage = lib.callPackageWith final;
    newScope = extra: lib.callPackageWith (final // extra);
    python3 = make "python3" { } // { pkgs = final.python3Packages; withPackages = f: make "python3-env" { packages = f final.python3Packages; }; interpreter = "/python3"; sitePackages = "lib/python3/site-packages"; pythonVersion = "3"; };
    python312 = python3; python313 = python3; python314 = python3; python311 = python3;
    python3Packages = lib.genAttrs (import ./python-names.nix) (n: make "python3-${n}" { }) // {
      inherit python3; python = python3; callPackage = lib.callPackageWith (final // final.python3Packages);
      buildPythonPackage = checkPython "buildPythonPackage"; buildPythonApplication = checkPython "buildPythonApplication";
      toPythonApplication = x: x; toPythonModule = x: x; pythonOlder = _: false; pythonAtLeast = _: true;
    };
    python312Packages = python3Packages; python313Packages = python3Packages; python314Packages = python3Packages;
    runtimeShell = "${final.bash}/bin/bash";
    runCommand = n: env: text: builtins.seq (toString text) (make n env);
    runCommandLocal = runCommand;
    writeText = n: text: builtins.seq (toString text) (make n { passthru = { inherit text; }; });
    writeScript = writeText; writeShellScript = writeText;
    writeShellScriptBin = n: text: builtins.seq (toString text) (make n { });
    writeShellApplication = { name, text, runtimeInputs ? [ ], ... }: builtins.seq (toString text) (make name { packages = runtimeInputs; });
    writeTextFile = { name, text, ... }: writeText name text;
    symlinkJoin = a: make a.name a; buildEnv = a: make a.name a; linkFarm = n: _: make n { };
    mkShell = a: make (a.name or "nix-shell") a; mkShellNoCC = mkShell;
    dockerTools = lib.genAttrs [ "buildImage" "buildLayeredImage" "streamLayeredImage" ] (_: a: builtins.deepSeq (builtins.toJSON (a.config or { })) (make a.name (removeAttrs a [ "config" ] // { passthru.imageTag = a.tag; }))) // { binSh = make "bin-sh" { }; caCertificates = make "ca" { }; usrBinEnv = make "env" { }; fakeNss = make "nss" { }; };
    testers = {
      runNixOSTest = t0:
        let
          t = if lib.isFunction t0 then t0 (builtins.intersectAttrs (lib.functionArgs t0) { pkgs = final; inherit lib; config = t; hostPkgs = final; }) else if builtins.isPath t0 then import t0 else t0;
          nodes = lib.mapAttrs (name: m: (import ./nixos.nix { inherit lib; pkgs = final; } { modules = [ m (t.defaults or { }) { networking.hostName = name; } ]; }).config) (t.nodes or { });
          script = if lib.isFunction t.testScript then t.testScript { inherit nodes; } else t.testScript;
        in
        make "vm-test-run-${t.name}" { src = builtins.deepSeq (lib.mapAttrs (_: n: toString n.system.build.toplevel) nodes) script; }
        // { inherit nodes; config = { testScriptString = script; }; };
      nixosTest = testers.runNixOSTest;
    };
    nixosTest = testers.runNixOSTest;
    extend = o: import ./pkgs.nix { inherit lib system cross; overlays = overlays ++ [ o ]; };
    appendOverlays = os: import ./pkgs.nix { inherit lib system cross; overlays = overlays ++ os; };
    pkgsCross = {
      aarch64-multiplatform = import ./pkgs.nix { inherit lib system overlays; cross = "aarch64-linux"; };
      riscv64 = import ./pkgs.nix { inherit lib system overlays; cross = "riscv64-linux"; };
    };
    formats.toml = _: {
      type = lib.types.attrsOf lib.types.anything;
      # A real file, as programs that are really run read it.
      generate = name: value: builtins.toFile name (lib.concatStrings (lib.mapAttrsToList (key: one: "${key} = ${inline one}\n") value));
    };
    fuse3 = make "fuse3" { version = "3.17.4"; };
    buildPackages = final; pkgsBuildHost = final; pkgsBuildBuild = final; pkgs = final; hostPlatform = host;
  };
in
lib.fix (final: lib.foldl' (prev: o: prev // o final prev) (base final) overlays)
