# services.mycelial: directories of this machine, mounted at boot by units of systemd.
{
  config,
  lib,
  options,
  pkgs,
  utils,
  ...
}:
let
  inherit (lib)
    mkIf
    mkOption
    mapAttrs'
    mapAttrsToList
    nameValuePair
    optional
    optionals
    types
    ;
  cfg = config.services.mycelial;
  toml = pkgs.formats.toml { };
  command = import ./command.nix { inherit lib; };
  judge = import ./judgement.nix { inherit lib; };

  mounts = lib.filterAttrs (_: mount: mount.enable) cfg.mounts;
  byUnit = unit: lib.filterAttrs (_: mount: mount.unit == unit) mounts;
  program = name: "${lib.getBin cfg.package}/bin/${name}";
  escaped = lib.replaceStrings [ "%" ] [ "%%" ];

  settingsFile =
    name: mount:
    let
      settings = command.settings cfg.settings mount;
    in
    if settings == { } then null else toml.generate "mycelial-${name}.toml" settings;

  isRoot = mount: mount.user == "root";
  inPlace = mount: mount.source == mount.mountpoint;
  stateDirectory =
    mount:
    if mount.database != null then
      dirOf mount.database
    else if isRoot mount then
      "/var/lib/mycelial"
    else
      "~${mount.user}";
  mountUnit = mount: "${utils.escapeSystemdPath mount.mountpoint}.mount";
  unitOf = name: mount: if mount.unit == "mount" then mountUnit mount else "mycelial-${name}.service";
  # A unit cannot wait for itself, and what covers its own source has nothing below it to wait for but the parents.
  needs =
    mount:
    [ (if inPlace mount then dirOf mount.source else mount.source) ]
    ++ optional (mount.database != null || isRoot mount) (stateDirectory mount);
  asUser =
    mount:
    lib.optionalAttrs (!isRoot mount) { User = mount.user; }
    // lib.optionalAttrs (mount.group != null) { Group = mount.group; };

  description = mount: "Mycelial: ${mount.source} at ${mount.mountpoint}";

  toMount =
    name: mount:
    {
      description = description mount;
      what = escaped mount.source;
      where = mount.mountpoint;
      type = "fuse.mycelial";
      options = escaped (
        command.mountWords mount (settingsFile name mount) (
          optional (!isRoot mount) [
            "setuid"
            mount.user
          ]
        )
      );
      wants = [ "modprobe@fuse.service" ];
      after = [ "modprobe@fuse.service" ];
      before = mount.neededBy;
      requiredBy = mount.neededBy;
      mountConfig.TimeoutSec = 60;
      wantedBy = optionals (!mount.automount.enable) (
        if isRoot mount then [ "local-fs.target" ] else [ "multi-user.target" ]
      );
      unitConfig.RequiresMountsFor = map escaped (needs mount);
    }
    # A user's mountpoint has to be made, and given to him, before he mounts: later than local filesystems.
    // lib.optionalAttrs (!isRoot mount) {
      after = [
        "modprobe@fuse.service"
        "local-fs.target"
        "systemd-tmpfiles-setup.service"
      ];
      conflicts = [ "umount.target" ];
      before = mount.neededBy ++ [ "umount.target" ];
      unitConfig = {
        DefaultDependencies = false;
        RequiresMountsFor = map escaped (needs mount);
      };
    };

  toAutomount = _: mount: {
    description = description mount;
    where = mount.mountpoint;
    wantedBy = [ "multi-user.target" ];
    automountConfig = lib.optionalAttrs (mount.automount.idleTimeout != null) {
      TimeoutIdleSec = mount.automount.idleTimeout;
    };
  };

  toService =
    name: mount:
    nameValuePair "mycelial-${name}" {
      description = description mount;
      documentation = [ "man:mycelial-mount(8)" ];
      wants = [ "modprobe@fuse.service" ];
      after = [ "modprobe@fuse.service" ];
      before = mount.neededBy;
      requiredBy = mount.neededBy;
      wantedBy = [ "multi-user.target" ];
      unitConfig.RequiresMountsFor = map escaped (needs mount);
      startLimitIntervalSec = 60;
      startLimitBurst = 10;
      path = [ "/run/wrappers" ];
      serviceConfig = {
        Type = "notify";
        ExecStart = "${program "mycelial-mount"} -f ${command.commandLine (command.arguments mount (settingsFile name mount))}";
        ExecStop = "-${program "umount.fuse.mycelial"} ${command.quoted mount.mountpoint}";
        # A mount that a killed daemon left behind is taken away by the next start.
        Restart = "on-failure";
        RestartSec = 1;
        TimeoutStartSec = 60;
        TimeoutStopSec = 30;
        KillMode = "mixed";
      }
      // lib.optionalAttrs (mount.watchdog != null) { WatchdogSec = mount.watchdog; }
      // lib.optionalAttrs (isRoot mount && mount.database == null) {
        StateDirectory = "mycelial";
        StateDirectoryMode = "0700";
      }
      // lib.optionalAttrs mount.hardening (import ./hardening.nix { asRoot = isRoot mount; })
      // asUser mount;
    };

  # systemd does not see that the daemon behind a mount unit died: this does, within the same second.
  toWatch =
    name: mount:
    nameValuePair "mycelial-watch-${name}" {
      description = "Mount ${mount.mountpoint} anew if its daemon dies";
      documentation = [ "man:mycelial-watch(8)" ];
      bindsTo = [ (mountUnit mount) ];
      after = [ (mountUnit mount) ];
      wantedBy = [ (mountUnit mount) ];
      startLimitIntervalSec = 60;
      startLimitBurst = 10;
      serviceConfig = {
        ExecStart = "${program "mycelial-watch"} ${command.quoted mount.mountpoint}";
        ExecStopPost = "+${
          command.commandLine [
            pkgs.runtimeShell
            "-c"
            "[ \"$EXIT_CODE:$EXIT_STATUS\" != exited:1 ] || exec ${pkgs.systemd}/bin/systemctl --no-block restart \"$0\""
            (mountUnit mount)
          ]
        }";
      }
      // asUser mount;
    };

  alerts =
    mount:
    lib.concatMap
      (alert: optionals (alert.bound != null) [
        "--over"
        "${alert.figure}=${toString alert.bound}"
      ])
      [
        {
          figure = "dropped";
          bound = mount.alerts.dropped;
        }
        {
          figure = "database";
          bound = mount.alerts.databaseSize;
        }
        {
          figure = "restarts";
          bound = mount.alerts.engineRestarts;
        }
      ];
  watched = lib.filterAttrs (_: mount: alerts mount != [ ]) mounts;

  toAlert =
    name: mount:
    nameValuePair "mycelial-alert-${name}" {
      description = "Whether all is well with ${mount.mountpoint}";
      onFailure = optional (mount.alerts.unit != null) mount.alerts.unit;
      serviceConfig = {
        Type = "oneshot";
        ExecStart = "${program "mycelial"} status ${
          command.commandLine (alerts mount ++ [ mount.mountpoint ])
        }";
      }
      // asUser mount;
    };

  toTimer =
    name: mount:
    nameValuePair "mycelial-alert-${name}" {
      description = "Look whether all is well with ${mount.mountpoint}";
      after = [ (unitOf name mount) ];
      wantedBy = [ "timers.target" ];
      timerConfig = {
        OnActiveSec = mount.alerts.interval;
        OnUnitActiveSec = mount.alerts.interval;
      };
    };

  # ":" keeps what is there already as it is; that may be the root of a mount.
  mountpointRule =
    mount:
    optional (!isRoot mount && !inPlace mount)
      "d ${lib.replaceStrings [ " " ] [ "\\x20" ] (escaped mount.mountpoint)} :0755 :${mount.user} :${
        if mount.group == null then "-" else mount.group
      } - -";

  ofSystem =
    name: mount:
    let
      claim = assertion: text: {
        inherit assertion;
        message = "services.mycelial.mounts.${name}: ${text}";
      };
      taken = config.fileSystems ? ${mount.mountpoint};
    in
    [
      (claim (
        !mount.allowOther || isRoot mount || config.programs.fuse.userAllowOther
      ) "allowOther of the ordinary user ${mount.user} needs programs.fuse.userAllowOther = true")
      (claim (
        mount.unit != "mount" || !taken
      ) "${mount.mountpoint} is in fileSystems too, and both would be the unit ${mountUnit mount}: use unit = \"service\"")
      (claim (
        !mount.automount.enable || mount.unit == "mount"
      ) "automount is for mount units: use unit = \"mount\"")
      (claim (
        !mount.automount.enable || !inPlace mount
      ) "automount cannot be in place: it would cover the source ${mount.source} before it is opened")
      (claim (
        isRoot mount || config.users.users ? ${mount.user}
      ) "there is no users.users.${mount.user}")
    ];

  warningsOf =
    name: mount:
    map (text: "services.mycelial.mounts.${name}: ${text}") (
      optional (isRoot mount && !mount.allowOther) "only root will be able to enter, as allowOther is off"
      ++ optional (
        mount.alerts.unit != null && alerts mount == [ ]
      ) "alerts.unit is never started, as no threshold is set"
    );
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
            scope = "system";
          }
        )
      );
      default = { };
      description = "The mounts, each under a name that its units get too.";
    };
  };

  config = mkIf cfg.enable (
    lib.mkMerge [
      {
        assertions = (judge cfg.mounts).assertions ++ lib.concatLists (mapAttrsToList ofSystem mounts);
        warnings = (judge cfg.mounts).warnings ++ lib.concatLists (mapAttrsToList warningsOf mounts);

        environment.systemPackages = [ cfg.package ];
        system.fsPackages = [ cfg.package ];
        systemd.mounts = mapAttrsToList toMount (byUnit "mount");
        systemd.automounts = mapAttrsToList toAutomount (
          lib.filterAttrs (_: mount: mount.automount.enable) (byUnit "mount")
        );
        systemd.services =
          mapAttrs' toService (byUnit "service")
          // mapAttrs' toWatch (byUnit "mount")
          // mapAttrs' toAlert watched;
        systemd.timers = mapAttrs' toTimer watched;
        systemd.tmpfiles.rules = [
          "d /var/lib/mycelial 0700 root root - -"
        ]
        ++ lib.concatMap mountpointRule (lib.attrValues mounts);
      }
      # Off by default since 2026; before, the option was not there and the wrapper was.
      (lib.optionalAttrs (options.programs.fuse ? enable) { programs.fuse.enable = true; })
    ]
  );
}
