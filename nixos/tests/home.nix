# The home-manager module. Home-manager itself is no input of the flake, so its part is played by a few lines: sections
# become a unit of the user's manager.
{
  common,
  lib,
  pkgs,
  self,
  ...
}:
let
  home =
    (lib.evalModules {
      specialArgs = { inherit pkgs; };
      modules = [
        self.homeModules.default
        {
          options = {
            assertions = lib.mkOption {
              type = lib.types.listOf lib.types.unspecified;
              default = [ ];
            };
            warnings = lib.mkOption {
              type = lib.types.listOf lib.types.str;
              default = [ ];
            };
            home.packages = lib.mkOption {
              type = lib.types.listOf lib.types.package;
              default = [ ];
            };
            systemd.user.services = lib.mkOption {
              type = lib.types.attrsOf lib.types.unspecified;
              default = { };
            };
          };
          config.services.mycelial = {
            enable = true;
            mounts.letters = {
              source = "/home/alice/letters";
              mountpoint = "/home/alice/letters-live";
              exclude = [ "*.pdf" ];
            };
          };
        }
      ];
    }).config;
  failed = lib.filter (claim: !claim.assertion) home.assertions;
  service = home.systemd.user.services.mycelial-letters;
in
assert lib.assertMsg (failed == [ ]) "assertions of the home module failed";
{
  name = "mycelial-home";
  nodes.machine = {
    imports = [
      common
      (
        { options, ... }:
        {
          programs.fuse = lib.optionalAttrs (options ? programs.fuse.enable) { enable = true; };
        }
      )
    ];
    services.mycelial.enable = lib.mkForce false;
    users.users.alice.packages = home.home.packages;
    systemd.tmpfiles.rules = [ "d /home/alice/letters 0755 alice users - -" ];
    systemd.user.services.mycelial-letters = {
      description = service.Unit.Description;
      wantedBy = service.Install.WantedBy;
      unitConfig.ConditionUser = "alice"; # home-manager writes it into her home alone
      startLimitIntervalSec = service.Unit.StartLimitIntervalSec;
      startLimitBurst = service.Unit.StartLimitBurst;
      enableDefaultPath = false;
      serviceConfig = service.Service;
    };
  };
  testScript = ''
    machine.succeed("loginctl enable-linger alice")
    machine.wait_for_unit("user@1000.service")
    machine.wait_until_succeeds("su alice -c 'ls /home/alice/letters-live/.mycelial'")
    machine.succeed("su alice -c 'echo text >/home/alice/letters-live/a'")
    machine.succeed("grep text /home/alice/letters/a")
    machine.succeed("kill -9 $(pgrep -u alice -f '[m]ycelial-mount')")
    machine.wait_until_succeeds("su alice -c 'cat /home/alice/letters-live/a'", timeout=15)
  '';
}
