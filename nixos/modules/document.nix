# docs/nixos.md's list of options, as Markdown. Made from the declarations themselves; nixos/checks/run compares.
{ lib }:
let
  tomlType = lib.types.attrs // {
    description = "TOML value";
  };
  declared =
    scope: (import ./mount-options.nix { inherit lib tomlType scope; } { config = { }; }).options;
  text = value: lib.removeSuffix "\n" (lib.replaceStrings [ "\n" ] [ " " ] value);
  nix =
    value:
    if builtins.isAttrs value then
      if value == { } then
        "{ }"
      else
        "{ ${lib.concatStringsSep " " (lib.mapAttrsToList (name: one: "${name} = ${nix one};") value)} }"
    else if builtins.isList value then
      if value == [ ] then "[ ]" else "[ ${lib.concatMapStringsSep " " nix value} ]"
    else
      builtins.toJSON value;
  describe =
    path: option:
    let
      name = lib.concatStringsSep "." path;
      default =
        if option ? defaultText then
          "; default: ${option.defaultText.text}"
        else if option ? default then
          "; default: `${nix option.default}`"
        else
          "; has to be given";
      example = lib.optionalString (option ? example) "; as in `${nix option.example}`";
    in
    "- **`${name}`**${default}${example}.\n  ${lib.removeSuffix " " (text option.description)}\n";
  walk =
    path: options:
    lib.concatStrings (
      lib.mapAttrsToList (
        name: option:
        if (option._type or null) == "option" then
          describe (path ++ [ name ]) option
        else
          walk (path ++ [ name ]) option
      ) options
    );
  system = declared "system";
  user = declared "user";
in
''
  ### Of every mount, in both modules

  ${walk [ ] user}
  ### Only in the NixOS module

  ${walk [ ] (lib.filterAttrs (name: _: !(user ? ${name})) system)}''
