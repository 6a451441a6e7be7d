# What was recorded is there after a reboot, and after a machine that lost its power.
{ common, ... }:
{
  name = "mycelial-reboot";
  nodes.machine = {
    imports = [ common ];
    services.mycelial.mounts.papers = {
      source = "/srv/papers";
      mountpoint = "/srv/live";
    };
  };
  testScript = ''
    machine.wait_for_unit("srv-live.mount")
    machine.succeed("cd /srv/live && echo a >a && sleep 1 && cat a >b")
    machine.wait_until_succeeds("ls /srv/live/.mycelial/sources/b | grep a")

    machine.shutdown()
    machine.wait_for_unit("srv-live.mount")
    machine.succeed("ls /srv/live/.mycelial/sources/b | grep a")

    machine.succeed("cd /srv/live && cat b >c && sync && sleep 2")
    machine.crash()
    machine.wait_for_unit("srv-live.mount")
    machine.succeed("cmp /srv/live/a /srv/live/c")
    machine.succeed("mycelial doctor")
    machine.succeed("ls /srv/live/.mycelial/sources/c | grep b")
  '';
}
