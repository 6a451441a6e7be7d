# NixOS as far as a FUSE module touches it: systemd units with their texts, tmpfiles, packages, assertions.
{ lib, pkgs }:
{ modules, specialArgs ? { }, ... }:
let
  inherit (lib) mkOption types mapAttrs mapAttrs' concatStrings concatStringsSep mapAttrsToList optionalString nameValuePair toList;
  opt = type: default: mkOption { inherit type default; };
  strs = opt (types.listOf types.str) [ ];
  unitNames = opt (types.listOf (types.strMatching "[a-zA-Z0-9@%:_.\\-]+[.](service|socket|device|mount|automount|swap|target|path|timer|scope|slice)")) [ ];
  str' = opt (types.nullOr types.str) null;

  # As the real one: what is not ASCII stays as it is, although systemd would escape it; what is not in its plainest form is refused.
  escapeSystemdPath = s:
    let
      digits = lib.stringToCharacters "0123456789abcdef";
      # The printable characters of ASCII that have to be escaped, each with its number.
      special = lib.listToAttrs (lib.concatMap (first: lib.imap0 (i: c: nameValuePair c "\\x${lib.elemAt digits ((first.at + i) / 16)}${lib.elemAt digits (lib.mod (first.at + i) 16)}") (lib.stringToCharacters first.run)) [
        { at = 32; run = " !\"#$%&'()*+,-"; } { at = 59; run = ";<=>?@"; } { at = 91; run = "[\\]^"; } { at = 96; run = "`"; } { at = 123; run = "{|}~"; }
      ]);
      parts = lib.filter (part: part != "" && part != ".") (lib.splitString "/" s);
      plain = if lib.elem ".." parts then throw "escapeSystemdPath: ${s} is not a normalized path" else concatStringsSep "/" parts;
      escaped = lib.replaceStrings ([ "/" ] ++ lib.attrNames special) ([ "-" ] ++ lib.attrValues special) plain;
    in
    if plain == "" then "-" else if lib.hasPrefix "." escaped then "\\x2e${lib.removePrefix "." escaped}" else escaped;
  utils = {
    inherit escapeSystemdPath;
    escapeSystemdExecArg = a: lib.replaceStrings [ "%" "$" ] [ "%%" "$$" ] (builtins.toJSON (toString a));
    escapeSystemdExecArgs = lib.concatMapStringsSep " " utils.escapeSystemdExecArg;
  };

  value = v: if v == true then "true" else if v == false then "false" else toString v;
  section = name: a:
    let lines = concatStrings (mapAttrsToList (k: v: if v == null then "" else concatStrings (map (x: "${k}=${value x}\n") (toList v))) a); in
    "[${name}]\n${lines}\n";
  common = {
    enable = opt types.bool true;
    description = opt types.str "";
    documentation = strs;
    after = unitNames; before = unitNames; wants = unitNames; requires = unitNames; requisite = unitNames; bindsTo = unitNames; partOf = unitNames; conflicts = unitNames;
    wantedBy = unitNames; requiredBy = unitNames; upheldBy = unitNames; onFailure = unitNames; aliases = unitNames; upholds = unitNames; onSuccess = unitNames;
    overrideStrategy = opt types.str "asDropinIfExists";
    startLimitBurst = opt (types.nullOr types.int) null;
    startLimitIntervalSec = opt (types.nullOr types.int) null;
    restartTriggers = opt (types.listOf types.unspecified) [ ];
    unitConfig = opt (types.attrsOf types.anything) { };
  };
  unitSection = u: section "Unit" (
    lib.filterAttrs (_: v: v != [ ] && v != "" && v != null) {
      Description = u.description; Documentation = u.documentation; After = u.after; Before = u.before; Wants = u.wants; Requires = u.requires; Requisite = u.requisite;
      BindsTo = u.bindsTo; PartOf = u.partOf; Conflicts = u.conflicts; OnFailure = u.onFailure; StartLimitBurst = u.startLimitBurst; StartLimitIntervalSec = u.startLimitIntervalSec;
    } // u.unitConfig);
  install = u: optionalString (u.wantedBy != [ ] || u.requiredBy != [ ]) (section "Install" (lib.filterAttrs (_: v: v != [ ]) { WantedBy = u.wantedBy; RequiredBy = u.requiredBy; Alias = u.aliases; }));
  serviceType = types.attrsOf (types.submodule {
    options = common // {
      serviceConfig = opt (types.attrsOf types.anything) { };
      environment = opt (types.attrsOf (types.nullOr (types.oneOf [ types.str types.path types.package ]))) { };
      path = opt (types.listOf (types.oneOf [ types.package types.str ])) [ ];
      script = opt types.lines ""; preStart = opt types.lines ""; postStart = opt types.lines ""; preStop = opt types.lines ""; postStop = opt types.lines ""; reload = opt types.lines "";
      restartIfChanged = opt types.bool true; reloadIfChanged = opt types.bool false; stopIfChanged = opt types.bool true; enableDefaultPath = opt types.bool true;
      startAt = opt (types.either types.str (types.listOf types.str)) [ ]; enableStrictShellChecks = opt types.bool false;
    };
  });
  serviceText = s: unitSection s + section "Service" ({
    Environment = map (n: ''"${n}=${toString s.environment.${n}}"'') (lib.filter (n: s.environment.${n} != null) (lib.attrNames s.environment))
      ++ [ ''"PATH=${lib.makeBinPath (s.path ++ lib.optionals s.enableDefaultPath [ pkgs.coreutils pkgs.findutils pkgs.gnugrep pkgs.gnused pkgs.systemd ])}"'' ];
  } // s.serviceConfig) + install s;
  mountType = extra: sect: types.listOf (types.submodule ({ config, ... }: { options = common // extra // { ${sect} = opt (types.attrsOf types.anything) { }; where = mkOption { type = types.str; }; }; }));

  user = { config, ... }: {
    freeformType = types.attrsOf types.anything;
    options = { isNormalUser = opt types.bool false; group = opt types.str ""; };
    config.group = lib.mkIf config.isNormalUser (lib.mkDefault "users");
  };

  base = { config, ... }: {
    options = {
      assertions = opt (types.listOf types.unspecified) [ ];
      warnings = strs;
      nixpkgs.overlays = opt (types.listOf types.raw) [ ];
      nixpkgs.pkgs = opt types.raw pkgs;
      nixpkgs.hostPlatform = opt types.raw null;
      services.getty.autologinUser = opt (types.nullOr types.str) null;
      environment.systemPackages = opt (types.listOf types.package) [ ];
      environment.etc = opt (types.attrsOf types.anything) { };
      environment.variables = opt (types.attrsOf types.anything) { };
      system.fsPackages = opt (types.listOf types.package) [ ];
      system.stateVersion = opt types.str "stub";
      system.activationScripts = opt (types.attrsOf types.anything) { };
      system.build = opt (types.attrsOf types.raw) { };
      boot = opt (types.attrsOf types.anything) { };
      networking = opt (types.attrsOf types.anything) { };
      virtualisation = opt (types.attrsOf types.anything) { };
      documentation = opt (types.attrsOf types.anything) { };
      time = opt (types.attrsOf types.anything) { };
      fileSystems = opt (types.attrsOf types.anything) { };
      security.wrappers = opt (types.attrsOf types.anything) { };
      programs.fuse = { enable = opt types.bool false; userAllowOther = opt types.bool false; mountMax = opt types.int 1000; };
      users = { motd = opt (types.nullOr types.str) null; users = opt (types.attrsOf (types.submodule user)) { }; groups = opt (types.attrsOf types.anything) { }; };
      systemd = {
        services = opt serviceType { };
        user.services = opt serviceType { };
        mounts = opt (mountType { what = mkOption { type = types.str; }; type = opt types.str ""; options = opt types.commas ""; } "mountConfig") [ ];
        automounts = opt (mountType { } "automountConfig") [ ];
        timers = opt (types.attrsOf (types.submodule { options = common // { timerConfig = opt (types.attrsOf types.anything) { }; }; })) { };
        targets = opt (types.attrsOf types.anything) { };
        tmpfiles.rules = strs;
        tmpfiles.settings = opt (types.attrsOf types.anything) { };
        managerEnvironment = opt (types.attrsOf types.anything) { };
        units = mkOption { type = types.raw; };
        userUnits = mkOption { type = types.raw; };
        packages = opt (types.listOf types.package) [ ];
      };
    };
    config = {
      users.groups = lib.genAttrs [ "root" "wheel" "users" ] (_: { });
      systemd.userUnits = mapAttrs' (n: s: nameValuePair "${n}.service" { text = serviceText s; }) config.systemd.user.services;
      systemd.managerEnvironment.PATH = lib.makeBinPath (config.system.fsPackages ++ [ pkgs.util-linux ]);
      systemd.units = mapAttrs (_: text: { inherit text; }) (
        mapAttrs' (n: s: nameValuePair "${n}.service" (serviceText s)) config.systemd.services
        // mapAttrs' (n: t: nameValuePair "${n}.timer" (unitSection t + section "Timer" t.timerConfig + install t)) config.systemd.timers
        // lib.listToAttrs (map (m: nameValuePair "${escapeSystemdPath m.where}.mount" (unitSection m + section "Mount"
          (lib.filterAttrs (_: v: v != "") { What = m.what; Where = m.where; Type = m.type; Options = m.options; } // m.mountConfig) + install m)) config.systemd.mounts)
        // lib.listToAttrs (map (m: nameValuePair "${escapeSystemdPath m.where}.automount" (unitSection m + section "Automount" ({ Where = m.where; } // m.automountConfig) + install m)) config.systemd.automounts)
      );
      system.build.toplevel =
        let failed = lib.filter (a: !a.assertion) config.assertions; in
        if failed != [ ] then throw "Failed assertions:\n${concatStringsSep "\n" (map (a: "- ${a.message}") failed)}"
        else builtins.deepSeq (mapAttrs (_: u: u.text) config.systemd.units) (builtins.deepSeq (map toString config.environment.systemPackages ++ config.systemd.tmpfiles.rules) (pkgs.dummy "nixos-system"));
    };
  };
  finalPkgs = pkgs.appendOverlays evaluated.config.nixpkgs.overlays;
  evaluated = lib.evalModules {
    modules = [ base ] ++ modules;
    specialArgs = { inherit utils; pkgs = finalPkgs; modulesPath = toString ./.; } // specialArgs;
  };
in
evaluated // { pkgs = finalPkgs; }
