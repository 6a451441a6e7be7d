# services.mycelial for home-manager: a user's own mounts, as services of the user's manager. Not as .mount units: those
# run the umount program, which without root cannot unmount FUSE on NixOS.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.mycelial;
  command = import ./command.nix { inherit lib; };
  judge = import ./judgement.nix { inherit lib; };
  shared = import ./shared.nix {
    inherit lib pkgs;
    scope = "user";
  };
  mounts = lib.filterAttrs (_: mount: mount.enable) cfg.mounts;

  toService =
    name: mount:
    lib.nameValuePair "mycelial-${name}" {
      Unit = {
        Description = shared.description mount;
        Documentation = shared.documentation;
        StartLimitIntervalSec = shared.startLimit.interval;
        StartLimitBurst = shared.startLimit.burst;
      };
      Service = shared.service mount // {
        # The setuid fusermount3: of NixOS, of other systems.
        Environment = [ "PATH=/run/wrappers/bin:/usr/bin:/bin" ];
        ExecStartPre = lib.optional (
          mount.source != mount.mountpoint
        ) "-${pkgs.coreutils}/bin/mkdir -p ${command.quoted mount.mountpoint}";
        ExecStart = "${lib.getBin cfg.package}/bin/mycelial-mount -f ${
          command.commandLine (command.arguments mount (shared.settingsFile cfg.settings name mount))
        }";
      };
      Install.WantedBy = [ "default.target" ];
    };
in
{
  options.services.mycelial = shared.options;

  config = lib.mkIf cfg.enable {
    inherit (judge cfg.mounts) assertions warnings;
    home.packages = [ cfg.package ];
    systemd.user.services = lib.mapAttrs' toService mounts;
  };
}
