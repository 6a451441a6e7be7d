# A machine to look at: one directory of everybody's, one user's own.
{ pkgs, ... }:
{
  services.mycelial = {
    enable = true;
    settings.retention.days = 365;
    mounts.papers = {
      source = "/srv/papers";
      mountpoint = "/srv/papers-live";
      exclude = [ "*.iso" ];
    };
    mounts.notes = {
      source = "/home/alice/notes";
      user = "alice";
      group = "users";
      unit = "service";
    };
  };

  users.users.alice = {
    isNormalUser = true;
    # For a machine to try things in, and nothing else.
    initialPassword = "alice";
  };
  # A source is there before the mount: local filesystems are mounted before tmpfiles' rules are applied.
  system.activationScripts.papers = {
    deps = [ "users" ];
    text = "install -d -o alice -g users /srv/papers";
  };
  systemd.tmpfiles.rules = [ "d /home/alice/notes 0755 alice users - -" ];

  environment.systemPackages = [
    pkgs.git
    pkgs.tree
  ];
  # What a real machine has in its own hardware-configuration.nix.
  boot.loader.grub.enable = false;
  fileSystems."/" = {
    device = "/dev/disk/by-label/nixos";
    fsType = "ext4";
  };
  networking.hostName = "mycelial";
  system.stateVersion = "26.05";
}
