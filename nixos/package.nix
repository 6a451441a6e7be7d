# The package: the C core against nixpkgs' libfuse, the commands, the mount helpers, man pages, completions and the plain
# unit files.
{
  lib,
  python3Packages,
  fuse3,
  buildPackages,
  pkg-config,
}:
let
  inherit (builtins.fromTOML (builtins.readFile ../pyproject.toml)) project;
  # Makes the man pages and completions out of the programs' help, on the machine that builds.
  builder = buildPackages.python3.withPackages (
    packages: with packages; [
      click
      networkx
      pathspec
      sqlite-utils
    ]
  );
in
python3Packages.buildPythonApplication {
  pname = "mycelial";
  inherit (project) version;
  pyproject = true;
  src = lib.fileset.toSource {
    root = ../.;
    fileset = lib.fileset.unions [
      ../docs
      ../install
      ../mycelial
      ../pyproject.toml
      ../setup.py
      ../tests
      ../CHANGELOG.md
      ../LICENSE
      ../README.md
    ];
  };

  build-system = [ python3Packages.setuptools ];
  nativeBuildInputs = [ pkg-config ];
  buildInputs = [ fuse3 ];
  dependencies = with python3Packages; [
    click
    networkx
    pathspec
    pyfuse3
    sqlite-utils
    trio
  ];

  # The same files that `make install` puts in place on other systems.
  postInstall = ''
    PYTHON=${builder}/bin/python bash install/files "$out" "" "$out/bin"
    for helper in mount.fuse.mycelial mount.mycelial umount.fuse.mycelial umount.mycelial; do
      test -x "$out/bin/$helper"
    done
  '';

  # The build sandbox has no /dev/fuse: what mounts is tested by `make test` and by the VM tests. test_cli_process runs
  # the command with an environment of its own, without the packages that Nix keeps apart.
  nativeCheckInputs = with python3Packages; [
    hypothesis
    pytestCheckHook
  ];
  enabledTestPaths = [
    "tests/unit"
    "tests/property/test_derivation_laws.py"
  ];
  disabledTestPaths = [ "tests/unit/test_cli_process.py" ];
  pythonImportsCheck = [
    "mycelial.cli.main"
    "mycelial.mount.filesystem"
  ];

  meta = {
    inherit (project) description;
    license = lib.licenses.mit;
    mainProgram = "mycelial-mount";
    platforms = lib.platforms.linux;
  };
}
