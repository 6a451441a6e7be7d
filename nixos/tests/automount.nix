# Mounted at the first access, unmounted when nobody uses it.
{ common, ... }:
{
  name = "mycelial-automount";
  nodes.machine = {
    imports = [ common ];
    services.mycelial.mounts.papers = {
      source = "/srv/papers";
      mountpoint = "/srv/live";
      automount = {
        enable = true;
        idleTimeout = "3s";
      };
    };
  };
  testScript = ''
    machine.wait_for_unit("srv-live.automount")
    machine.fail("systemctl is-active srv-live.mount")
    machine.succeed("ls /srv/live/.mycelial")
    machine.succeed("systemctl is-active srv-live.mount")
    machine.wait_until_fails("systemctl is-active srv-live.mount", timeout=60)
  '';
}
