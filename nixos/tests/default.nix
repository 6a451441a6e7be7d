# The tests in virtual machines. Where none can run, their nodes are evaluated all the same, and the units that come of
# it are run under a systemd in a container: see nixos/checks/run.
{
  self,
  pkgs,
  lib,
}:
let
  # Every machine has two users and a directory of everybody's, there before local filesystems are mounted.
  common = {
    imports = [ self.nixosModules.default ];
    services.mycelial.enable = true;
    system.activationScripts.papers = "install -d -m 1777 /srv/papers";
    users.users.alice = {
      isNormalUser = true;
      uid = 1000;
    };
    users.users.bob = {
      isNormalUser = true;
      uid = 1001;
    };
  };
  test =
    file:
    pkgs.testers.runNixOSTest (
      import file {
        inherit
          common
          lib
          pkgs
          self
          ;
      }
    );
in
{
  vm-mount-unit = test ./mount-unit.nix;
  vm-service = test ./service.nix;
  vm-privacy = test ./privacy.nix;
  vm-automount = test ./automount.nix;
  vm-user = test ./user.nix;
  vm-home = test ./home.nix;
  vm-work = test ./work.nix;
  vm-reboot = test ./reboot.nix;
  vm-names = test ./names.nix;
  vm-oci = test ./oci.nix;
}
