# The demo machine as a virtual one, for `nix run .#vm`: alice is logged in on the console.
{ modulesPath, ... }:
{
  imports = [
    ./demo.nix
    "${modulesPath}/virtualisation/qemu-vm.nix"
  ];
  virtualisation = {
    cores = 2;
    memorySize = 2048;
    graphics = false;
  };
  services.getty.autologinUser = "alice";
  users.motd = "Try: cd /srv/papers-live; work there; ls .mycelial/related; mycelial --help\n";
}
