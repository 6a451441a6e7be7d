# A Type=notify service with all its hardening, in place: it comes back after kill -9, and after its loop hangs.
{ common, ... }:
{
  name = "mycelial-service";
  nodes.machine = {
    imports = [ common ];
    services.mycelial.mounts.papers = {
      source = "/srv/papers";
      unit = "service";
      watchdog = 5;
      cache = 5;
      neededBy = [ "reader.service" ];
    };
    systemd.services.reader = {
      wantedBy = [ "multi-user.target" ];
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
        ExecStart = "/run/current-system/sw/bin/cat /srv/papers/.mycelial/status.json";
      };
    };
  };
  testScript = ''
    machine.wait_for_unit("mycelial-papers.service")
    machine.wait_for_unit("reader.service")
    machine.succeed("su alice -c 'echo text >/srv/papers/a'")
    machine.succeed("findmnt -t fuse.mycelial /srv/papers")
    machine.succeed("systemctl show -p StatusText mycelial-papers | grep Serving")

    with subtest("kill -9"):
        machine.succeed("systemctl kill -s KILL --kill-whom=main mycelial-papers")
        machine.wait_until_succeeds("grep text /srv/papers/a", timeout=10)
        machine.succeed("findmnt -t fuse.mycelial /srv/papers")

    with subtest("a loop that hangs"):
        machine.succeed("systemctl kill -s STOP --kill-whom=main mycelial-papers")
        machine.wait_until_succeeds("[ $(systemctl show -P NRestarts mycelial-papers) -ge 2 ]", timeout=30)
        machine.wait_until_succeeds("grep text /srv/papers/a", timeout=10)

    with subtest("an end that was asked for"):
        machine.succeed("systemctl stop mycelial-papers")
        machine.fail("findmnt -t fuse.mycelial /srv/papers")
        machine.succeed("grep text /srv/papers/a")
  '';
}
