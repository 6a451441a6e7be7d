# Mounts that root's manager makes for an ordinary user, in both kinds of unit; their records are hers.
{ common, ... }:
{
  name = "mycelial-user";
  nodes.machine = {
    imports = [ common ];
    systemd.tmpfiles.rules = [
      "d /home/alice/notes 0755 alice users - -"
      "d /home/alice/papers 0755 alice users - -"
    ];
    services.mycelial.mounts = {
      notes = {
        source = "/home/alice/notes";
        user = "alice";
        group = "users";
        unit = "service";
      };
      papers = {
        source = "/home/alice/papers";
        mountpoint = "/home/alice/papers-live";
        user = "alice";
        group = "users";
      };
    };
  };
  testScript = ''
    machine.wait_for_unit("mycelial-notes.service")
    machine.wait_for_unit("home-alice-papers\\x2dlive.mount")
    for place in ("notes", "papers-live"):
        machine.succeed(f"su alice -c 'echo text >/home/alice/{place}/a && cat /home/alice/{place}/.mycelial/status.json'")
        machine.fail(f"su bob -c 'ls /home/alice/{place}'")
    assert machine.succeed("stat -c %U:%a /home/alice/.local/state/mycelial").strip() == "alice:700"
  '';
}
