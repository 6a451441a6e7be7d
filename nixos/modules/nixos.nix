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
    mapAttrs'
    mapAttrsToList
    nameValuePair
    optional
    optionals
    ;
  cfg = config.services.mycelial;
  command = import ./command.nix { inherit lib; };
  inherit (command) escaped;
  judge = import ./judgement.nix { inherit lib; };
  shared = import ./shared.nix {
    inherit lib pkgs;
    scope = "system";
  };

  mounts = lib.filterAttrs (_: mount: mount.enable) cfg.mounts;
  byUnit = unit: lib.filterAttrs (_: mount: mount.unit == unit) mounts;
  program = name: "${lib.getBin cfg.package}/bin/${name}";

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
    ++ optional (mount.unit == "service" && !inPlace mount) (dirOf mount.mountpoint)
    ++ optional (mount.database != null || isRoot mount) (stateDirectory mount);
  # The mounts in which the source of another lies. RequiresMountsFor finds mount units, but no services.
  behind =
    name: mount:
    lib.filterAttrs (
      other: below:
      other != name && (mount.source == below.mountpoint || command.isBelow mount.source below.mountpoint)
    ) mounts;
  servicesBehind =
    name: mount:
    mapAttrsToList unitOf (lib.filterAttrs (_: below: below.unit == "service") (behind name mount));
  # What cannot be there before all local filesystems are: a user's mountpoint has to be made, and given to him, before
  # he mounts; services start later.
  isLate = mount: mount.unit == "service" || !isRoot mount;
  waits = name: mount: isLate mount || lib.any isLate (lib.attrValues (behind name mount));
  asUser =
    mount:
    lib.optionalAttrs (!isRoot mount) { User = mount.user; }
    // lib.optionalAttrs (mount.group != null) { Group = mount.group; };

  # NixOS names the unit after `where`, and writes it down as it is.
  place =
    mount:
    lib.optionalAttrs (escaped mount.mountpoint != mount.mountpoint) {
      Where = lib.mkForce (escaped mount.mountpoint);
    };

  toMount =
    name: mount:
    {
      description = shared.description mount;
      what = escaped mount.source;
      where = mount.mountpoint;
      type = "fuse.mycelial";
      options = escaped (
        command.mountWords mount (shared.settingsFile cfg.settings name mount) (
          optional (!isRoot mount) [
            "setuid"
            mount.user
          ]
        )
      );
      wants = [ "modprobe@fuse.service" ];
      requires = servicesBehind name mount;
      after = [ "modprobe@fuse.service" ] ++ servicesBehind name mount;
      before = mount.neededBy;
      requiredBy = mount.neededBy;
      mountConfig = {
        TimeoutSec = 60;
      }
      // place mount;
      wantedBy = optionals (!mount.automount.enable) (
        if waits name mount then [ "multi-user.target" ] else [ "local-fs.target" ]
      );
      unitConfig.RequiresMountsFor = map command.word (needs mount);
    }
    // lib.optionalAttrs (waits name mount) {
      after = [
        "modprobe@fuse.service"
        "local-fs.target"
        "systemd-tmpfiles-setup.service"
      ]
      ++ servicesBehind name mount;
      conflicts = [ "umount.target" ];
      before = mount.neededBy ++ [ "umount.target" ];
      unitConfig = {
        DefaultDependencies = false;
        RequiresMountsFor = map command.word (needs mount);
      };
    };

  toAutomount = _: mount: {
    description = shared.description mount;
    where = mount.mountpoint;
    wantedBy = [ "multi-user.target" ];
    automountConfig =
      place mount
      // lib.optionalAttrs (mount.automount.idleTimeout != null) {
        TimeoutIdleSec = mount.automount.idleTimeout;
      };
  };

  toService =
    name: mount:
    nameValuePair "mycelial-${name}" {
      description = shared.description mount;
      documentation = [ shared.documentation ];
      wants = [ "modprobe@fuse.service" ];
      requires = servicesBehind name mount;
      after = [ "modprobe@fuse.service" ] ++ servicesBehind name mount;
      before = mount.neededBy;
      requiredBy = mount.neededBy;
      wantedBy = [ "multi-user.target" ];
      unitConfig.RequiresMountsFor = map command.word (needs mount);
      startLimitIntervalSec = shared.startLimit.interval;
      startLimitBurst = shared.startLimit.burst;
      path = [ "/run/wrappers" ];
      serviceConfig =
        shared.service mount
        // {
          ExecStart = "${program "mycelial-mount"} -f ${
            command.commandLine (command.arguments mount (shared.settingsFile cfg.settings name mount))
          }";
          ExecStop = "-${program "umount.fuse.mycelial"} ${command.quoted mount.mountpoint}";
          TimeoutStartSec = 60;
        }
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
      description = "Mount ${escaped mount.mountpoint} anew if its daemon dies";
      documentation = [ "man:mycelial-watch(8)" ];
      bindsTo = [ (mountUnit mount) ];
      after = [ (mountUnit mount) ];
      wantedBy = [ (mountUnit mount) ];
      startLimitIntervalSec = shared.startLimit.interval;
      startLimitBurst = shared.startLimit.burst;
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
      (
        alert:
        optionals (alert.bound != null) [
          "--over"
          "${alert.figure}=${toString alert.bound}"
        ]
      )
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
      description = "Whether all is well with ${escaped mount.mountpoint}";
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
      description = "Look whether all is well with ${escaped mount.mountpoint}";
      after = [ (unitOf name mount) ];
      wantedBy = [ "timers.target" ];
      timerConfig = {
        OnActiveSec = mount.alerts.interval;
        OnUnitActiveSec = mount.alerts.interval;
      };
    };

  # systemd itself makes the mountpoint of a mount unit, for root. ":" keeps what is there already as it is; that may be
  # the root of a mount.
  mountpointRule =
    mount:
    let
      own = config.users.users.${mount.user}.group or "";
      group = if mount.group != null then mount.group else own;
    in
    optional (!inPlace mount && (mount.unit == "service" || !isRoot mount))
      "d ${command.word mount.mountpoint} :0755 :${mount.user} ${
        if group == "" then "-" else ":${group}"
      } - -";

  ofSystem =
    name: mount:
    let
      claim = assertion: text: {
        inherit assertion;
        message = "services.mycelial.mounts.${name}: ${text}";
      };
      taken = config.fileSystems ? ${mount.mountpoint};
      open =
        mount.allowOther
        || lib.any (word: lib.elem word mount.extraOptions) [
          "allow_other"
          "allow_root"
        ];
    in
    [
      (claim (
        !open || isRoot mount || config.programs.fuse.userAllowOther
      ) "allowOther of the ordinary user ${mount.user} needs programs.fuse.userAllowOther = true")
      (claim (mount.unit != "mount" || !taken)
        "${mount.mountpoint} is in fileSystems too, and both would be the unit ${mountUnit mount}: use unit = \"service\""
      )
      (claim (mount.unit != "mount" || builtins.match "[ -~]*" mount.mountpoint != null)
        "NixOS cannot name a mount unit after ${mount.mountpoint}, which is not all ASCII: use unit = \"service\""
      )
      (claim (
        !mount.automount.enable || mount.unit == "mount"
      ) "automount is for mount units: use unit = \"mount\"")
      (claim (
        !mount.automount.enable || !inPlace mount
      ) "automount cannot be in place: it would cover the source ${mount.source} before it is opened")
      (claim (isRoot mount || config.users.users ? ${mount.user}) "there is no users.users.${mount.user}")
      (claim (
        mount.group == null || config.users.groups ? ${mount.group}
      ) "there is no users.groups.${mount.group}")
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
  options.services.mycelial = shared.options;

  config = mkIf cfg.enable (
    lib.mkMerge [
      {
        assertions = (judge cfg.mounts).assertions ++ lib.concatLists (mapAttrsToList ofSystem mounts);
        warnings = (judge cfg.mounts).warnings ++ lib.concatLists (mapAttrsToList warningsOf mounts);

        environment.systemPackages = [ cfg.package ];
        system.fsPackages = [ cfg.package ];
        systemd = {
          mounts = mapAttrsToList toMount (byUnit "mount");
          automounts = mapAttrsToList toAutomount (
            lib.filterAttrs (_: mount: mount.automount.enable) (byUnit "mount")
          );
          services =
            mapAttrs' toService (byUnit "service")
            // mapAttrs' toWatch (byUnit "mount")
            // mapAttrs' toAlert watched;
          timers = mapAttrs' toTimer watched;
          tmpfiles.rules = [
            "d /var/lib/mycelial 0700 root root - -"
          ]
          ++ lib.concatMap mountpointRule (lib.attrValues mounts);
        };
      }
      # Off by default since 2026; before, the option was not there and the wrapper was.
      (lib.optionalAttrs (options ? programs.fuse.enable) { programs.fuse.enable = true; })
    ]
  );
}
