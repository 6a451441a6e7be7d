# The options of one mount. `scope` says for whom: a system's mounts have more of them than a user's own.
{
  lib,
  tomlType,
  scope,
}:
{ config, ... }:
let
  inherit (lib) mkOption types;
  unitName = types.strMatching "[a-zA-Z0-9@%:_.\\-]+[.](service|socket|device|mount|automount|swap|target|path|timer|scope|slice)";
in
{
  options = {
    enable = mkOption {
      type = types.bool;
      default = true;
      description = "Whether this mount exists.";
    };

    source = mkOption {
      type = types.str;
      example = "/srv/papers";
      description = "The directory to show, as an absolute path.";
    };

    mountpoint = mkOption {
      type = types.str;
      default = config.source;
      defaultText = lib.literalMD "the source";
      example = "/srv/papers-live";
      description = ''
        Where it appears, as an absolute path. The source itself, which is the default, is covered by the mount:
        nothing has to move, and nobody works past it by mistake.
      '';
    };

    allowOther = mkOption {
      type = types.bool;
      default = scope == "system" && config.user == "root";
      defaultText = lib.literalMD "true for root's mounts, else false";
      description = ''
        Whether other users may enter; the kernel judges them by owners and modes, as below. For an ordinary user's
        mount it takes `programs.fuse.userAllowOther`.
      '';
    };

    readOnly = mkOption {
      type = types.bool;
      default = false;
      description = "Whether nothing may be changed through the mount.";
    };

    record = mkOption {
      type = types.bool;
      default = true;
      description = "Whether accesses are recorded.";
    };

    exclude = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [
        "*.iso"
        "/private/"
      ];
      description = "Patterns, in gitignore's syntax, of files that are not recorded.";
    };

    retention = {
      days = mkOption {
        type = types.nullOr types.ints.unsigned;
        default = null;
        example = 365;
        description = "Age in days after which events are dropped from the log; 0: never; null: as the program has it.";
      };
      events = mkOption {
        type = types.nullOr types.ints.unsigned;
        default = null;
        example = 1000000;
        description = "How many events the log keeps; 0: all; null: as the program has it.";
      };
    };

    viewDir = mkOption {
      type = types.nullOr types.str;
      default = ".mycelial";
      description = "Name of the directory of answers in the mount's root; null: none.";
    };

    showViewDir = mkOption {
      type = types.bool;
      default = false;
      description = "Whether listings of the root name that directory.";
    };

    cache = mkOption {
      type = types.nullOr types.ints.unsigned;
      default = null;
      example = 60;
      description = "Seconds for which the kernel may keep names and attributes; null: as the program has it.";
    };

    passthrough = mkOption {
      type = types.bool;
      default = true;
      description = "Whether the kernel may read and write by itself, where it can (root, Linux 6.9).";
    };

    database = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "/var/lib/mycelial/papers.db";
      description = ''
        Where the record is kept. null: a file of the mount's own in `/var/lib/mycelial` for root, in
        `~/.local/state/mycelial` for others.
      '';
    };

    extraOptions = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "noexec" ];
      description = "Further words for `mycelial-mount -o`.";
    };

    settings = mkOption {
      type = tomlType;
      default = { };
      example = {
        default_excludes = false;
      };
      description = ''
        The configuration file of this mount, over `services.mycelial.settings`: any key of
        [configuration.md](configuration.md). `exclude` and `retention` end up here too.
      '';
    };

    watchdog = mkOption {
      type = types.nullOr types.ints.positive;
      default = 30;
      description = "Seconds after which a service whose loop does not answer is started again; null: never.";
    };
  }
  // lib.optionalAttrs (scope == "system") {
    user = mkOption {
      type = types.str;
      default = "root";
      example = "alice";
      description = "Who mounts, and so whose record it is.";
    };

    group = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "users";
      description = "Group of a service's process and of a mountpoint that has to be made; null: the user's own.";
    };

    unit = mkOption {
      type = types.enum [
        "mount"
        "service"
      ];
      default = "mount";
      description = ''
        `mount`: a systemd mount unit, ordered like any other filesystem; a companion unit mounts anew if the daemon
        dies. `service`: a Type=notify service with a watchdog and hardening, which comes back by itself.
      '';
    };

    automount = {
      enable = mkOption {
        type = types.bool;
        default = false;
        description = "Whether a mount unit is mounted at the first access instead of at boot.";
      };
      idleTimeout = mkOption {
        type = types.nullOr types.str;
        default = null;
        example = "10min";
        description = "After so long without use it is unmounted again; null: never.";
      };
    };

    neededBy = mkOption {
      type = types.listOf unitName;
      default = [ ];
      example = [ "nginx.service" ];
      description = "Units that start after this mount, and not without it.";
    };

    hardening = mkOption {
      type = types.bool;
      default = true;
      description = "Whether a service is confined as far as a filesystem can be.";
    };

    alerts = {
      dropped = mkOption {
        type = types.nullOr types.ints.unsigned;
        default = null;
        example = 0;
        description = "Raise the alarm above so many lost events.";
      };
      databaseSize = mkOption {
        type = types.nullOr types.ints.unsigned;
        default = null;
        example = 2000000000;
        description = "Raise the alarm above so many bytes of database.";
      };
      engineRestarts = mkOption {
        type = types.nullOr types.ints.unsigned;
        default = null;
        example = 3;
        description = "Raise the alarm when the engine was started again more often than this.";
      };
      interval = mkOption {
        type = types.str;
        default = "5min";
        description = "How often to look.";
      };
      unit = mkOption {
        type = types.nullOr unitName;
        default = null;
        example = "tell-me.service";
        description = ''
          The unit that an alarm starts. Without one, the failed `mycelial-alert-NAME.service` is the alarm.
        '';
      };
    };
  };
}
