# What both modules have in common: the options of services.mycelial, and what follows from them whoever mounts.
# `scope` says for whom: "system" or "user".
{
  lib,
  pkgs,
  scope,
}:
let
  inherit (lib) mkOption types;
  toml = pkgs.formats.toml { };
  command = import ./command.nix { inherit lib; };
in
{
  options = {
    enable = lib.mkEnableOption "mounts that notice which files belong together";

    package = mkOption {
      type = types.package;
      default = pkgs.mycelial-fs or (pkgs.callPackage ../package.nix { });
      defaultText = lib.literalMD "the one of this flake";
      description = "The package to use.";
    };

    settings = mkOption {
      inherit (toml) type;
      default = { };
      example.retention.days = 365;
      description = "What the configuration files of all mounts hold: any key of [configuration.md](configuration.md).";
    };

    mounts = mkOption {
      type = types.attrsOf (
        types.submodule (
          import ./mount-options.nix {
            inherit lib scope;
            tomlType = toml.type;
          }
        )
      );
      default = { };
      example.papers = {
        source = "/srv/papers";
        mountpoint = "/srv/papers-live";
      };
      description = "The mounts, each under a name that its units get too.";
    };
  };

  # The mount's configuration file, or null where it would be empty.
  settingsFile =
    general: name: mount:
    let
      settings = command.settings general mount;
    in
    if settings == { } then null else toml.generate "mycelial-${name}.toml" settings;

  # `%` has a meaning in every setting of a unit.
  description = mount: command.escaped "Mycelial: ${mount.source} at ${mount.mountpoint}";

  documentation = "man:mycelial-mount(8)";

  # Of a service that comes back by itself. A mount that a killed daemon left behind is taken away by the next start.
  service =
    mount:
    {
      Type = "notify";
      Restart = "on-failure";
      RestartSec = 1;
      TimeoutStopSec = 30;
      KillMode = "mixed";
    }
    // lib.optionalAttrs (mount.watchdog != null) { WatchdogSec = mount.watchdog; };
  startLimit = {
    interval = 60;
    burst = 10;
  };
}
