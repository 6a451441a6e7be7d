# What is wrong with a set of mounts, whoever has them: { assertions, warnings }, each with the mount's name in front.
{ lib }:
let
  command = import ./command.nix { inherit lib; };
  inherit (command) isAbsolute isPlain isBelow;
in
mounts:
let
  enabled = lib.filterAttrs (_: mount: mount.enable) mounts;
  say = name: text: "services.mycelial.mounts.${name}: ${text}";

  ofMount =
    name: mount:
    let
      claim = assertion: text: {
        inherit assertion;
        message = say name text;
      };
      inherit (mount) source mountpoint viewDir;
      database = toString mount.database;
      # systemd ends a line's value at its last character that is no blank, and takes a backslash there for "goes on".
      fits = path: builtins.match ".*([[:cntrl:]].*|[[:space:]\\])" path == null;
      plain = isPlain source && isPlain mountpoint;
      rivals = lib.filter (other: other < name && mounts.${other}.mountpoint == mountpoint) (
        lib.attrNames enabled
      );
    in
    [
      (claim (builtins.match "[A-Za-z0-9_.-]+" name != null)
        "units are named after it, so the name may have letters, digits, dots, underscores and hyphens only"
      )
      (claim (isAbsolute source) "the source ${source} is a relative path; an absolute one is needed")
      (claim (
        isAbsolute mountpoint || mountpoint == source
      ) "the mountpoint ${mountpoint} is a relative path; an absolute one is needed")
      (claim (
        isPlain source || !isAbsolute source
      ) "write the source ${source} without '.', '..', doubled slashes or one at the end")
      (claim (
        isPlain mountpoint || !isAbsolute mountpoint || mountpoint == source
      ) "write the mountpoint ${mountpoint} without '.', '..', doubled slashes or one at the end")
    ]
    ++ map (path: claim (fits path) "no unit can hold the path ${builtins.toJSON path}") (
      lib.unique [
        source
        mountpoint
        database
      ]
    )
    ++ [
      (claim (
        !(plain && isBelow mountpoint source)
      ) "the mountpoint ${mountpoint} lies inside the source ${source}")
      (claim (
        !(plain && isBelow source mountpoint)
      ) "the source ${source} lies inside the mountpoint ${mountpoint}")
      (claim (
        viewDir == null
        || builtins.match "[^/[:cntrl:]]+" viewDir != null && viewDir != "." && viewDir != ".."
      ) "viewDir must be one name, without a slash")
      (claim (
        mount.database == null || isAbsolute database
      ) "the database ${database} is a relative path; an absolute one is needed")
      (claim (
        source != mountpoint || !isBelow database source
      ) "the database ${database} would lie inside the mount that covers ${source}")
    ]
    ++ map (
      other: claim false "the mountpoint ${mountpoint} is also that of services.mycelial.mounts.${other}"
    ) rivals;

  warningsOf =
    name: mount:
    lib.optional (
      !mount.record
      && (mount.exclude != [ ] || lib.any (bound: bound != null) (lib.attrValues mount.retention))
    ) (say name "exclude and retention mean nothing while record is off")
    ++ lib.optional (mount.showViewDir && mount.viewDir == null) (
      say name "showViewDir means nothing without a viewDir"
    );
in
{
  assertions = lib.concatLists (lib.mapAttrsToList ofMount enabled);
  warnings =
    lib.concatLists (lib.mapAttrsToList warningsOf enabled)
    ++ lib.optional (mounts == { }) "services.mycelial is enabled without any mounts";
}
