# Two users on one mount: each sees relations of his own accesses, and no name that he may not reach.
{ common, ... }:
{
  name = "mycelial-privacy";
  nodes.machine = {
    imports = [ common ];
    system.activationScripts.shared = {
      deps = [ "users" ];
      text = "install -d -m 1777 /srv/shared; install -d -m 0700 -o alice -g users /srv/shared/alice";
    };
    services.mycelial.mounts.shared = {
      source = "/srv/shared";
      mountpoint = "/srv/shared-live";
    };
  };
  testScript = ''
    machine.wait_for_unit("srv-shared\\x2dlive.mount")
    live = "/srv/shared-live"
    machine.succeed(f"su alice -c 'echo secret >{live}/alice/letter; echo all >{live}/list; cat {live}/alice/letter {live}/list'")
    machine.wait_until_succeeds(f"su alice -c 'ls {live}/.mycelial/related/list' | grep letter")
    machine.fail(f"su bob -c 'ls {live}/alice'")
    machine.fail(f"su bob -c 'ls {live}/.mycelial/related/list' | grep letter")
    machine.fail(f"su bob -c 'cat {live}/.mycelial/recent/*' | grep secret")
    machine.fail("su bob -c 'ls /var/lib/mycelial'")
    assert machine.succeed("stat -c %a /var/lib/mycelial/*.db | sort -u").strip() == "600"
  '';
}
