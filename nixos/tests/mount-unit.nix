# A mount unit: there at boot, clean at its end, and mounted anew when its daemon is killed.
{ common, ... }:
{
  name = "mycelial-mount-unit";
  nodes.machine = {
    imports = [ common ];
    services.mycelial.mounts.papers = {
      source = "/srv/papers";
      mountpoint = "/srv/papers-live";
      exclude = [ "*.iso" ];
      retention.days = 365;
      alerts = {
        dropped = 0;
        engineRestarts = 3;
        databaseSize = 2000000000;
        unit = "alarm.service";
      };
    };
    systemd.services.alarm.serviceConfig = {
      Type = "oneshot";
      RemainAfterExit = true;
      ExecStart = "/run/current-system/sw/bin/true";
    };
  };
  testScript = ''
    mount = "srv-papers\\x2dlive.mount"
    machine.wait_for_unit(mount)
    machine.succeed("findmnt -t fuse.mycelial /srv/papers-live")
    machine.succeed("echo text >/srv/papers-live/a && cat /srv/papers/a")
    machine.wait_until_succeeds("mycelial recent /srv/papers-live | grep -w a")
    assert machine.succeed("stat -c %a /var/lib/mycelial").strip() == "700"

    with subtest("what nixos-rebuild does when an option changed"):
        machine.succeed(f"systemctl reload '{mount}' && cat /srv/papers-live/a")

    with subtest("a killed daemon is noticed and mounted anew"):
        machine.wait_for_unit("mycelial-watch-papers.service")
        machine.succeed(f"systemctl kill -s KILL '{mount}'")
        machine.wait_until_succeeds("cat /srv/papers-live/a", timeout=10)

    with subtest("an end that was asked for stays"):
        machine.succeed(f"systemctl stop '{mount}'")
        machine.fail("mountpoint /srv/papers-live")
        machine.fail("pgrep -f '[m]ount.fuse.mycelial|[m]ycelial.graph'")
        machine.succeed("sleep 2")
        machine.fail("mountpoint /srv/papers-live")
  '';
}
