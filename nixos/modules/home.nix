# services.mycelial for home-manager: a user's own mounts, as services of the user's manager. Not as .mount units: those
# run the umount program, which without root cannot unmount FUSE on NixOS.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.services.mycelial;
  toml = pkgs.formats.toml { };
  command = import ./command.nix { inherit lib; };
  judge = import ./judgement.nix { inherit lib; };
  mounts = lib.filterAttrs (_: mount: mount.enable) cfg.mounts;

  settingsFile =
    name: mount:
    let
      settings = command.settings cfg.settings mount;
    in
    if settings == { } then null else toml.generate "mycelial-${name}.toml" settings;

  toService =
    name: mount:
    lib.nameValuePair "mycelial-${name}" {
      Unit = {
        Description = "Mycelial: ${mount.source} at ${mount.mountpoint}";
        Documentation = "man:mycelial-mount(8)";
        StartLimitIntervalSec = 60;
        StartLimitBurst = 10;
      };
      Service = {
        Type = "notify";
        # The setuid fusermount3: of NixOS, of other systems.
        Environment = [ "PATH=/run/wrappers/bin:/usr/bin:/bin" ];
        ExecStartPre = lib.optional (
          mount.source != mount.mountpoint
        ) "-${pkgs.coreutils}/bin/mkdir -p ${command.quoted mount.mountpoint}";
        ExecStart = "${lib.getBin cfg.package}/bin/mycelial-mount -f ${
          command.commandLine (command.arguments mount (settingsFile name mount))
        }";
        # A mount that a killed daemon left behind is taken away by the next start.
        Restart = "on-failure";
        RestartSec = 1;
        TimeoutStopSec = 30;
        KillMode = "mixed";
      }
      // lib.optionalAttrs (mount.watchdog != null) { WatchdogSec = mount.watchdog; };
      Install.WantedBy = [ "default.target" ];
    };
in
{
  options.services.mycelial = {
    enable = lib.mkEnableOption "mounts that notice which files belong together";

    package = mkOption {
      type = types.package;
      default = pkgs.mycelial-fs or (pkgs.callPackage ../package.nix { });
      defaultText = "the one of this flake";
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
            inherit lib;
            tomlType = toml.type;
            scope = "user";
          }
        )
      );
      default = { };
      description = "The mounts, each under a name that its service gets too.";
    };
  };

  config = lib.mkIf cfg.enable {
    inherit (judge cfg.mounts) assertions warnings;
    home.packages = [ cfg.package ];
    systemd.user.services = lib.mapAttrs' toService mounts;
  };
}
