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

  mount = settings: { services.mycelial.mounts.papers = settings; };
  alice.users.users.alice.isNormalUser = true;

  wrong = {
    "the source papers is a relative path" = mount { source = "papers"; };
    "the mountpoint live is a relative path" = mount {
      source = "/srv/papers";
      mountpoint = "live";
    };
    "write the source /srv/papers/ without" = mount {
      source = "/srv/papers/";
      mountpoint = "/srv/live";
    };
    "write the mountpoint /srv/../live without" = mount {
      source = "/srv/papers";
      mountpoint = "/srv/../live";
    };
    "lies inside the source" = mount {
      source = "/srv/papers";
      mountpoint = "/srv/papers/live";
    };
    "lies inside the mountpoint" = mount {
      source = "/srv/live/papers";
      mountpoint = "/srv/live";
    };
    "is also that of services.mycelial.mounts.a" = {
      services.mycelial.mounts = {
        a = {
          source = "/srv/a";
          mountpoint = "/srv/live";
        };
        b = {
          source = "/srv/b";
          mountpoint = "/srv/live";
        };
      };
    };
    "units are named after it" = {
      services.mycelial.mounts."my papers".source = "/srv/papers";
    };
    "viewDir must be one name" = mount {
      source = "/srv/papers";
      viewDir = "a/b";
    };
    "the database papers.db is a relative path" = mount {
      source = "/srv/papers";
      database = "papers.db";
    };
    "would lie inside the mount that covers" = mount {
      source = "/srv/papers";
      database = "/srv/papers/papers.db";
    };
    "needs programs.fuse.userAllowOther" = {
      imports = [
        alice
        (mount {
          source = "/srv/papers";
          user = "alice";
          allowOther = true;
        })
      ];
    };
    "is in fileSystems too" = {
      imports = [ (mount { source = "/srv/papers"; }) ];
      fileSystems."/srv/papers" = {
        device = "/dev/disk/by-label/papers";
        fsType = "ext4";
      };
    };
    "automount is for mount units" = mount {
      source = "/srv/papers";
      mountpoint = "/srv/live";
      unit = "service";
      automount.enable = true;
    };
    "automount cannot be in place" = mount {
      source = "/srv/papers";
      automount.enable = true;
    };
    "there is no users.users.nobody-known" = mount {
      source = "/srv/papers";
      user = "nobody-known";
    };
    "there is no users.groups.nobody-known" = mount {
      source = "/srv/papers";
      group = "nobody-known";
    };
    "papers: allowOther of the ordinary user alice" = {
      imports = [
        alice
        (mount {
          source = "/srv/papers";
          user = "alice";
          extraOptions = [ "allow_other" ];
        })
      ];
    };
    "cannot name a mount unit after /srv/grün" = mount {
      source = "/srv/papers";
      mountpoint = "/srv/grün";
    };
    "no unit can hold the path \"/srv/a\\nb\"" = mount {
      source = "/srv/a\nb";
      mountpoint = "/srv/live";
    };
    "no unit can hold the path \"/srv/live \"" = mount {
      source = "/srv/papers";
      mountpoint = "/srv/live ";
    };
  };

  doubtful = {
    "only root will be able to enter" = mount {
      source = "/srv/papers";
      allowOther = false;
    };
    "alerts.unit is never started" = mount {
      source = "/srv/papers";
      alerts.unit = "alarm.service";
    };
    "mean nothing while record is off" = mount {
      source = "/srv/papers";
      record = false;
      exclude = [ "*.iso" ];
    };
    "showViewDir means nothing" = mount {
      source = "/srv/papers";
      viewDir = null;
      showViewDir = true;
    };
    "enabled without any mounts" = { };
  };

  right = {
    imports = [
      alice
      (mount {
        source = "/srv/papers";
        mountpoint = "/srv/papers-live";
        unit = "service";
        neededBy = [ "nginx.service" ];
        alerts.dropped = 0;
      })
    ];
    programs.fuse.userAllowOther = true;
    services.mycelial.mounts.notes = {
      source = "/home/alice/notes";
      user = "alice";
      allowOther = true;
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
