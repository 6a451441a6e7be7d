# From the options of a mount to words: of fstab for mount units, of the command line for services; and its settings.
{ lib }:
let
  inherit (lib) optional optionals;
in
rec {
  # A list of [ name ] and [ name value ]: every option that is not as the program has it by itself.
  words =
    mount: config:
    optional mount.allowOther [ "allow_other" ]
    ++ optional mount.readOnly [ "ro" ]
    ++ optional (!mount.record) [ "no_record" ]
    ++ optional (!mount.passthrough) [ "no_passthrough" ]
    ++ optional (mount.viewDir == null) [ "no_views" ]
    ++ optional (mount.viewDir != null && mount.viewDir != ".mycelial") [
      "view_dir"
      mount.viewDir
    ]
    ++ optional (mount.showViewDir && mount.viewDir != null) [ "show_view_dir" ]
    ++ optional (mount.cache != null) [
      "timeout"
      (toString mount.cache)
    ]
    ++ optional (mount.database != null) [
      "db"
      mount.database
    ]
    ++ optional (config != null) [
      "config"
      "${config}"
    ];

  # One string, as mount(8) takes it; a comma within a value is written with a backslash.
  mountWords =
    mount: config: more:
    lib.concatStringsSep "," (
      map (word: lib.concatStringsSep "=" (map (lib.replaceStrings [ "\\" "," ] [ "\\\\" "\\," ]) word)) (
        words mount config ++ more
      )
      ++ mount.extraOptions
    );

  # A list of words for the command line.
  arguments =
    mount: config:
    lib.concatMap (
      word: [ "--${lib.replaceStrings [ "_" ] [ "-" ] (lib.head word)}" ] ++ lib.tail word
    ) (words mount config)
    ++ optionals (mount.extraOptions != [ ]) [
      "-o"
      (lib.concatStringsSep "," mount.extraOptions)
    ]
    ++ [
      mount.source
      mount.mountpoint
    ];

  # What the configuration file holds: the general settings, the mount's own, and what has an option of its own.
  settings =
    general: mount:
    let
      given = lib.recursiveUpdate general mount.settings;
      exclude = (given.exclude or [ ]) ++ mount.exclude;
      retention = lib.filterAttrs (_: value: value != null) mount.retention;
    in
    given
    // lib.optionalAttrs (exclude != [ ]) { inherit exclude; }
    // lib.optionalAttrs (retention != { }) { retention = (given.retention or { }) // retention; };

  isAbsolute = lib.hasPrefix "/";
  # As realpath(3) would leave it, links aside: mounts are compared by name.
  isPlain =
    path: builtins.match "(/[^/]+)+" path != null && builtins.match ".*/\\.\\.?(/.*)?" path == null;
  isBelow = inner: outer: inner != outer && lib.hasPrefix "${outer}/" inner;

  # `%` has a meaning in every setting of a unit, and in tmpfiles.d.
  escaped = lib.replaceStrings [ "%" ] [ "%%" ];

  # A word where a list of them is read.
  word =
    text:
    escaped (
      if builtins.match "[A-Za-z0-9/_.,:+@%-]*" text != null then text else builtins.toJSON text
    );

  # A word of a unit's command line, where `$` has one too.
  quoted = text: lib.replaceStrings [ "$" ] [ "$$" ] (escaped (builtins.toJSON text));
  commandLine = lib.concatMapStringsSep " " quoted;
}
