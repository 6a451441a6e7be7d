# Names that mean something to units, to fstab's words and to tmpfiles: they are only names. And a mount whose source
# lies in another.
{ common, ... }:
let
  green = "/srv/\"grün\" $HOME 50%n; live";
  papers = "/srv/my papers, 50%n $HOME \"a\"";
in
{
  name = "mycelial-names";
  nodes.machine = {
    imports = [ common ];
    system.activationScripts.sources = ''
      install -d -m 1777 '${papers}' '/srv/grün 50%/inner'
      install -d -o alice -g users '/home/alice/my 5% letters'
    '';
    services.mycelial.mounts = {
      unit = {
        source = papers;
        mountpoint = "/srv/live - 100%u";
        viewDir = "the, links";
        alerts.dropped = 0;
      };
      service = {
        source = "/srv/grün 50%";
        mountpoint = green;
        unit = "service";
        alerts.dropped = 0;
      };
      inner = {
        source = "${green}/inner";
        mountpoint = "/srv/inner";
      };
      letters = {
        source = "/home/alice/my 5% letters";
        mountpoint = "/home/alice/my 5% letters, live";
        user = "alice";
      };
    };
  };
  testScript = ''
    machine.wait_for_unit("mycelial-service.service")
    machine.wait_until_succeeds("ls '/srv/live - 100%u/the, links/README'")
    machine.succeed("ls '/srv/\"grün\" $HOME 50%n; live/.mycelial/README'")
    machine.wait_until_succeeds("su alice -c 'ls \"/home/alice/my 5% letters, live/.mycelial/README\"'")
    machine.wait_for_unit("srv-inner.mount")
    machine.succeed("ls /srv/inner/.mycelial")
    machine.succeed("systemctl start mycelial-alert-unit mycelial-alert-service")
    assert machine.succeed("stat -c %U:%G '/home/alice/my 5% letters'").strip() == "alice:users"
  '';
}
