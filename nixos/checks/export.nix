# From a system's checks to what the VM tests would run: the units of each machine, its tmpfiles' rules, the script.
checks:
let
  tests = builtins.filter (name: checks.${name} ? nodes) (builtins.attrNames checks);
  select =
    units:
    builtins.listToAttrs (
      map
        (name: {
          inherit name;
          value = units.${name}.text;
        })
        (
          builtins.filter (name: builtins.match ".*mycelial.*|srv-.*|home-.*" name != null) (
            builtins.attrNames units
          )
        )
    );
  node = config: {
    units = select config.systemd.units;
    userUnits = select config.systemd.userUnits;
    tmpfiles = config.systemd.tmpfiles.rules;
    inherit (config) warnings;
  };
in
builtins.listToAttrs (
  map (name: {
    inherit name;
    value = {
      script = checks.${name}.config.testScriptString;
      nodes = builtins.mapAttrs (_: node) checks.${name}.nodes;
    };
  }) tests
)
