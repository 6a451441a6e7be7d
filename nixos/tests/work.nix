# Work that is done in the mount shows in .mycelial: what was used together, what was made from what, and how.
{ common, pkgs, ... }:
{
  name = "mycelial-work";
  nodes.machine = {
    imports = [ common ];
    environment.systemPackages = [
      pkgs.gcc
      pkgs.attr
    ];
    services.mycelial.mounts.papers.source = "/srv/papers";
  };
  testScript = ''
    machine.wait_for_unit("srv-papers.mount")
    machine.succeed("cd /srv/papers && echo intro >intro && echo method >method && sleep 1 && cat intro method >paper")
    machine.wait_until_succeeds("ls /srv/papers/.mycelial/sources/paper | grep intro")
    machine.succeed("grep cat /srv/papers/.mycelial/how/paper")
    machine.succeed("cd /srv/papers && mycelial products intro | grep paper")
    machine.succeed("getfattr -n user.mycelial.sources --only-values /srv/papers/paper | grep method")
    machine.succeed("cd /srv/papers && printf '#include \"a.h\"\nint main(void){return A;}\n' >a.c && echo '#define A 0' >a.h && gcc -c a.c")
    machine.wait_until_succeeds("ls /srv/papers/.mycelial/sources/a.o | grep a.h")
    machine.fail("ls -A /srv/papers | grep mycelial")
  '';
}
