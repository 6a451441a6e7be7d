# Every assertion and warning of the module, each by a configuration that deserves it and nothing else.
{
  self,
  pkgs,
  lib,
}:
let
  evaluate =
    modules:
    (lib.nixosSystem {
      modules = [
        { nixpkgs.hostPlatform = pkgs.stdenv.hostPlatform.system; }
        self.nixosModules.default
        {
          services.mycelial.enable = true;
          system.stateVersion = "26.05";
        }
      ]
      ++ modules;
    }).config;
  ours = lib.filter (lib.hasPrefix "services.mycelial");
  refusals =
    config: ours (map (claim: claim.message) (lib.filter (claim: !claim.assertion) config.assertions));

  # One mount, of which a claim says the rest.
  mount = settings: { services.mycelial.mounts.papers = settings; };
  covered = settings: mount ({ source = "/srv/papers"; } // settings);
  aside = settings: covered ({ mountpoint = "/srv/live"; } // settings);
  withAlice = settings: {
    imports = [ (covered ({ user = "alice"; } // settings)) ];
    users.users.alice.isNormalUser = true;
  };

  wrong = {
    "the source papers is a relative path" = mount { source = "papers"; };
    "the mountpoint live is a relative path" = covered { mountpoint = "live"; };
    "write the source /srv/papers/ without" = aside { source = "/srv/papers/"; };
    "write the mountpoint /srv/../live without" = covered { mountpoint = "/srv/../live"; };
    "lies inside the source" = covered { mountpoint = "/srv/papers/live"; };
    "lies inside the mountpoint" = aside { source = "/srv/live/papers"; };
    "is also that of services.mycelial.mounts.papers" = {
      imports = [ (aside { }) ];
      services.mycelial.mounts.rival = {
        source = "/srv/rival";
        mountpoint = "/srv/live";
      };
    };
    "units are named after it" = {
      services.mycelial.mounts."my papers".source = "/srv/papers";
    };
    "viewDir must be one name" = covered { viewDir = "a/b"; };
    "the database papers.db is a relative path" = covered { database = "papers.db"; };
    "would lie inside the mount that covers" = covered { database = "/srv/papers/papers.db"; };
    "needs programs.fuse.userAllowOther" = withAlice { allowOther = true; };
    "is in fileSystems too" = {
      imports = [ (covered { }) ];
      fileSystems."/srv/papers" = {
        device = "/dev/disk/by-label/papers";
        fsType = "ext4";
      };
    };
    "automount is for mount units" = aside {
      unit = "service";
      automount.enable = true;
    };
    "automount cannot be in place" = covered { automount.enable = true; };
    "there is no users.users.nobody-known" = covered { user = "nobody-known"; };
    "there is no users.groups.nobody-known" = covered { group = "nobody-known"; };
    "papers: allowOther of the ordinary user alice" = withAlice { extraOptions = [ "allow_other" ]; };
    "cannot name a mount unit after /srv/grün" = covered { mountpoint = "/srv/grün"; };
    "no unit can hold the path \"/srv/a\\nb\"" = aside { source = "/srv/a\nb"; };
    "no unit can hold the path \"/srv/live \"" = covered { mountpoint = "/srv/live "; };
  };

  doubtful = {
    "only root will be able to enter" = covered { allowOther = false; };
    "alerts.unit is never started" = covered { alerts.unit = "alarm.service"; };
    "mean nothing while record is off" = covered {
      record = false;
      exclude = [ "*.iso" ];
    };
    "showViewDir means nothing" = covered {
      viewDir = null;
      showViewDir = true;
    };
    "enabled without any mounts" = { };
  };

  right = {
    imports = [ (withAlice { allowOther = true; }) ];
    programs.fuse.userAllowOther = true;
    services.mycelial.mounts.notes = {
      source = "/srv/notes";
      mountpoint = "/srv/notes-live";
      unit = "service";
      neededBy = [ "nginx.service" ];
      alerts.dropped = 0;
    };
  };

  exactly =
    kind: found: text:
    if builtins.length found == 1 && lib.hasInfix text (builtins.head found) then
      null
    else
      throw "the ${kind} with '${text}' was expected alone, but there are: ${builtins.toJSON found}";

  results =
    lib.mapAttrsToList (text: module: exactly "refusal" (refusals (evaluate [ module ])) text) wrong
    ++ lib.mapAttrsToList (
      text: module:
      let
        config = evaluate [ module ];
      in
      assert lib.assertMsg (refusals config == [ ]) (builtins.toJSON (refusals config));
      exactly "warning" (ours config.warnings) text
    ) doubtful
    ++ [
      (
        let
          config = evaluate [ right ];
          complaints = refusals config ++ ours config.warnings;
        in
        if complaints == [ ] then
          null
        else
          throw "a good configuration was refused: ${builtins.toJSON complaints}"
      )
    ];
in
pkgs.runCommand "mycelial-module" { } (
  builtins.deepSeq results ''
    echo ${toString (builtins.length results)} configurations judged as expected >$out
  ''
)
