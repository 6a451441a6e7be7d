# The package: the C core against nixpkgs' libfuse.
{
  lib,
  python3Packages,
  fuse3,
  pkg-config,
}:
let
  inherit (builtins.fromTOML (builtins.readFile ../pyproject.toml)) project;
in
python3Packages.buildPythonApplication {
  pname = "mycelial";
  inherit (project) version;
  pyproject = true;
  src = lib.cleanSource ../.;

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

  # The build sandbox has no /dev/fuse: what mounts is tested by `make test` on a machine.
  nativeCheckInputs = with python3Packages; [
    hypothesis
    pytest
  ];
  checkPhase = ''
    runHook preCheck
    python -m pytest tests/unit
    runHook postCheck
  '';
  pythonImportsCheck = [ "mycelial" ];

  meta = {
    inherit (project) description;
    license = lib.licenses.mit;
    mainProgram = "mycelial";
    platforms = lib.platforms.linux;
  };
}
